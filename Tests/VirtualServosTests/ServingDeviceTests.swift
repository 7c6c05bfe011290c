import Foundation
import Glibc
import TestSupport
import Testing
import VirtualServos

@Suite(.serialized, .enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct ServingDeviceTests {
  /// A folder of the test's own, removed with it.
  private final class Folder {
    let path: String
    init() throws {
      path = NSTemporaryDirectory() + "sinew-virtual-\(UUID().uuidString)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private static func makeBus(
    _ model: String, faults: FaultSettings = FaultSettings(), eeprom: String? = nil
  ) throws -> sending VirtualServoBus {
    let servos = try ServoSetup.servos(try ServoModel.named(model), ids: [1, 2], baud: 1_000_000, returnDelay: 0)
    var configuration = VirtualBusConfiguration(
      servos: servos, timing: BusTiming(baud: 1_000_000), faults: faults)
    configuration.eepromFolder = eeprom
    return try VirtualServoBus(configuration)
  }

  /// What a host gets for a request within two seconds, at least `count` bytes.
  private func exchange(_ descriptor: Int32, _ request: [UInt8], count: Int) -> [UInt8] {
    #expect(write(descriptor, request, request.count) == request.count)
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 256)
    let end = Date().addingTimeInterval(10)
    while answer.count < count, Date() < end {
      var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&poller, 1, 100) > 0 else { continue }
      let received = read(descriptor, &buffer, buffer.count)
      if received <= 0 { break }
      answer += buffer[..<received]
    }
    return answer
  }

  /// Waits until the state is as wanted, two seconds at most.
  private func eventually(_ server: ServoBusServer, _ condition: (BusState) -> Bool) -> Bool {
    let end = Date().addingTimeInterval(10)
    while Date() < end {
      if condition(server.state) { return true }
      usleep(2000)
    }
    return condition(server.state)
  }

  private let ping = Host.short(1, 1, [])
  private let pong = bytes("FF FF 01 02 00 FC")

  @Test("over a socket pair; the host's end closes, the servos go on")
  func socketPair() throws {
    let (server, host) = try ServoBusServer.socketPair(try Self.makeBus("sts3215-7v4"))
    defer { server.stop() }
    for _ in 0..<100 { #expect(exchange(host, ping, count: 6) == pong) }
    #expect(server.state.isHostPresent)
    close(host)
    #expect(eventually(server) { !$0.isHostPresent })
  }

  @Test("over a pseudo-terminal by its link; hosts come and go; the link goes with the server")
  func pseudoTerminal() throws {
    let folder = try Folder()
    let link = folder.path + "/arm"
    let server = try ServoBusServer.pseudoTerminal(try Self.makeBus("sts3215-7v4"), link: link)
    #expect(server.portName == link)
    #expect(!server.state.isHostPresent)
    for _ in 0..<3 {
      // Opened as it is, without setting it raw: 0x0A and 0x11 must pass unchanged.
      let host = open(link, O_RDWR | O_NOCTTY)
      #expect(host >= 0)
      #expect(eventually(server) { $0.isHostPresent })
      let odd: [UInt8] = [0x0A, 0x0D, 0x11, 0x13, 0x03, 0x04, 0x7F]
      #expect(exchange(host, Host.short(1, 3, [41] + odd.prefix(1)), count: 6) == pong)
      #expect(exchange(host, Host.short(1, 2, [41, 1]), count: 7)[5] == 0x0A)
      for value in odd {
        #expect(exchange(host, Host.short(1, 3, [41, value]), count: 6) == pong)
        #expect(exchange(host, Host.short(1, 2, [41, 1]), count: 7)[5] == value)
      }
      close(host)
      #expect(eventually(server) { !$0.isHostPresent })
    }
    server.stop()
    #expect(!FileManager.default.fileExists(atPath: link))
  }

  @Test("over a unix socket and over TCP on this machine, one host after the other")
  func sockets() throws {
    let folder = try Folder()
    for address in ["unix:\(folder.path)/bus", "tcp:0"] {
      let server = try ServoBusServer.listening(try Self.makeBus("sts3215-7v4"), at: address)
      for _ in 0..<2 {
        let host = try #require(connect(to: server.portName))
        #expect(exchange(host, ping, count: 6) == pong)
        close(host)
        #expect(eventually(server) { !$0.isHostPresent })
      }
      server.stop()
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/bus"))
    #expect(throws: VirtualServoError.self) {
      try ServoBusServer.listening(try Self.makeBus("sts3215-7v4"), at: "bus")
    }
  }

  @Test("a second host's connection ends at once; one that follows at the first one's heels is the next")
  func secondHost() throws {
    let folder = try Folder()
    for address in ["unix:\(folder.path)/bus", "tcp:0"] {
      let server = try ServoBusServer.listening(try Self.makeBus("sts3215-7v4"), at: address)
      defer { server.stop() }
      let first = try #require(connect(to: server.portName))
      #expect(exchange(first, ping, count: 6) == pong)
      let second = try #require(connect(to: server.portName))
      var poller = pollfd(fd: second, events: Int16(POLLIN), revents: 0)
      var byte: UInt8 = 0
      #expect(poll(&poller, 1, 10_000) == 1 && read(second, &byte, 1) == 0)
      close(second)
      #expect(exchange(first, ping, count: 6) == pong)
      close(first)
      let next = try #require(connect(to: server.portName))
      #expect(exchange(next, ping, count: 6) == pong)
      close(next)
    }
  }

  private func connect(to name: String) -> Int32? {
    if name.hasPrefix("unix:") {
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(name.dropFirst(5).utf8)) }
      let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      return result == 0 ? descriptor : nil
    }
    guard let port = UInt16(name.split(separator: ":").last ?? "") else { return nil }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    return result == 0 ? descriptor : nil
  }

  @Test("a host that dies: the watchdog stops a DYNAMIXEL, a Feetech holds its last goal")
  func hostDeath() throws {
    let (server, host) = try ServoBusServer.socketPair(try Self.makeBus("xl330-m288"))
    defer { server.stop() }
    _ = exchange(host, Host.long(1, 3, [64, 0, 1]), count: 11)
    _ = exchange(host, Host.long(1, 3, [98, 0, 5]), count: 11)
    #expect(!server.state.servos[0].isWatchdogTripped)
    close(host)
    #expect(eventually(server) { $0.servos[0].isWatchdogTripped && !$0.isHostPresent })
    #expect(server.state.servos[0].isTorqueOn)
  }

  @Test("a line that hangs up closes the host's end")
  func hangUp() throws {
    let faults = try FaultSettings.parse(["hang-up-after=1"])
    let (server, host) = try ServoBusServer.socketPair(try Self.makeBus("sts3215-7v4", faults: faults))
    defer {
      server.stop()
      close(host)
    }
    #expect(exchange(host, ping, count: 6) == pong)
    var byte: UInt8 = 0
    #expect(read(host, &byte, 1) == 0)
    #expect(server.state.isHungUp)
  }

  @Test("a pseudo-terminal that hangs up tells the host at once, and nobody can open it again")
  func terminalHangUp() throws {
    let folder = try Folder()
    let faults = try FaultSettings.parse(["hang-up-after=1"])
    let server = try ServoBusServer.pseudoTerminal(
      try Self.makeBus("sts3215-7v4", faults: faults), link: folder.path + "/arm")
    defer { server.stop() }
    let host = open(server.portName, O_RDWR | O_NOCTTY)
    defer { close(host) }
    #expect(exchange(host, ping, count: 6) == pong)
    #expect(eventually(server) { $0.isHungUp && !$0.isHostPresent })
    var poller = pollfd(fd: host, events: Int16(POLLIN), revents: 0)
    #expect(poll(&poller, 1, 2000) == 1)
    #expect(Int32(poller.revents) & POLLHUP != 0)
    #expect(open(server.portName, O_RDWR | O_NOCTTY) < 0)
  }

  @Test("a link never replaces a file")
  func linkOverFile() throws {
    let folder = try Folder()
    let path = folder.path + "/file"
    try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: VirtualServoError.self) {
      try ServoBusServer.pseudoTerminal(try Self.makeBus("sts3215-7v4"), link: path)
    }
    #expect(error?.description.contains("no symbolic link") == true)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
  }

  @Test("EEPROM outlives the process; another model's is refused", arguments: ["sts3215-7v4", "xl330-m288", "ax-12a"])
  func eeprom(model: String) throws {
    let folder = try Folder()
    let isLong = model.hasPrefix("x")
    let first = Host(try Self.makeBus(model, eeprom: folder.path))
    if model.hasPrefix("sts") { _ = first.write1(1, 55, 0, size: 1) }
    let idAddress: UInt8 = isLong ? 7 : model.hasPrefix("ax") ? 3 : 5
    _ = first.exchange(isLong ? Host.long(1, 3, [idAddress, 0, 42]) : Host.short(1, 3, [idAddress, 42]))
    if isLong { _ = first.write2(42, 20, -77, size: 4) }
    #expect(first.bus.state.servos.map { $0.id } == [42, 2])
    #expect(first.bus.state.trouble == nil)
    let second = Host(try Self.makeBus(model, eeprom: folder.path))
    #expect(second.bus.state.servos.map { $0.id } == [42, 2])
    if isLong { #expect(second.bus.register(0, at: 20) == -77) }
    let error = #expect(throws: VirtualServoError.self) {
      _ = try Self.makeBus(model == "ax-12a" ? "xl430-w250" : "ax-12a", eeprom: folder.path)
    }
    #expect(error?.description.contains("servo-1.yaml:") == true)
  }
}
