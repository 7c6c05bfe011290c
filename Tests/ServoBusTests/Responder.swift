import CSystem
import Foundation
import Glibc
import ServoBus
import Synchronization
import Testing

/// What a scripted bus answers to a request: pieces of bytes, each after a pause (ns).
struct Reply {
  var pause: Int64 = 0
  var bytes: [UInt8]
}

/// The far end of a socket pair, run by a script: bytes in, replies out. It knows requests only as far as the script
/// does; nothing of the library's codecs is in it.
final class Responder: @unchecked Sendable {
  // Unchecked: the script and its state are used by the thread only, between start and join.
  private let descriptor: Int32
  private var thread = pthread_t()
  private let script: (inout [UInt8], Int) -> [Reply]?
  private var number = 0

  private init(_ descriptor: Int32, _ script: @escaping (inout [UInt8], Int) -> [Reply]?) {
    self.descriptor = descriptor
    self.script = script
  }

  /// One end of a socket pair whose far end is run by `script`: it takes what it understands from the front of the bytes received and
  /// answers; nil means that it hangs up. The second argument counts the calls that answered.
  static func start(
    _ script: @escaping (inout [UInt8], Int) -> [Reply]?
  ) throws -> (descriptor: Int32, responder: Responder) {
    var ends: [Int32] = [0, 0]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else { throw POSIXError(.EIO) }
    return (ends[0], try serve(ends[1], script))
  }

  /// Runs the far end `descriptor` by `script`, and closes it in the end.
  static func serve(
    _ descriptor: Int32, _ script: @escaping (inout [UInt8], Int) -> [Reply]?
  ) throws -> Responder {
    let responder = Responder(descriptor, script)
    let context = Unmanaged.passRetained(responder).toOpaque()
    guard sinew_thread_start(responderMain, context, 1 << 20, &responder.thread) == 0 else { throw POSIXError(.EIO) }
    return responder
  }

  func join() { pthread_join(thread, nil) }

  private func write(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    _ = bytes.withUnsafeBytes { bytes in
      let sent = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      return sent < 0 && errno == ENOTSOCK ? Glibc.write(descriptor, bytes.baseAddress, bytes.count) : sent
    }
  }

  fileprivate func run() {
    var pending: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      pending += buffer[..<count]
      while !pending.isEmpty {
        let before = pending.count
        guard let replies = script(&pending, number) else {
          close(descriptor)
          return
        }
        if !replies.isEmpty { number += 1 }
        // What has no pause before it goes out in one piece, as an adaptor would hand it over.
        var piece: [UInt8] = []
        for reply in replies {
          if reply.pause > 0 {
            write(piece)
            piece = []
            _ = sinew_sleep_until_ns(sinew_now_ns() + reply.pause)
          }
          piece += reply.bytes
        }
        write(piece)
        if pending.count == before { break }
      }
    }
    close(descriptor)
  }
}

private func responderMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  if let context { Unmanaged<Responder>.fromOpaque(context).takeRetainedValue().run() }
  return nil
}

/// A request that a scripted servo understands: cut from the front of `pending` by the length field alone.
struct Request {
  var id: UInt8
  var instruction: UInt8
  var parameters: [UInt8]
  var raw: [UInt8]

  static func take(_ wire: WireProtocol, from pending: inout [UInt8]) -> Request? {
    let isSecond = wire == .dynamixel2
    guard pending.count >= (isSecond ? 7 : 4) else { return nil }
    let length = isSecond ? Int(pending[5]) + 256 * Int(pending[6]) + 7 : Int(pending[3]) + 4
    guard pending.count >= length else { return nil }
    let raw = Array(pending[..<length])
    pending.removeFirst(length)
    return isSecond
      ? Request(id: raw[4], instruction: raw[7], parameters: Array(raw[8..<(length - 2)]), raw: raw)
      : Request(id: raw[2], instruction: raw[4], parameters: Array(raw[5..<(length - 1)]), raw: raw)
  }

  /// Sync read: address, length and ids.
  func asSyncRead(_ wire: WireProtocol) -> (address: Int, count: Int, ids: [UInt8])? {
    guard instruction == 0x82 || instruction == 0x8A else { return nil }
    let p = parameters
    return wire == .dynamixel2
      ? (Int(p[0]) + 256 * Int(p[1]), Int(p[2]) + 256 * Int(p[3]), Array(p[4...]))
      : (Int(p[0]), Int(p[1]), Array(p[2...]))
  }
}

/// What cycles of a test read: the count of requests so far, so that an old answer shows.
func counterData(_ number: Int, id: UInt8, count: Int) -> [UInt8] {
  var data = [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8), id]
  while data.count < count { data.append(0x5A) }
  return Array(data.prefix(count))
}

/// A pseudo-terminal: its two ends, and the path of the second.
func makeTerminal() throws -> (master: Int32, slave: Int32, path: String) {
  let master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
  var (lock, number): (Int32, Int32) = (0, 0)
  // TIOCSPTLCK and TIOCGPTN, which Glibc's import leaves out.
  try #require(master >= 0 && ioctl(master, 0x4004_5431, &lock) == 0 && ioctl(master, 0x8004_5430, &number) == 0)
  let path = "/dev/pts/\(number)"
  let slave = open(path, O_RDWR | O_NOCTTY)
  try #require(slave >= 0)
  return (master, slave, path)
}
