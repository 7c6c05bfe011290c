import CSerialPort
import CSystem
import Glibc

/// Owns one way to a servo bus: a serial device, a pseudo-terminal, or a socket. Closes it in the end.
///
/// Nothing here blocks longer than it is told to; silence (no bytes), hang-up and a blocked write are told apart.
/// Reading, writing and waiting are real-time safe.
public struct Transport: ~Copyable {
  /// The open file: for a crash handler that must write a last frame, and for nobody else.
  public let descriptor: Int32
  /// Whether it is a socket, behind which a program plays the bus.
  let isSocket: Bool
  /// libserialport's handle, when it opened the device: it owns the descriptor then.
  private let port: OpaquePointer?
  /// Stands in for the descriptor and the clock, when the line exists in memory only.
  private let line: UnsafeMutablePointer<sinew_line>?
  /// What it was made from, for messages: a path, or "descriptor 5".
  public let name: String
  /// How long the adaptor may keep received bytes back, ns; nil where it does not say (no FTDI adaptor, or no adaptor).
  public internal(set) var adaptorLatency: Int64?
  /// System calls made so far (waits, reads, writes).
  public private(set) var systemCalls: UInt64 = 0
  /// Bytes sent and received so far.
  public private(set) var sentBytes: UInt64 = 0
  public private(set) var receivedBytes: UInt64 = 0

  /// Takes over an open descriptor: a socket, one end of a socket pair, or a terminal, which is switched to raw bytes.
  public init(descriptor: Int32, name: String? = nil) throws(TransportError) {
    let name = name ?? "descriptor \(descriptor)"
    let status = sinew_descriptor_prepare(descriptor)
    guard status == 0 else { throw TransportError(.failed, errorNumber: status) }
    let terminal = sinew_terminal_prepare(descriptor)
    guard terminal == 0 || terminal == ENOTTY || terminal == EINVAL || terminal == EOPNOTSUPP else {
      throw TransportError(.failed, errorNumber: terminal)
    }
    self.descriptor = descriptor
    self.name = name
    isSocket = sinew_descriptor_is_socket(descriptor)
    port = nil
    line = nil
  }

  /// A line that exists in memory only, with a clock of its own: what `line` answers counts instead of the system. It
  /// is told when the transport is gone.
  public init(line: sinew_line, name: String) {
    let memory = UnsafeMutablePointer<sinew_line>.allocate(capacity: 1)
    memory.initialize(to: line)
    self.line = memory
    self.name = name
    descriptor = -1
    isSocket = false
    port = nil
  }

  /// Takes over a device that libserialport has opened and set.
  init(port: OpaquePointer, descriptor: Int32, name: String) {
    self.port = port
    self.descriptor = descriptor
    self.name = name
    isSocket = false
    line = nil
  }

  /// Leads nowhere: every use of it says that the port is gone.
  init(nowhere name: String) {
    descriptor = -1
    self.name = name
    isSocket = false
    port = nil
    line = nil
  }

  deinit {
    if let line {
      sinew_line_close(line)
      line.deallocate()
    } else if let port {
      _ = sp_close(port)
      sp_free_port(port)
    } else if descriptor >= 0 {
      close(descriptor)
    }
  }

  /// The time that all deadlines are in, ns: CLOCK_MONOTONIC, or a line's own.
  public var now: Int64 {
    @_noLocks get {
      if let line { return sinew_line_now(line) }
      return sinew_now_ns()
    }
  }

  /// Sends all bytes, waiting for room until `deadline` (monotonic ns) at most.
  @_noLocks
  public mutating func write(_ bytes: UnsafePointer<UInt8>, count: Int, deadline: Int64) throws(TransportError) {
    var sent = 0
    while sent < count {
      systemCalls &+= 1
      let result = send(bytes + sent, count &- sent)
      if result >= 0 {
        sent &+= Int(result)
        sentBytes &+= UInt64(result)
        continue
      }
      let reason = Int32(truncatingIfNeeded: -result)
      guard reason == EAGAIN else { throw Transport.error(reason) }
      systemCalls &+= 1
      let events = poll(forWriting: true, until: deadline)
      if events < 0 { throw Transport.error(-events) }
      if events == 0 {
        // A goal that waits in the device's queue would reach the servos at any time later.
        _ = sinew_terminal_discard_output(descriptor)
        throw TransportError(.writeBlocked)
      }
      if events & Int32(POLLHUP | POLLERR | POLLNVAL) != 0 { throw TransportError(.hungUp) }
    }
  }

  /// Reads what is there, up to `capacity` bytes; 0 when nothing is.
  @_noLocks
  public mutating func read(into buffer: UnsafeMutablePointer<UInt8>, capacity: Int) throws(TransportError) -> Int {
    guard capacity > 0 else { return 0 }
    systemCalls &+= 1
    let result = receive(buffer, capacity)
    if result > 0 {
      receivedBytes &+= UInt64(result)
      return Int(result)
    }
    // The end of a socket, or a device that was unplugged.
    if result == 0 { throw TransportError(.hungUp) }
    let reason = Int32(truncatingIfNeeded: -result)
    if reason == EAGAIN { return 0 }
    throw Transport.error(reason)
  }

  /// Waits until bytes can be read; false when none came until `deadline` (monotonic ns).
  @_noLocks
  public mutating func waitReadable(until deadline: Int64) throws(TransportError) -> Bool {
    systemCalls &+= 1
    let events = poll(forWriting: false, until: deadline)
    if events < 0 { throw Transport.error(-events) }
    if events == 0 { return false }
    // What was sent before the end can still be read.
    if events & Int32(POLLIN) != 0 { return true }
    throw TransportError(.hungUp)
  }

  /// Runs the plain C client on this transport; see `sinew_plain_c_bus_client`.
  func runPlainClient(
    first: [UInt8], second: [UInt8], answerBytes: Int, timeout: Int64, cycles: Int
  ) throws(TransportError) -> (times: [Int64], systemCalls: Int64, cpu: Int64) {
    var times = [Int64](repeating: -1, count: cycles)
    var (calls, cpu): (Int64, Int64) = (0, 0)
    let status = sinew_plain_c_bus_client(
      descriptor, first, first.count, second, second.count, answerBytes, timeout, &times, Int32(clamping: cycles),
      &calls, &cpu)
    guard status == 0 else { throw Transport.error(status) }
    return (times, calls, cpu)
  }

  /// Sleeps until `deadline` (monotonic ns), whatever comes in.
  @_noLocks
  public mutating func sleep(until deadline: Int64) {
    systemCalls &+= 1
    if let line {
      sinew_line_sleep(line, deadline)
    } else {
      _ = sinew_poll_until_ns(-1, false, deadline)
    }
  }

  @_noLocks
  private func send(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int64 {
    if let line { return sinew_line_write(line, bytes, count) }
    return sinew_write_some(descriptor, isSocket, bytes, count)
  }

  @_noLocks
  private func receive(_ buffer: UnsafeMutablePointer<UInt8>, _ capacity: Int) -> Int64 {
    if let line { return sinew_line_read(line, buffer, capacity) }
    return sinew_read_some(descriptor, buffer, capacity)
  }

  @_noLocks
  private func poll(forWriting: Bool, until deadline: Int64) -> Int32 {
    if let line { return sinew_line_wait(line, forWriting, deadline) }
    return sinew_poll_until_ns(descriptor, forWriting, deadline)
  }

  /// The system's reasons that mean that the other end is gone.
  @_noLocks
  private static func error(_ reason: Int32) -> TransportError {
    switch reason {
    case EIO, ENXIO, ENODEV, EPIPE, ECONNRESET, ENOTCONN, EBADF: return TransportError(.hungUp, errorNumber: reason)
    default: return TransportError(.failed, errorNumber: reason)
    }
  }
}
