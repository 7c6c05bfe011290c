/// One servo as it was found: what it should be, and its registers.
struct ServoImage: Sendable {
  let expected: ExpectedServo
  let ping: PingAnswer
  /// Runs of bytes and where they begin.
  let blocks: [(address: Int, bytes: [UInt8])]

  /// Which runs are read of a servo, by protocol: all that is looked at here.
  static func ranges(_ wire: WireProtocol) -> [(address: Int, count: Int)] {
    switch wire {
    case .feetechSTS: [(0, 40), (40, 31), (80, 7)]
    case .feetechSCS: [(0, 40), (40, 27)]
    case .dynamixel1: [(0, 24), (24, 24)]
    case .dynamixel2: [(0, 64), (64, 83)]
    }
  }

  /// Reads a servo. Nothing is written.
  static func read(
    _ master: inout BusMaster, _ expected: ExpectedServo, ping: PingAnswer
  ) throws(BusError) -> ServoImage {
    var blocks: [(address: Int, bytes: [UInt8])] = []
    for range in ranges(master.wire) {
      blocks.append((range.address, try master.read(expected.id, address: range.address, count: range.count)))
    }
    return ServoImage(expected: expected, ping: ping, blocks: blocks)
  }

  /// A register's number; nil where the model has none of that name.
  func value(_ name: String) -> Int? {
    guard let register = expected.model.register(name) else { return nil }
    for block in blocks {
      let start = register.address - block.address
      guard start >= 0, start + register.width <= block.bytes.count else { continue }
      let bytes = Array(block.bytes[start..<(start + register.width)])
      return register.codec(bigEndian: expected.model.wire.isBigEndian).decode(bytes)
    }
    return nil
  }

  /// One byte of the table; 0 where it was not read.
  func byte(at address: Int) -> UInt8 {
    for block in blocks where block.bytes.indices.contains(address - block.address) {
      return block.bytes[address - block.address]
    }
    return 0
  }

  /// A register's number in its unit.
  func quantity(_ name: String) -> Double? {
    guard let value = value(name), let register = expected.model.register(name) else { return nil }
    return Double(value) * register.scale
  }

  var voltage: Double { quantity("present_voltage") ?? .nan }
  var temperature: Double { quantity("present_temperature") ?? .nan }
  var isTorqueOn: Bool { value("torque_enable") == 1 }
  /// The status byte (Feetech, protocol 1.0) or the hardware error register.
  var errorBits: UInt8 {
    if let error = value("hardware_error") { return UInt8(truncatingIfNeeded: error) }
    return ping.status
  }
  /// s.
  var returnDelay: Double { quantity("return_delay") ?? 0 }
}
