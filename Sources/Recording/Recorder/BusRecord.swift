import ArmModel

/// How a servo bus and the servos on it were, for the log. All counts since the port was opened.
public struct BusRecord: Sendable, BitwiseCopyable {
  /// Monotonic, ns.
  public var stamp: Int64 = 0
  /// Whether the joints are under torque, as last confirmed.
  public var power = ArmPower.unknown
  /// Whether the port is open.
  public var isConnected = true
  /// Requests sent and answers accepted.
  public var requests: UInt64 = 0
  public var answers: UInt64 = 0
  /// Answers that did not come in time.
  public var timeouts: UInt64 = 0
  /// Frames with a wrong check value, cut short, or of another length than was asked for.
  public var damaged: UInt64 = 0
  /// Frames from servos that were not asked, our own come back, old ones and doubles.
  public var unexpected: UInt64 = 0
  /// Bytes that belonged to no frame.
  public var garbageBytes: UInt64 = 0
  /// Requests sent again, and requests that a servo refused.
  public var retries: UInt64 = 0
  public var refusals: UInt64 = 0
  /// What each joint's servo says of itself.
  public var health: ArmHealth

  /// Nothing is known yet of an arm with `count` joints.
  @_noLocks
  public init(count: Int) { health = ArmHealth(count: count) }
}

extension MessageTexts {
  static let bus = """
    # How the servo bus and the servos were; counts since the port was opened.
    int64 stamp_ns            # monotonic
    uint64 requests           # sent
    uint64 answers            # accepted
    uint64 timeouts           # answers that did not come in time
    uint64 damaged            # frames with a wrong check value, cut short or of a wrong length
    uint64 unexpected         # frames of others, echoes, late and double answers
    uint64 garbage_bytes      # bytes of no frame
    uint64 retries            # requests sent again
    uint64 refusals           # requests that a servo refused
    float64[] temperature     # degC by joint, NaN while unknown
    float64[] voltage         # V by joint, NaN while unknown
    uint8[] faults            # by joint, bits: 1 overload, 2 heat, 4 voltage, 8 sensor, 16 electrical, 32 torque lost, 64 watchdog
    uint8 power               # 0 unknown, 1 off, 2 being switched on, 3 on, 4 mixed
    bool connected

    """
}

extension LogEncoder {
  /// The body of a bus message.
  static func append(_ record: BusRecord, to cdr: inout CdrWriter) {
    cdr.reset()
    cdr.append(record.stamp)
    for count in [
      record.requests, record.answers, record.timeouts, record.damaged, record.unexpected, record.garbageBytes,
      record.retries, record.refusals,
    ] { cdr.append(count) }
    let health = record.health
    for values in [health.temperature.array, health.voltage.array] {
      values.withUnsafeBytes { cdr.append(doubles: $0) }
    }
    cdr.append(UInt32(health.count))
    for joint in 0..<health.count { cdr.append(health.faults(of: joint).rawValue) }
    cdr.append(record.power.rawValue)
    cdr.append(UInt8(record.isConnected ? 1 : 0))
  }
}
