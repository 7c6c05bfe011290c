/// What is spoken on a bus. All servos of one bus speak the same.
public enum WireProtocol: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// Feetech STS and SMS series (magnetic encoder): little-endian values, sync read.
  case feetechSTS = 0
  /// Feetech SCS series (potentiometer): big-endian values, no sync read.
  case feetechSCS = 1
  /// DYNAMIXEL protocol 1.0 (AX, older MX): no sync read.
  case dynamixel1 = 2
  /// DYNAMIXEL protocol 2.0 (X series): byte stuffing, CRC, sync and fast sync read.
  case dynamixel2 = 3

  /// The name used on the command line and in logs.
  public var name: String {
    switch self {
    case .feetechSTS: "feetech"
    case .feetechSCS: "feetech-scs"
    case .dynamixel1: "dynamixel1"
    case .dynamixel2: "dynamixel2"
    }
  }

  /// The protocol of that name.
  public init?(name: String) {
    guard let found = WireProtocol.allCases.first(where: { $0.name == name }) else { return nil }
    self = found
  }

  /// Whether frames are DYNAMIXEL 2.0's; all others share one frame.
  var isSecondGeneration: Bool {
    @_noLocks get {
      switch self {
      case .dynamixel2: return true
      case .feetechSTS, .feetechSCS, .dynamixel1: return false
      }
    }
  }

  /// Whether registers of several bytes start with the most significant one.
  public var isBigEndian: Bool {
    @_noLocks get {
      switch self {
      case .feetechSCS: return true
      case .feetechSTS, .dynamixel1, .dynamixel2: return false
      }
    }
  }

  /// Whether several servos answer one read request.
  public var hasSyncRead: Bool {
    @_noLocks get {
      switch self {
      case .feetechSTS, .dynamixel2: return true
      case .feetechSCS, .dynamixel1: return false
      }
    }
  }

  /// The highest id a servo may have.
  public var highestID: UInt8 {
    @_noLocks get {
      switch self {
      case .dynamixel2: return 252
      case .feetechSTS, .feetechSCS, .dynamixel1: return 253
      }
    }
  }

  /// The id that every servo obeys.
  public static var broadcastID: UInt8 { @_noLocks get { 0xFE } }

  /// Bytes of an answer that carries `count` bytes of data, before stuffing.
  @_noLocks
  public func answerBytes(data count: Int) -> Int { isSecondGeneration ? 11 &+ count : 6 &+ count }

  @_noLocks
  public static func == (a: WireProtocol, b: WireProtocol) -> Bool { a.rawValue == b.rawValue }
  @_noLocks
  public static func != (a: WireProtocol, b: WireProtocol) -> Bool { a.rawValue != b.rawValue }
}

/// The instruction codes of all protocols; each says where it exists.
public enum Instruction {
  /// Everywhere.
  public static var ping: UInt8 { @_noLocks get { 0x01 } }
  public static var read: UInt8 { @_noLocks get { 0x02 } }
  public static var write: UInt8 { @_noLocks get { 0x03 } }
  public static var registeredWrite: UInt8 { @_noLocks get { 0x04 } }
  public static var action: UInt8 { @_noLocks get { 0x05 } }
  public static var factoryReset: UInt8 { @_noLocks get { 0x06 } }
  /// DYNAMIXEL. On Feetech the same code enters the boot loader, so it is never sent there.
  public static var reboot: UInt8 { @_noLocks get { 0x08 } }
  /// DYNAMIXEL 2.0.
  public static var clear: UInt8 { @_noLocks get { 0x10 } }
  /// DYNAMIXEL 2.0: marks an answer.
  public static var status: UInt8 { @_noLocks get { 0x55 } }
  /// Feetech STS, DYNAMIXEL 2.0.
  public static var syncRead: UInt8 { @_noLocks get { 0x82 } }
  /// Everywhere.
  public static var syncWrite: UInt8 { @_noLocks get { 0x83 } }
  /// DYNAMIXEL 2.0, model and firmware permitting.
  public static var fastSyncRead: UInt8 { @_noLocks get { 0x8A } }
  /// DYNAMIXEL 2.0; protocol 1.0 on the MX series.
  public static var bulkRead: UInt8 { @_noLocks get { 0x92 } }
  /// DYNAMIXEL 2.0.
  public static var bulkWrite: UInt8 { @_noLocks get { 0x93 } }
  public static var fastBulkRead: UInt8 { @_noLocks get { 0x9A } }
}

/// Why a request could not be put into bytes. Nothing was written that counts.
public enum EncodingError: Error, Sendable, BitwiseCopyable, Equatable {
  /// The caller's buffer is too small for the frame.
  case bufferTooSmall
  /// The frame would be longer than the protocol's length field, or the servo's firmware, allows.
  case frameTooLong
  /// An id that no servo can have, or the broadcast id where an answer is expected.
  case invalidID
  /// One id appears twice in a group.
  case duplicateID
  /// A group without servos, or a read or write of no bytes.
  case nothingToDo
  /// An address that the protocol's address field cannot hold.
  case addressOutOfRange
  /// The protocol has no such instruction.
  case unsupported
}
