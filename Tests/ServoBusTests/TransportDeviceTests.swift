import CSystem
import Foundation
import Glibc
import ServoBus
import TestSupport
import Testing

@Suite(.enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct TransportDeviceTests {
  @Test("silence, bytes and hang-up are three different things on a pseudo-terminal")
  func terminal() throws {
    let (master, slave, _) = try makeTerminal()
    var transport = try Transport(descriptor: slave)
    var buffer = [UInt8](repeating: 0, count: 16)
    #expect(try transport.read(into: &buffer, capacity: 16) == 0)
    #expect(try !transport.waitReadable(until: sinew_now_ns() + 1_000_000))
    // Bytes that a terminal would like to interpret go through as they are.
    let tricky: [UInt8] = [0x03, 0x0A, 0x0D, 0x11, 0x13, 0x00, 0xFF, 0x7F]
    #expect(Glibc.write(master, tricky, tricky.count) == tricky.count)
    #expect(try transport.waitReadable(until: sinew_now_ns() + far))
    var got: [UInt8] = []
    while got.count < tricky.count {
      _ = try transport.waitReadable(until: sinew_now_ns() + far)
      let count = try transport.read(into: &buffer, capacity: 16)
      got += buffer[..<count]
    }
    #expect(got == tricky)
    try transport.write(tricky, count: tricky.count, deadline: sinew_now_ns() + far)
    var back = [UInt8](repeating: 0, count: 16)
    #expect(Glibc.read(master, &back, 16) == tricky.count && Array(back[..<8]) == tricky)
    close(master)
    var code: TransportError.Code?
    do throws(TransportError) {
      _ = try transport.waitReadable(until: sinew_now_ns() + far)
      _ = try transport.read(into: &buffer, capacity: 16)
    } catch { code = error.code }
    #expect(code == .hungUp)
  }

  @Test("a write that finds no room ends at its deadline and says so")
  func blocked() throws {
    var ends: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    defer { close(ends[1]) }
    var transport = try Transport(descriptor: ends[0])
    let block = [UInt8](repeating: 7, count: 65536)
    var code: TransportError.Code?
    let began = sinew_now_ns()
    for _ in 0..<1000 where code == nil {
      do throws(TransportError) {
        try transport.write(block, count: block.count, deadline: sinew_now_ns() + 20_000_000)
      } catch { code = error.code }
    }
    #expect(code == .writeBlocked && sinew_now_ns() - began < 5_000_000_000)
  }

  @Test("a closed socket is a hang-up for reading and writing, without a signal")
  func closed() throws {
    var ends: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    var transport = try Transport(descriptor: ends[0])
    close(ends[1])
    var buffer = [UInt8](repeating: 0, count: 4)
    var codes: [TransportError.Code] = []
    do throws(TransportError) { _ = try transport.read(into: &buffer, capacity: 4) } catch { codes.append(error.code) }
    do throws(TransportError) {
      try transport.write(buffer, count: 4, deadline: sinew_now_ns() + far)
    } catch { codes.append(error.code) }
    #expect(codes == [.hungUp, .hungUp])
  }

  @Test("a descriptor that is none is refused")
  func noDescriptor() {
    var code: TransportError.Code?
    do throws(TransportError) { _ = try Transport(descriptor: -1) } catch { code = error.code }
    #expect(code == .failed)
  }

  /// The error of opening a port, as a text.
  private func opening(_ path: String, baud: Int = 1_000_000) -> PortError? {
    do throws(PortError) {
      _ = try SerialPort.open(path: path, baud: baud)
      return nil
    } catch { return error }
  }

  @Test("ports that cannot be opened say why and what to do")
  func refusals() throws {
    let missing = try #require(opening("/dev/ttyNOTHERE0"))
    #expect(missing.kind == .notFound && missing.description.contains("sinew port list"))
    #expect(try #require(opening("/dev/null")).kind == .notASerialPort)
    #expect(try #require(opening("/etc/passwd")).kind == .notASerialPort)
    #expect(try #require(opening("/dev/ttyNOTHERE0", baud: 12)).kind == .wrongSpeed)
    let (master, slave, path) = try makeTerminal()
    defer {
      close(master)
      close(slave)
    }
    let terminal = try #require(opening(path))
    #expect(terminal.kind == .notASerialPort)
  }
}
