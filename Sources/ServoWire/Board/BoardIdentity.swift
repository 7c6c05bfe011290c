/// Who a board is: what it says of itself in HELLO_ACK and INFO.
public struct BoardIdentity: BitwiseCopyable, Sendable {
  /// Firmware version: major in the high byte.
  public var firmware: UInt16 = 0
  /// Kind of board.
  public var board: UInt16 = 0
  /// This board; 0 when it has no number of its own.
  public var uniqueID: UInt64 = 0
  /// Why it started.
  public var reset = WireReset.unknown
  /// Starts since power came on, or since ever.
  public var bootCount: UInt16 = 0
  /// Bits of `Capabilities`.
  public var capabilities: UInt16 = 0
  /// Highest rate of SETPOINT that the board keeps up with, Hz.
  public var maximumRateHz: UInt16 = 0
  /// How many channels it has, 1 to 16.
  public let channels: Int

  @_noLocks
  public init(channels: Int) {
    precondition(channels >= 1 && channels <= 16, "a board has 1 to 16 channels")
    self.channels = channels
  }
}

/// What the hardware layer measures. When made, the e-stop input is open: nothing may move before it was read.
public struct BoardInputs: BitwiseCopyable, Sendable {
  /// The e-stop input is open: the button is pressed, or its wire is broken.
  public var isEstopOpen = true
  /// The hardware layer found a fault.
  public var hasFault = false
  /// Supply of the servos, mV.
  public var voltageMv: UInt16 = 0
  /// Current of all servos together, mA.
  public var currentMa: UInt16 = 0
  /// Measured positions in the converter's units: none, or one for each channel.
  public var feedback = UInt16List()

  @_noLocks
  public init() {}
}

/// The counters of STATS. Those of 16 bits stay at 65535.
struct BoardCounters: BitwiseCopyable {
  var frames: UInt32 = 0
  var crc: UInt16 = 0
  var framing: UInt16 = 0
  var oversize: UInt16 = 0
  var overrun: UInt16 = 0
  var malformed: UInt16 = 0
  var sequenceGaps: UInt16 = 0
  var refused: UInt16 = 0
  var watchdogHolds: UInt16 = 0
  var watchdogOffs: UInt16 = 0
  var lateTicks: UInt16 = 0

  @_noLocks
  init() {}

  @_noLocks
  static func count(_ counter: inout UInt16) {
    if counter != 0xFFFF { counter += 1 }
  }
}
