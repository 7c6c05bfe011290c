import CSystem
import Glibc
import ServoBus
import VirtualServos

/// A virtual bus as the far end of a transport, on virtual time: the host's calls cost a little of it, and a wait lasts
/// until the next byte or its deadline, at once. The same seed gives the same bytes at the same times, as fast as the
/// machine can.
///
/// A class for one thread: transport and trial both hold it.
public final class VirtualLine {
  /// What is at the far end.
  public let bus: VirtualServoBus
  /// The line's time, ns; never goes back.
  public private(set) var now: Int64 = 0
  /// What one of the host's calls takes, ns.
  public let callTime: Int64
  /// Waits and sleeps so far.
  public private(set) var waits = 0
  private var pending: [UInt8] = []
  /// When the cable is pulled; nil: not at all.
  private var unplugAt: Int64?
  private var isPlugged = true

  /// A line to `bus`, at time 0.
  public init(_ bus: VirtualServoBus, callTime: Int64 = 3000) {
    self.bus = bus
    self.callTime = callTime
  }

  /// A transport whose far end this is. It keeps the line until it is gone.
  public func makeTransport(name: String = "virtual line") -> Transport {
    let context = Unmanaged.passRetained(self).toOpaque()
    return Transport(
      line: sinew_line(
        context: context, now: lineNow, wait: lineWait, read: lineRead, write: lineWrite, sleep: lineSleep,
        close: lineClose), name: name)
  }

  /// Lets time pass.
  public func advance(to time: Int64) {
    now = max(now, time)
    if let unplugAt, now >= unplugAt { pull() }
  }

  /// The cable will be pulled at `time`: what is on its way then is lost.
  public func unplug(at time: Int64) { unplugAt = time }

  /// The cable is plugged in again. The old transport stays dead: make another.
  public func plug() {
    unplugAt = nil
    isPlugged = true
    pending = []
    bus.setHostPresent(true, at: now)
  }

  private func pull() {
    unplugAt = nil
    isPlugged = false
    pending = []
    bus.setHostPresent(false, at: now)
  }

  private func fetch() {
    guard isPlugged else { return }
    pending += bus.read(at: now)
  }

  fileprivate func wait(forWriting: Bool, until deadline: Int64) -> Int32 {
    advance(to: now + callTime)
    waits += 1
    fetch()
    if forWriting, isPlugged { return Int32(POLLOUT) }
    if isPlugged, pending.isEmpty {
      var next = bus.nextDelivery ?? .max
      if let unplugAt { next = min(next, unplugAt) }
      advance(to: min(next, deadline))
      fetch()
    }
    guard isPlugged else { return Int32(POLLHUP) }
    return pending.isEmpty ? 0 : Int32(POLLIN)
  }

  fileprivate func read(_ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int64 {
    advance(to: now + callTime)
    guard isPlugged else { return 0 }
    fetch()
    guard !pending.isEmpty else { return Int64(-EAGAIN) }
    let count = min(capacity, pending.count)
    pending.withUnsafeBytes {
      buffer.copyMemory(from: UnsafeRawPointer($0.baseAddress ?? UnsafeRawPointer(buffer)), byteCount: count)
    }
    pending.removeFirst(count)
    return Int64(count)
  }

  fileprivate func write(_ bytes: UnsafeRawPointer, _ count: Int) -> Int64 {
    advance(to: now + callTime)
    guard isPlugged else { return Int64(-EIO) }
    bus.send(Array(UnsafeRawBufferPointer(start: bytes, count: count)), at: now)
    return Int64(count)
  }

  fileprivate func sleep(until deadline: Int64) {
    advance(to: now + callTime)
    waits += 1
    advance(to: deadline)
  }
}

private func line(_ context: UnsafeMutableRawPointer?) -> VirtualLine {
  guard let context else { preconditionFailure("a line has its context") }
  return Unmanaged<VirtualLine>.fromOpaque(context).takeUnretainedValue()
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

private func lineSleep(_ context: UnsafeMutableRawPointer?, _ deadline: Int64) {
  line(context).sleep(until: deadline)
}

private func lineClose(_ context: UnsafeMutableRawPointer?) {
  guard let context else { return }
  Unmanaged<VirtualLine>.fromOpaque(context).release()
}
