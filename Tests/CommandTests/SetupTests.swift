import Foundation
import TestSupport
import Testing

/// `tools/setup --check` looks at everything that it installs.
struct SetupTests {
  /// MuJoCo's folder as the machine has it.
  private static let prefix: String? = ["/usr/local", NSHomeDirectory() + "/.local"].first {
    FileManager.default.fileExists(atPath: $0 + "/lib/pkgconfig/mujoco.pc")
  }

  @Test(
    "a MuJoCo without its notices is not ready",
    .enabled(if: SetupTests.prefix != nil, "needs MuJoCo in /usr/local or ~/.local"))
  func notices() throws {
    let prefix = try #require(Self.prefix)
    let folder = try ScratchFolder()
    for name in ["lib/pkgconfig", "include", "share/doc/mujoco"] { try folder.makeFolder(name) }
    let library = try #require(
      try FileManager.default.contentsOfDirectory(atPath: prefix + "/lib").first { $0.hasPrefix("libmujoco.so.") })
    try folder.makeLink("lib/\(library)", to: "\(prefix)/lib/\(library)")
    try folder.makeLink("lib/libmujoco.so", to: library)
    try folder.makeLink("include/mujoco", to: "\(prefix)/include/mujoco")
    let description = try String(contentsOfFile: prefix + "/lib/pkgconfig/mujoco.pc", encoding: .utf8)
    try folder.write(
      description.replacingOccurrences(of: "prefix=\(prefix)\n", with: "prefix=\(folder.root)\n"),
      to: "lib/pkgconfig/mujoco.pc")
    func check() throws -> Outcome {
      let script = Fixtures.packageRoot.appendingPathComponent("tools/setup").path
      return try Command.run(["--check", "--prefix", folder.root], in: folder, executable: script)
    }
    let without = try check()
    #expect(without.code == 1)
    #expect(without.errors.contains("missing or not as published: MuJoCo"))
    try folder.write("Apache License", to: "share/doc/mujoco/LICENSE")
    #expect(!(try check()).errors.contains("MuJoCo"))
  }
}
