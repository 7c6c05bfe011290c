import ServoWire

/// Frames of a host, made with the library's encoder.
public enum HostFrames {
  /// The bytes on the wire of a sealed body.
  public static func wire(_ body: FrameBody) -> [UInt8] {
    let frame = WireFrame(body)
    return (0..<frame.count).map { frame[$0] }
  }

  /// A message of any type, from its payload. At most 92 bytes.
  public static func raw(_ type: UInt8, _ sequence: UInt8, _ payload: [UInt8]) -> [UInt8] {
    var body = FrameBody()
    body.begin(type, sequence)
    for byte in payload { body.append8(byte) }
    body.seal()
    return wire(body)
  }

  public static func hello(_ session: UInt16, sequence: UInt8 = 0) -> [UInt8] {
    var message = HelloMessage()
    message.major = WireSchema.major
    message.schema = WireSchema.hash
    message.session = session
    var body = FrameBody()
    message.write(to: &body, sequence: sequence)
    return wire(body)
  }

  /// ARM, CLEAR, STOP, DISARM, CONFIG_COMMIT, CONFIG_DEFAULTS: all carry the session alone.
  public static func request(_ type: UInt8, _ session: UInt16, sequence: UInt8) -> [UInt8] {
    raw(type, sequence, [UInt8(session & 255), UInt8(session >> 8)])
  }

  public static func setpoint(
    _ session: UInt16, mask: UInt16, targets: [UInt16], ttlMs: UInt16 = 0, sequence: UInt8
  ) -> [UInt8] {
    var message = SetpointMessage()
    message.session = session
    message.mask = mask
    message.ttlMs = ttlMs
    for target in targets { message.targets.append(target) }
    var body = FrameBody()
    message.write(to: &body, sequence: sequence)
    return wire(body)
  }

  public static func set(_ session: UInt16, _ pairs: [(key: UInt16, value: UInt16)], sequence: UInt8) -> [UInt8] {
    var message = ConfigSetMessage()
    message.session = session
    for (key, value) in pairs { message.pairs.append(UInt32(value) << 16 | UInt32(key)) }
    var body = FrameBody()
    message.write(to: &body, sequence: sequence)
    return wire(body)
  }

  /// Settings with which a channel can be armed: 1 to 2 ms, start in the middle.
  public static func usable(
    _ channel: Int, rate: UInt16 = 2000, acceleration: UInt16 = 2000
  ) -> [(key: UInt16, value: UInt16)] {
    let key = UInt16(0x100 + channel << 4)
    return [(key, 1), (key + 1, 4000), (key + 2, 8000), (key + 3, rate), (key + 4, acceleration), (key + 5, 6000)]
  }
}
