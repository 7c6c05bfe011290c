import Foundation
import TestSupport
import Testing

/// One request that cannot be served.
struct WrongInput: Sendable, CustomTestStringConvertible {
  let name: String
  let arguments: [String]
  /// What the error line must name: the file or option, and the cause.
  let mentions: [String]
  var code: Int32 = 2
  var environment: [String: String] = [:]
  /// Makes the files it needs.
  var prepare: @Sendable (ScratchFolder) throws -> Void = { _ in }

  var testDescription: String { name }

  init(
    _ name: String, _ arguments: [String], mentions: [String], code: Int32 = 2, environment: [String: String] = [:],
    prepare: @escaping @Sendable (ScratchFolder) throws -> Void = { _ in }
  ) {
    self.name = name
    self.arguments = arguments
    self.mentions = mentions
    self.code = code
    self.environment = environment
    self.prepare = prepare
  }
}

struct WrongInputTests {
  @Test(
    "a wrong request is refused with one line that names the cause, and nothing is written",
    arguments: WrongInput.arguments + WrongInput.tasks + WrongInput.policies + WrongInput.observations
      + WrongInput.models + WrongInput.configurations + WrongInput.logs + WrongInput.logFiles)
  func refused(_ wrong: WrongInput) throws {
    let folder = try ScratchFolder()
    try wrong.prepare(folder)
    let before = try folder.snapshot()
    let outcome = try Command.run(wrong.arguments, in: folder, environment: wrong.environment, patience: 20)
    #expect(outcome.code == wrong.code, "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
    let first = try #require(outcome.errorLines.first)
    #expect(first.hasPrefix("error: "))
    #expect(first.count < 1010)
    #expect(outcome.errorLines.count == 1, "\(outcome.errors)")
    for text in wrong.mentions { #expect(first.contains(text), "\(first)") }
    #expect(try folder.snapshot() == before)
  }

  @Test("a file without permission to read is refused", .enabled(if: geteuid() != 0, "root may read everything"))
  func withoutPermission() throws {
    for name in ["task.yaml", "policy.onnx", "model.xml", "run.mcap"] {
      let folder = try ScratchFolder()
      try folder.write("x", to: name)
      chmod(folder.path(name), 0)
      let arguments =
        switch name {
        case "task.yaml": WrongInput.evaluate(task: name)
        case "policy.onnx": WrongInput.evaluate(policy: name)
        case "model.xml": WrongInput.evaluate(model: name)
        default: ["log", "info", name]
        }
      let outcome = try Command.run(arguments, in: folder)
      #expect(outcome.code == 2)
      #expect(outcome.errorLines.count == 1 && outcome.errors.contains(name))
    }
  }

  @Test("a program without the files that ship with it says so")
  func withoutResources() throws {
    let folder = try ScratchFolder()
    let lonely = folder.path("sinew")
    // Not copied here: a process started meanwhile would inherit the open file, which could then not be executed.
    #expect(try Command.run([Command.executable, lonely], in: folder, executable: "/bin/cp").code == 0)
    for arguments in [
      WrongInput.evaluate(), ["list", "tasks", "--show", "reach"], ["list", "arms"], ["list"],
      WrongInput.evaluate(task: Shipped.task.path),
      WrongInput.evaluate(task: Shipped.task.path, policy: Shipped.bundle.path),
    ] {
      let outcome = try Command.run(arguments, in: folder, executable: lonely)
      #expect(outcome.code == 2)
      #expect(outcome.errorLines.count == 1)
      #expect(outcome.errors.hasPrefix("error: "))
    }
    let doctor = try Command.run(["doctor", "--json"], in: folder, executable: lonely)
    #expect(doctor.code == 1)
    #expect(doctor.json?["can_simulate"] as? Bool == false)
    #expect(doctor.output.contains("SINEW_RESOURCES"))
    let resources = URL(fileURLWithPath: Command.executable).deletingLastPathComponent().path
    let found = try Command.run(
      WrongInput.evaluate(), in: folder, environment: ["SINEW_RESOURCES": resources], executable: lonely)
    #expect(found.code == 0, "\(found.errors)")
  }
}

/// The files that ship, to make wrong ones of.
enum Shipped {
  static var bundle: URL {
    Fixtures.packageRoot.appendingPathComponent("Sources/Policies/Resources/policies/reacher-sb3")
  }
  static var task: URL { Fixtures.packageRoot.appendingPathComponent("Sources/Tasks/Resources/tasks/reacher-v5.yaml") }
  static var model: URL {
    Fixtures.packageRoot.appendingPathComponent("Sources/Simulation/Resources/models/reacher.xml")
  }
  static let network = "sb3_ppo_reacher.with_norm_clip.onnx"
}

extension WrongInput {
  /// One episode, with one part exchanged.
  static func evaluate(
    task: String = "reacher-v5", policy: String = "reacher-sb3", model: String? = nil, _ more: String...
  ) -> [String] {
    ["evaluate", "--episodes", "1", "--task", task, "--policy", policy] + (model.map { ["--model", $0] } ?? []) + more
  }
}

extension ScratchFolder {
  struct NotFound: Error {
    let text: String
  }

  /// A shipped text file with one place changed.
  func write(_ source: URL, changing old: String, to new: String, as name: String) throws {
    let text = try String(contentsOf: source, encoding: .utf8)
    guard text.contains(old) else { throw NotFound(text: old) }
    try write(text.replacingOccurrences(of: old, with: new), to: name)
  }

  /// The shipped bundle with one place of its policy.yaml changed.
  func writeBundle(_ name: String, changing old: String, to new: String) throws {
    try FileManager.default.copyItem(atPath: Shipped.bundle.path, toPath: path(name))
    try write(Shipped.bundle.appendingPathComponent("policy.yaml"), changing: old, to: new, as: "\(name)/policy.yaml")
  }

  /// Bytes that are no format's.
  func writeJunk(_ name: String, count: Int = 5000) throws {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    try write(
      Data(
        (0..<count).map { _ in
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          return UInt8(truncatingIfNeeded: state >> 33)
        }), to: name)
  }

  /// The shipped network, or its beginning.
  func writeNetwork(_ name: String, prefix: Int = .max) throws {
    try write(
      try Data(contentsOf: Shipped.bundle.appendingPathComponent(Shipped.network)).prefix(prefix), to: name)
  }
}
