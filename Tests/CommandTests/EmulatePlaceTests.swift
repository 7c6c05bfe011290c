import Foundation
import Glibc
import TestSupport
import Testing

/// The names at which emulations serve: a running one keeps its own, what a killed one left behind is taken over.
@Suite(.enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct EmulatePlaceTests {
  private let servos = ["--model", "sts3215-7v4", "--ids", "1"]

  /// Starts an emulation and waits until it has said its port.
  private func start(_ arguments: [String], in folder: ScratchFolder) throws -> Command {
    let command = try Command(["emulate"] + arguments + servos, in: folder.root)
    try command.waitFor(arguments[1], onOutput: true)
    return command
  }

  private func target(_ link: String) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: link)
  }

  @Test(
    "a second emulation leaves the name of a running one alone, however its folder is written",
    arguments: [("--pty", "bus"), ("--pty", "./bus"), ("--pty", "here/bus"), ("--listen", "unix:bus")])
  func taken(option: String, name: String) throws {
    let folder = try ScratchFolder()
    try folder.makeLink("here", to: folder.root)
    let first = try start([option, option == "--pty" ? "bus" : name], in: folder)
    let before = target(folder.path("bus"))
    let second = try Command.run(
      ["emulate", option, name, "--arm", "so101", "--write-calibration", "arm.yaml"], in: folder)
    #expect(second.code == 2)
    #expect(second.errors.contains("is the port of another emulation that runs"), "\(second.errors)")
    #expect(second.errors.contains("end that one, or choose another name"), "\(second.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.path("arm.yaml")))
    #expect(target(folder.path("bus")) == before)
    #expect(access(folder.path("bus"), F_OK) == 0)
    first.send(SIGINT)
    #expect(try first.finish().code == 0)
    #expect(access(folder.path("bus"), F_OK) != 0)
  }

  @Test("what a killed emulation left behind is taken over", arguments: [("--pty", "bus"), ("--listen", "unix:bus")])
  func stale(option: String, name: String) throws {
    let folder = try ScratchFolder()
    let first = try start([option, name], in: folder)
    first.send(SIGKILL)
    #expect(try first.finish().code == nil)
    let second = try start([option, name], in: folder)
    #expect(access(folder.path("bus"), F_OK) == 0)
    second.send(SIGINT)
    #expect(try second.finish().code == 0)
    #expect(access(folder.path("bus"), F_OK) != 0)
  }

  @Test("a link that leads elsewhere by the end is not removed")
  func replaced() throws {
    let folder = try ScratchFolder()
    let command = try start(["--pty", "bus"], in: folder)
    try FileManager.default.removeItem(atPath: folder.path("bus"))
    try folder.makeLink("bus", to: "/dev/null")
    command.send(SIGINT)
    #expect(try command.finish().code == 0)
    #expect(target(folder.path("bus")) == "/dev/null")
  }

  @Test("a link to a device, a file and a live port of another program are left alone")
  func foreign() throws {
    let folder = try ScratchFolder()
    try folder.makeLink("device", to: "/dev/null")
    try folder.write("mine", to: "file")
    try folder.makeLink("linked", to: folder.path("file"))
    // A pseudo-terminal that nobody claimed a name for.
    let other = try VirtualBus()
    try folder.makeLink("live", to: other.port)
    let before = try folder.snapshot()
    for (name, part) in [
      ("device", "leads to something that is no emulated port (/dev/null)"), ("file", "is no symbolic link"),
      ("linked", "leads to something that is no emulated port"), ("live", "leads to a port in use (/dev/pts/"),
      ("nowhere/bus", "No such file or directory"),
    ] {
      let outcome = try Command.run(["emulate", "--pty", name] + servos, in: folder)
      #expect(outcome.code == 2)
      #expect(outcome.errors.contains(part), "\(outcome.errors)")
    }
    #expect(try folder.snapshot() == before)
  }

  @Test("a link whose pseudo-terminal's number was given away anew is taken over")
  func numberGivenAway() throws {
    let folder = try ScratchFolder()
    let other = try VirtualBus()
    try folder.makeLink("bus", to: other.port)
    // A link older than the terminal that has its number now, as a killed emulation leaves it.
    var times = [timespec(tv_sec: 1_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000, tv_nsec: 0)]
    #expect(utimensat(AT_FDCWD, folder.path("bus"), &times, AT_SYMLINK_NOFOLLOW) == 0)
    let command = try start(["--pty", "bus"], in: folder)
    #expect(target(folder.path("bus")) != other.port)
    command.send(SIGINT)
    #expect(try command.finish().code == 0)
  }
}
