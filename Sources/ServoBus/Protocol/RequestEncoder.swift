/// Writes requests of one protocol into a caller's buffer. A value without state; every function returns the frame's
/// length in bytes and is real-time safe.
///
/// Sources: ROBOTIS e-Manual, protocols 1.0 and 2.0; Feetech's protocol and memory-table pages.
public struct RequestEncoder: Sendable, BitwiseCopyable {
  /// Whose frames are written.
  public let wire: WireProtocol

  @_noLocks
  public init(_ wire: WireProtocol) { self.wire = wire }

  /// Asks a servo (or, broadcast, every one) to answer.
  @_noLocks
  public func ping(_ id: UInt8, into buffer: UnsafeMutableBufferPointer<UInt8>) throws(EncodingError) -> Int {
    try checkID(id, allowBroadcast: true)
    var frame = try FrameWriter(wire, id: id, instruction: Instruction.ping, into: buffer)
    return try frame.finish()
  }

  /// Reads `count` bytes from `address`.
  @_noLocks
  public func read(
    _ id: UInt8, address: Int, count: Int, into buffer: UnsafeMutableBufferPointer<UInt8>
  ) throws(EncodingError) -> Int {
    try checkID(id, allowBroadcast: false)
    guard count > 0 else { throw .nothingToDo }
    var frame = try FrameWriter(wire, id: id, instruction: Instruction.read, into: buffer)
    try frame.putWord(address)
    try frame.putWord(count)
    return try frame.finish()
  }

  /// Writes bytes from `address` on; with `registered` they wait for `action`. A broadcast is not answered.
  @_noLocks
  public func write(
    _ id: UInt8, address: Int, bytes: UnsafeBufferPointer<UInt8>, registered: Bool = false,
    into buffer: UnsafeMutableBufferPointer<UInt8>
  ) throws(EncodingError) -> Int {
    try checkID(id, allowBroadcast: true)
    guard let start = bytes.baseAddress, bytes.count > 0 else { throw .nothingToDo }
    // Feetech's firmware ignores instructions with more than 128 bytes of parameters, sync write excepted.
    if isFeetech, bytes.count > 127 { throw .frameTooLong }
    let instruction = registered ? Instruction.registeredWrite : Instruction.write
    var frame = try FrameWriter(wire, id: id, instruction: instruction, into: buffer)
    try frame.putWord(address)
    frame.put(start, count: bytes.count)
    return try frame.finish()
  }

  /// Carries out the registered writes.
  @_noLocks
  public func action(_ id: UInt8, into buffer: UnsafeMutableBufferPointer<UInt8>) throws(EncodingError) -> Int {
    try checkID(id, allowBroadcast: true)
    var frame = try FrameWriter(wire, id: id, instruction: Instruction.action, into: buffer)
    return try frame.finish()
  }

  /// Restarts a DYNAMIXEL servo. Feetech's servos would stay in their boot loader: unsupported there.
  @_noLocks
  public func reboot(_ id: UInt8, into buffer: UnsafeMutableBufferPointer<UInt8>) throws(EncodingError) -> Int {
    try checkID(id, allowBroadcast: true)
    if isFeetech { throw .unsupported }
    var frame = try FrameWriter(wire, id: id, instruction: Instruction.reboot, into: buffer)
    return try frame.finish()
  }

  /// What a factory reset leaves as it is. Protocols other than DYNAMIXEL 2.0 know `everything` only.
  public enum ResetScope: UInt8, Sendable, BitwiseCopyable {
    /// Resets id and baud rate, too.
    case everything = 0xFF
    /// Keeps the id.
    case exceptID = 0x01
    /// Keeps id and baud rate.
    case exceptIDAndBaud = 0x02
  }

  /// Brings a servo back to its factory settings.
  @_noLocks
  public func factoryReset(
    _ id: UInt8, scope: ResetScope, into buffer: UnsafeMutableBufferPointer<UInt8>
  ) throws(EncodingError) -> Int {
    // Never broadcast: every servo of the bus would lose its id.
    try checkID(id, allowBroadcast: false)
    var frame = try FrameWriter(wire, id: id, instruction: Instruction.factoryReset, into: buffer)
    switch wire {
    case .dynamixel2: frame.put(scope.rawValue)
    case .dynamixel1, .feetechSTS, .feetechSCS:
      guard scope.rawValue == 0xFF else { throw .unsupported }
    }
    return try frame.finish()
  }

  /// DYNAMIXEL 2.0: brings the multi-turn count back within one turn; refused by the servo while it moves.
  @_noLocks
  public func clearTurns(_ id: UInt8, into buffer: UnsafeMutableBufferPointer<UInt8>) throws(EncodingError) -> Int {
    try checkID(id, allowBroadcast: false)
    guard wire.isSecondGeneration else { throw .unsupported }
    var frame = try FrameWriter(wire, id: id, instruction: Instruction.clear, into: buffer)
    frame.put(0x01)
    frame.put(0x44)
    frame.put(0x58)
    frame.put(0x4C)
    frame.put(0x22)
    return try frame.finish()
  }

  var isFeetech: Bool {
    @_noLocks get {
      switch wire {
      case .feetechSTS, .feetechSCS: return true
      case .dynamixel1, .dynamixel2: return false
      }
    }
  }

  @_noLocks
  func checkID(_ id: UInt8, allowBroadcast: Bool) throws(EncodingError) {
    guard id <= wire.highestID || (allowBroadcast && id == WireProtocol.broadcastID) else { throw .invalidID }
  }
}
