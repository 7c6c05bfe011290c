import CSerialPort
import CSystem
import Glibc

/// A serial device that was opened: the transport and what is worth telling the user about it.
public struct OpenedPort: ~Copyable {
  /// The way to the bus.
  public var transport: Transport
  /// The device itself, where a link was given.
  public let devicePath: String
  /// What was found about the adaptor's latency.
  public let latency: AdaptorLatency

  /// Hands out the transport.
  public consuming func takeTransport() -> Transport { transport }
}

/// Serial devices, through libserialport.
public enum SerialPort {
  /// The speeds a bus may have, bit/s.
  public static var speeds: ClosedRange<Int> { 9600...4_500_000 }

  /// Opens a serial device for a servo bus: exclusively, raw, 8N1, no flow control. What the driver made of the settings
  /// is read back, because some report success and do something else.
  public static func open(path: String, baud: Int) throws(PortError) -> OpenedPort {
    guard speeds.contains(baud) else {
      throw PortError(
        .wrongSpeed, path: path, "\(baud) baud is no speed of a servo bus",
        suggestion: "use \(speeds.lowerBound) to \(speeds.upperBound), for example 1000000")
    }
    let device = try resolve(path)
    if access(device, R_OK | W_OK) != 0 { throw PortDiagnosis.inaccessible(path, device, errno) }
    try checkUnused(path, device)

    var handle: OpaquePointer?
    guard sp_get_port_by_name(device, &handle) == SP_OK, let port = handle else {
      throw PortError(
        .notASerialPort, path: path, "this is not a serial port", suggestion: "list the ports with 'sinew port list'")
    }
    var isOpen = false
    var isKept = false
    defer {
      if !isKept {
        if isOpen { _ = sp_close(port) }
        sp_free_port(port)
      }
    }
    guard sp_open(port, SP_MODE_READ_WRITE) == SP_OK else {
      throw PortDiagnosis.unopened(path, device, sp_last_error_code())
    }
    isOpen = true
    var descriptor: Int32 = -1
    guard sp_get_port_handle(port, &descriptor) == SP_OK, descriptor >= 0 else {
      throw PortDiagnosis.failed(path, "its descriptor cannot be had")
    }
    let claimed = sinew_terminal_claim(descriptor)
    guard claimed == 0 else { throw PortDiagnosis.unopened(path, device, claimed) }
    try configure(port, path: path, baud: baud)
    try prepare(descriptor, path: path, baud: baud)
    let latency = AdaptorLatency.lower(device: device, descriptor: descriptor)
    isKept = true
    var transport = Transport(port: port, descriptor: descriptor, name: path)
    transport.adaptorLatency = latency.now.map { Int64($0) * 1_000_000 }
    return OpenedPort(transport: transport, devicePath: device, latency: latency)
  }

  /// Asks for the lock before libserialport opens the device: opening changes the settings, which would disturb the
  /// process that has it.
  private static func checkUnused(_ path: String, _ device: String) throws(PortError) {
    let descriptor = Glibc.open(device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw PortDiagnosis.unopened(path, device, errno) }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw PortDiagnosis.unopened(path, device, errno) }
  }

  /// The device behind a link such as /dev/serial/by-id/…, which libserialport itself does not follow.
  static func resolve(_ path: String) throws(PortError) -> String {
    guard let resolved = resolvedPath(path) else { throw PortDiagnosis.inaccessible(path, path, errno) }
    return resolved
  }

  private static func configure(_ port: OpaquePointer, path: String, baud: Int) throws(PortError) {
    var pointer: OpaquePointer?
    guard sp_new_config(&pointer) == SP_OK, let wanted = pointer else {
      throw PortDiagnosis.failed(path, "no memory for its settings")
    }
    defer { sp_free_config(wanted) }
    _ = sp_set_config_baudrate(wanted, Int32(baud))
    _ = sp_set_config_bits(wanted, 8)
    _ = sp_set_config_parity(wanted, SP_PARITY_NONE)
    _ = sp_set_config_stopbits(wanted, 1)
    _ = sp_set_config_flowcontrol(wanted, SP_FLOWCONTROL_NONE)
    guard sp_set_config(port, wanted) == SP_OK else {
      let reason = sp_last_error_code()
      throw PortError(
        .wrongSpeed, path: path, "the driver refuses \(baud) baud, 8N1: \(systemMessage(reason))",
        suggestion: "use another speed, or an adaptor made for servos")
    }
    pointer = nil
    guard sp_new_config(&pointer) == SP_OK, let found = pointer else {
      throw PortDiagnosis.failed(path, "no memory for its settings")
    }
    defer { sp_free_config(found) }
    guard sp_get_config(port, found) == SP_OK else { throw PortDiagnosis.failed(path, "its settings cannot be read") }
    var (speed, bits, stop): (Int32, Int32, Int32) = (0, 0, 0)
    var parity = SP_PARITY_INVALID
    _ = sp_get_config_baudrate(found, &speed)
    _ = sp_get_config_bits(found, &bits)
    _ = sp_get_config_stopbits(found, &stop)
    _ = sp_get_config_parity(found, &parity)
    guard Int(speed) == baud else { throw PortDiagnosis.otherSpeed(path, asked: baud, found: Int(speed)) }
    guard bits == 8, stop == 1, parity == SP_PARITY_NONE else {
      throw PortDiagnosis.failed(path, "the driver did not take 8 bits, no parity, 1 stop bit")
    }
  }

  /// Raw bytes, an end that can be told from silence, and the speed as the kernel has it.
  private static func prepare(_ descriptor: Int32, path: String, baud: Int) throws(PortError) {
    for status in [sinew_descriptor_prepare(descriptor), sinew_terminal_prepare(descriptor)] where status != 0 {
      throw PortDiagnosis.failed(path, systemMessage(status))
    }
    var (input, output): (UInt32, UInt32) = (0, 0)
    let status = sinew_terminal_speed(descriptor, &input, &output)
    guard status == 0 else { throw PortDiagnosis.failed(path, systemMessage(status)) }
    // A driver whose divisor cannot make the speed exactly reports the nearest one; 2 % still reads.
    let error = abs(Int(output) - baud)
    guard error * 50 <= baud else { throw PortDiagnosis.otherSpeed(path, asked: baud, found: Int(output)) }
  }
}
