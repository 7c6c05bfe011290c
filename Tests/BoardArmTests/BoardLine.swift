import CSystem
import Glibc
import ServoBus
import ServoWire
import VirtualServos

/// A virtual board as the far end of a transport, on virtual time: a wait lasts until the next byte or its deadline, at
/// once. What passes to the host can be changed on the way, frame by frame.
///
/// A class for one thread: transport and test both hold it.
final class BoardLine {
  let board: VirtualBoard
  /// The line's time, ns.
  private(set) var now: Int64 = 1_000_000_000
  /// How fast the board's clock runs against the host's.
  let boardRate: Double
  /// What becomes of a board's frame (its bytes, the final zero included) on the way to the host.
  var alterToHost: (([UInt8]) -> [UInt8])?
  /// The same of what the host sends.
  var alterToBoard: (([UInt8]) -> [UInt8])?
  private var frame: [UInt8] = []
  private var pending: [UInt8] = []
  private(set) var isPlugged = true

  init(_ configuration: VirtualBoardConfiguration, boardRate: Double = 1) {
    board = VirtualBoard(configuration)
    self.boardRate = boardRate
  }

  func makeTransport() -> Transport {
    let context = Unmanaged.passRetained(self).toOpaque()
    return Transport(
      line: sinew_line(
        context: context, now: lineNow, wait: lineWait, read: lineRead, write: lineWrite, sleep: lineSleep,
        close: lineClose), name: "virtual line")
  }

  func unplug() { isPlugged = false }

  /// Lets time pass.
  func advance(to time: Int64) {
    guard time > now else { return }
    now = time
    for byte in board.advance(to: boardTime(now)) {
      guard let alterToHost else {
        pending.append(byte)
        continue
      }
      frame.append(byte)
      if byte == 0 {
        pending += alterToHost(frame)
        frame = []
      }
    }
  }

  private func boardTime(_ time: Int64) -> Int64 { Int64(Double(time - 1_000_000_000) * boardRate) }

  fileprivate func wait(forWriting: Bool, until deadline: Int64) -> Int32 {
    advance(to: now + 3000)
    guard isPlugged else { return Int32(POLLHUP) }
    if forWriting { return Int32(POLLOUT) }
    while pending.isEmpty && now < deadline { advance(to: min(deadline, now + 20_000)) }
    return pending.isEmpty ? 0 : Int32(POLLIN)
  }

  fileprivate func read(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int64 {
    advance(to: now + 3000)
    guard isPlugged else { return 0 }
    guard !pending.isEmpty else { return Int64(-EAGAIN) }
    let count = min(capacity, pending.count)
    for index in 0..<count { buffer.storeBytes(of: pending[index], toByteOffset: index, as: UInt8.self) }
    pending.removeFirst(count)
    return Int64(count)
  }

  fileprivate func write(_ bytes: UnsafeRawPointer, _ count: Int) -> Int64 {
    advance(to: now + 3000)
    guard isPlugged else { return Int64(-EIO) }
    let sent = Array(UnsafeRawBufferPointer(start: bytes, count: count))
    board.receive(alterToBoard?(sent) ?? sent, at: boardTime(now))
    return Int64(count)
  }
}

private func line(_ context: UnsafeMutableRawPointer?) -> BoardLine {
  guard let context else { preconditionFailure("a line has its context") }
  return Unmanaged<BoardLine>.fromOpaque(context).takeUnretainedValue()
}

private func lineNow(_ context: UnsafeMutableRawPointer?) -> Int64 { line(context).now }
private func lineWait(_ context: UnsafeMutableRawPointer?, _ forWriting: Bool, _ deadline: Int64) -> Int32 {
  line(context).wait(forWriting: forWriting, until: deadline)
}
private func lineRead(
  _ context: UnsafeMutableRawPointer?, _ buffer: UnsafeMutableRawPointer, _ capacity: Int
) -> Int64 {
  line(context).read(buffer, capacity)
}
private func lineWrite(_ context: UnsafeMutableRawPointer?, _ bytes: UnsafeRawPointer, _ count: Int) -> Int64 {
  line(context).write(bytes, count)
}
private func lineSleep(_ context: UnsafeMutableRawPointer?, _ deadline: Int64) { line(context).advance(to: deadline) }
private func lineClose(_ context: UnsafeMutableRawPointer?) {
  guard let context else { return }
  Unmanaged<BoardLine>.fromOpaque(context).release()
}

extension VirtualBoard {
  /// The pulse of a channel, µs.
  func pulse(_ channel: Int) -> Double { state.pulses[channel] }
}
