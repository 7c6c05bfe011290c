import Foundation
import Glibc
import Testing
import VirtualServos

/// A program that plays an arm at a socket serves one other at a time; what a second one hears, and that it can be stopped
/// while it looks for its arm.
struct OccupiedSocketTests {
  /// A socket that nobody accepts connections at.
  private final class SilentSocket {
    private let descriptor: Int32
    private var others: [Int32] = []

    /// With `isFull` no further connection has room.
    init(at path: String, isFull: Bool) throws {
      // Closed in the programs that other tests start meanwhile: they would keep it open.
      descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      var address = Self.address(path)
      try #require(Self.withRaw(&address) { bind(descriptor, $0, $1) } == 0 && listen(descriptor, 1) == 0)
      while isFull, let other = Self.connect(to: path) { others.append(other) }
    }

    deinit { for end in others + [descriptor] { close(end) } }

    /// Whether somebody has come within `patience` seconds.
    func hasVisitor(_ patience: Int32) -> Bool {
      var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      return poll(&poller, 1, patience * 1000) > 0
    }

    /// A connection to a socket; nil where there is no room.
    static func connect(to path: String) -> Int32? {
      let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
      let end = socket(AF_UNIX, kind, 0)
      var address = address(path)
      if withRaw(&address, { Glibc.connect(end, $0, $1) }) == 0 { return end }
      close(end)
      return nil
    }

    private static func address(_ path: String) -> sockaddr_un {
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
      return address
    }

    private static func withRaw(
      _ address: inout sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
      withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
    }
  }

  private static func calibratedFolder() throws -> ScratchFolder {
    let folder = try ScratchFolder()
    let model = try ServoModel.named("sts3215-7v4")
    try folder.write(
      EmulatedCalibration.make(profile: "so101", model: model, ids: Array(1...6)).text, to: "arm.yaml")
    return folder
  }

  private static let onArm = [
    "--arm", "so101", "--port", "bus", "--calibration", "./arm.yaml", "--allow-non-realtime", "--priority", "0",
    "--no-log", "--yes",
  ]
  private static let commands = [
    ["teleop", "--recording", "square"], ["run", "--unsupervised", "--task", "reach"],
  ]

  @Test("a second program on an emulated arm is told so, and the first goes on")
  func second() throws {
    let folder = try Self.calibratedFolder()
    let emulation = try Command(
      ["emulate", "--arm", "so101", "--physics", "independent", "--listen", "unix:bus"], in: folder.root)
    defer { emulation.send(SIGKILL) }
    try emulation.waitFor("bus", onOutput: true)
    let first = try #require(SilentSocket.connect(to: folder.path("bus")))
    // It is served from here on: a ping is answered.
    let ping: [UInt8] = [0xFF, 0xFF, 0x01, 0x02, 0x01, 0xFB]
    #expect(write(first, ping, ping.count) == ping.count)
    var poller = pollfd(fd: first, events: Int16(POLLIN), revents: 0)
    #expect(poll(&poller, 1, 20_000) == 1)
    for command in Self.commands {
      let outcome = try Command.run(command + Self.onArm, in: folder, patience: 60)
      #expect(outcome.code == 1, "\(outcome.output) \(outcome.errors)")
      #expect(outcome.errors.contains("bus: the connection was closed at once; another program may be connected"))
    }
    var answer = [UInt8](repeating: 0, count: 64)
    _ = read(first, &answer, answer.count)
    #expect(write(first, ping, ping.count) == ping.count)
    poller.revents = 0
    #expect(poll(&poller, 1, 20_000) == 1 && read(first, &answer, answer.count) > 0)
    close(first)
    let scan = try Command.run(
      ["servo", "info", "--port", "bus", "--protocol", "feetech", "--id", "1"], in: folder, patience: 60)
    #expect(scan.code == 0, "\(scan.errors)")
  }

  @Test(
    "a socket that takes no connection, or never answers, ends a run with the likely reason", arguments: [true, false])
  func silent(isFull: Bool) throws {
    let folder = try Self.calibratedFolder()
    let socket = try SilentSocket(at: folder.path("bus"), isFull: isFull)
    for command in Self.commands {
      let outcome = try withExtendedLifetime(socket) {
        try Command.run(command + Self.onArm, in: folder, patience: 60)
      }
      // A port that cannot be opened is wrong input; one that is silent is the bus's trouble.
      #expect(outcome.code == (isFull ? 2 : 1), "\(outcome.output) \(outcome.errors)")
      #expect(outcome.errors.contains("another program may be connected"), "\(outcome.errors)")
    }
  }

  @Test(
    "a stop signal ends the search for the arm as a success: nothing was switched on", arguments: [SIGINT, SIGTERM])
  func stopped(signal: Int32) throws {
    for command in Self.commands {
      let folder = try Self.calibratedFolder()
      let socket = try SilentSocket(at: folder.path("bus"), isFull: false)
      let search = try Command(command + Self.onArm, in: folder.root)
      #expect(socket.hasVisitor(60), "\(search.errors)")
      search.send(signal)
      let outcome = try search.finish(patience: 30)
      #expect(outcome.code == 0, "\(outcome.output) \(outcome.errors)")
      #expect(outcome.output.contains("torque was never switched on"), "\(outcome.output) \(outcome.errors)")
      #expect(outcome.output.contains("stopped by ") && !outcome.output.contains("brought to rest"))
    }
  }
}
