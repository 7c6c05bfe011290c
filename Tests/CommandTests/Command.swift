import Foundation
import Glibc

/// How a command ended and what it said.
struct Outcome {
  /// The exit code; nil when a signal ended it, or when it had to be killed because it did not end.
  let code: Int32?
  let output: String
  let errors: String

  /// Standard error by lines, without the empty ones.
  var errorLines: [String] { errors.split(whereSeparator: \.isNewline).map(String.init) }
  /// Standard output as one JSON object.
  var json: [String: Any]? { (try? JSONSerialization.jsonObject(with: Data(output.utf8))) as? [String: Any] }
}

/// The built command as a process of its own.
final class Command {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// The executable beside this test program.
  static let executable: String = {
    let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    return own.deletingLastPathComponent().appendingPathComponent("sinew").path
  }()

  private(set) var process: pid_t = -1
  private let folder: ScratchFolder
  /// Where it was started, kept for as long as it may run.
  private var place: ScratchFolder?
  /// The writing end of its standard input where that is typed; else -1.
  private var keyboard: Int32 = -1
  private var hasEnded = false

  /// Starts it in `folder`, its standard input read from `input`, or with `isAsked` what is typed later; with
  /// `blocksSignals` as a parent does that has blocked all of them.
  init(
    _ arguments: [String], in folder: String, environment: [String: String] = [:],
    executable: String = Command.executable, input: String = "/dev/null", isAsked: Bool = false,
    blocksSignals: Bool = false
  ) throws {
    self.folder = try ScratchFolder()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if isAsked {
      // Opened for both ways: neither end waits for the other, and no other child can inherit it.
      try self.folder.makePipe("in")
      keyboard = open(self.folder.path("in"), O_RDWR | O_CLOEXEC)
      guard keyboard >= 0 else { throw Failure(description: "in: errno \(errno)") }
    }
    posix_spawn_file_actions_addopen(&actions, 0, isAsked ? self.folder.path("in") : input, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, self.folder.path("out"), O_WRONLY | O_CREAT, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, self.folder.path("err"), O_WRONLY | O_CREAT, 0o600)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // Whatever the test program does with signals, the command starts as from a shell.
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    var blocked = blocksSignals ? all : none
    posix_spawnattr_setsigmask(&attributes, &blocked)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("SINEW_") }
    variables.merge(environment) { $1 }
    // env changes the folder and then becomes the command: the process stays the same.
    let argv = (["env", "-C", folder, executable] + arguments).map { strdup($0) } + [nil]
    let envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in argv + envp { free(text) } }
    var process = pid_t()
    let status = posix_spawn(&process, "/usr/bin/env", &actions, &attributes, argv, envp)
    guard status == 0 else { throw Failure(description: "\(executable): \(String(cString: strerror(status)))") }
    self.process = process
  }

  /// Starts it in a folder that lives as long as the command.
  convenience init(
    _ arguments: [String], in place: ScratchFolder, environment: [String: String] = [:], isAsked: Bool = false
  ) throws {
    try self.init(arguments, in: place.root, environment: environment, isAsked: isAsked)
    self.place = place
  }

  deinit {
    hangUp()
    guard !hasEnded else { return }
    kill(process, SIGKILL)
    waitpid(process, nil, 0)
  }

  /// What it has said on standard error so far.
  var errors: String { (try? folder.text("err")) ?? "" }

  /// Only while it runs: afterwards its number may be another's.
  func send(_ signal: Int32) { if !hasExited { kill(process, signal) } }

  /// Whether it has come to its end.
  var hasExited: Bool {
    guard !hasEnded else { return true }
    var information = siginfo_t()
    return waitid(P_PID, id_t(process), &information, WEXITED | WNOHANG | WNOWAIT) == 0
      && information.si_signo == SIGCHLD
  }

  /// Types a line.
  func type(_ line: String) { _ = (line + "\n").withCString { write(keyboard, $0, strlen($0)) } }

  /// Nothing more is typed.
  func hangUp() {
    if keyboard >= 0 { close(keyboard) }
    keyboard = -1
  }

  /// Waits until it has said `text` on standard error or, with `onOutput`, on standard output.
  func waitFor(_ text: String, onOutput: Bool = false, patience: Double = 20) throws {
    let deadline = Date(timeIntervalSinceNow: patience)
    while true {
      let said = try folder.text(onOutput ? "out" : "err")
      if said.contains(text) { return }
      if Date() > deadline {
        let other = try folder.text(onOutput ? "err" : "out")
        throw Failure(description: "never said '\(text)' but '\(said)' and '\(other)'")
      }
      usleep(2000)
    }
  }

  /// Waits for its end, at most `patience` seconds.
  func finish(patience: Double = 30) throws -> Outcome {
    var status: Int32 = 0
    let deadline = Date(timeIntervalSinceNow: patience)
    while waitpid(process, &status, WNOHANG) == 0 {
      if Date() > deadline {
        kill(process, SIGKILL)
        waitpid(process, &status, 0)
        break
      }
      usleep(2000)
    }
    hasEnded = true
    let isExit = status & 0x7f == 0
    return Outcome(
      code: isExit ? (status >> 8) & 0xff : nil, output: try folder.text("out"), errors: try folder.text("err"))
  }

  /// Runs it to its end.
  static func run(
    _ arguments: [String], in folder: ScratchFolder, environment: [String: String] = [:],
    executable: String = Command.executable, patience: Double = 30
  ) throws -> Outcome {
    try Command(arguments, in: folder.root, environment: environment, executable: executable)
      .finish(patience: patience)
  }
}

/// A folder for one test, removed with the last reference to it.
final class ScratchFolder {
  let root: String

  init() throws {
    var template = Array((FileManager.default.temporaryDirectory.path + "/sinew-test-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { throw Command.Failure(description: "mkdtemp: errno \(errno)") }
    root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  func path(_ name: String) -> String { "\(root)/\(name)" }

  func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }

  func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path(name))) }

  func write(_ text: String, to name: String) throws { try write(Data(text.utf8), to: name) }

  func write(_ data: Data, to name: String) throws { try data.write(to: URL(fileURLWithPath: path(name))) }

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
  }

  /// A file of `size` bytes that holds nothing but a hole.
  func writeHole(_ size: Int, to name: String) throws {
    try write(Data(), to: name)
    guard truncate(path(name), size) == 0 else { throw Command.Failure(description: "truncate: errno \(errno)") }
  }

  func makePipe(_ name: String) throws {
    guard mkfifo(path(name), 0o600) == 0 else { throw Command.Failure(description: "mkfifo: errno \(errno)") }
  }

  func makeLink(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: path(name), withDestinationPath: target)
  }

  /// Everything in it: path, kind, size, time of the last change. Two equal ones: nothing was written in between.
  func snapshot() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: root).sorted().map { name in
      var status = stat()
      guard lstat(path(name), &status) == 0 else { return "\(name) gone" }
      return "\(name) \(status.st_mode) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    }
  }
}
