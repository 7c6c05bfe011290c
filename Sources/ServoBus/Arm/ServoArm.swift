import ArmModel

/// An arm of servos on a bus.
///
/// `connect` looks at every servo and refuses what does not fit profile and calibration; it switches no torque, sends no
/// goal, and changes nothing that lasts. After it the arm stands in `power` off, or unknown or mixed as it was found.
/// `energise`, called once a tick, brings it to on; `release` puts torque-off on the wire.
///
/// One tick is one read and one write, and costs one round trip over the adaptor. `read` sends the request and collects
/// the answers; `write` puts one sync write on the wire, which nobody answers, and returns at once. So a command leaves in
/// the tick that decided it, and a measurement is as young as its own round trip; the price against sending both in one
/// go is one system call a tick more. Beside the cycle every few ticks one short read watches torque where it does not fit
/// the cycle's block (`ConnectionReport` says how the servos are read).
///
/// Quantities are SI: position = sign · (ticks − zero) · rad per tick, the gear included; velocity from the servo's own
/// speed register; effort (N·m) only where every joint measures current. Every reading is judged before it is believed:
/// - It lies in the joint's calibrated range, plus 0.1 rad; of a joint without end it is counted on through turns.
/// - It can have been reached: no farther from the last one than one and a half times the joint's largest speed (12.6 rad/s
///   at least while it is without torque) in the time between, and two control periods more.
/// - Else it is thrown away and counted, the old datum stays and its age grows; after three in a row the joint shows the
///   fault `sensor`. A new place is believed once the joint could have come there by that speed; or, without
///   torque, when five readings in a row agree on it.
///
/// Where a frame is guarded by a sum only (Feetech, protocol 1.0), nothing else of such a reading is believed either, and
/// torque off and error bits must be seen twice in a row.
/// Real-time safe: `read`, `write`, `power`, `health`, `energise` and `release` neither allocate nor lock, and wait for
/// the bus within their share of the control period only.
public struct ServoArm: ~Copyable, Arm {
  public let jointCount: Int
  /// What it was connected as.
  public let configuration: ServoArmConfiguration
  /// What was found at the last connection.
  public internal(set) var report: ConnectionReport
  /// Readings that were not believed.
  public internal(set) var implausibleReadings: UInt64 = 0

  let description: ArmDescription
  /// Where it was opened; nil when a transport was handed over.
  let path: String?
  var master: BusMaster
  var layout: ArmLayout
  var tables: ArmTables
  var board: AnswerBoard
  let period: Int64
  let measuresEffort: Bool

  /// Whether the port is gone.
  var isGone = false
  /// Whether the last sequence that switches torque on came to its end.
  var isEnergised = false
  var isReleasing = false
  /// The step of the sequence under way; -1 when there is none.
  var step = -1
  /// Whether the step's bytes are written and their read-back is due.
  var isWritten = false
  var attempts = 0
  var storedPower = ArmPower.unknown
  var storedHealth: ArmHealth
  /// Ticks since torque was watched, and between two watches.
  var ticksSinceWatch = 0
  var watchInterval = 1
  var watchPhase = 0
  var watchLostUntil: InlineArray<8, Int64> = InlineArray(repeating: .min)
  var slowServo = 0
  var ticksSinceRepair = 0

  init(
    _ master: consuming BusMaster, _ description: ArmDescription, _ configuration: ServoArmConfiguration,
    _ examination: ArmExamination, path: String?
  ) {
    jointCount = description.jointCount
    self.configuration = configuration
    self.description = description
    self.path = path
    self.master = master
    period = configuration.controlPeriod
    report = examination.report
    layout = examination.layout
    tables = examination.tables()
    board = AnswerBoard(count: examination.facts.count, stride: ArmTables.stride)
    for (index, servo) in examination.facts.enumerated() { board.ids[index] = servo.id }
    measuresEffort = examination.measuresEffort
    storedHealth = ArmHealth(count: description.jointCount)
    watchInterval = ServoArm.watchInterval(period: period)
    settle()
  }

  deinit {
    tables.deallocate()
    board.deallocate()
  }

  /// Ticks between two looks at the torque: with one more tick to confirm it, a servo that has let go shows within 50 ms
  /// from 50 Hz on.
  static func watchInterval(period: Int64) -> Int { max(1, Int(25_000_000 / period)) }

  /// The open file of the port: for a crash handler, which writes `crashFrame` to it.
  public var descriptor: Int32 { @_noLocks get { master.descriptor } }

  /// What a crash handler writes to `descriptor` if the program dies now, byte for byte; valid until the arm's next call.
  /// - While the arm is held: with the crash policy `hold` the last goals that were written, and the watchdogs' end, so
  ///   that the servos go on carrying what they carry; with `release` torque off.
  /// - While torque comes on: torque off, as before; nothing where a servo was found under torque already.
  /// - While torque goes off: torque off.
  /// - Else nothing.
  public var crashFrame: UnsafeBufferPointer<UInt8> { @_noLocks get { tables.crash.content } }

  /// What went wrong on the bus so far.
  public var counters: BusCounters { @_noLocks get { master.counters } }
  /// System calls on the port so far.
  public var systemCalls: UInt64 { @_noLocks get { master.systemCalls } }

  public var power: ArmPower { @_noLocks get { storedPower } }
  public var health: ArmHealth { @_noLocks get { storedHealth } }

  /// What the servos have said of their torque, whoever switched it on. A joint with followers is on when all of its servos
  /// are, and off when one of them is.
  public var torque: JointTorque {
    @_noLocks get {
      var torque = JointTorque()
      var isUnknown: UInt16 = 0
      for servo in 0..<tables.servoCount {
        let bit = UInt16(1) << UInt16(truncatingIfNeeded: tables.facts[servo].joint)
        switch tables.memory[servo].torque {
        case TorqueState.on where !tables.memory[servo].offSeen: torque.on |= bit
        case TorqueState.off: torque.off |= bit
        default: isUnknown |= bit
        }
      }
      torque.on &= ~(torque.off | isUnknown)
      return torque
    }
  }

  /// Where the servos' goal registers point, rad per joint: where the arm is held. Known from the last write, or, of an
  /// arm that was found energised, from the registers themselves.
  public var heldGoal: JointVector {
    @_noLocks get {
      var goal = JointVector(repeating: 0, count: jointCount)
      for joint in 0..<jointCount {
        goal[joint] = position(joint, ticks: tables.memory[joint].goal &+ tables.memory[joint].goalTurns)
      }
      return goal
    }
  }

  /// The range of a joint that its calibration has found, rad.
  public func calibratedRange(of joint: Int) -> ClosedRange<Double> {
    let calibrated = configuration.calibration.joints[joint]
    let ends = [position(joint, ticks: calibrated.lower), position(joint, ticks: calibrated.upper)]
    return min(ends[0], ends[1])...max(ends[0], ends[1])
  }

  /// The joint position that a number of ticks is, rad.
  @_noLocks
  func position(_ joint: Int, ticks: Int) -> Double {
    (Double(ticks) - tables.facts[joint].zero) * tables.facts[joint].radiansPerTick
  }

  /// When a tick that began at `now` has used this many percent of its period; counted from the present where `now` is no
  /// time of this clock.
  @_noLocks
  func deadline(_ now: Int64, percent: Int64) -> Int64 {
    let present = master.now
    let began = now <= present && now > present &- period ? now : present
    return began &+ period / 100 &* percent
  }

  /// Whether a tick that began at `now` has time left for another exchange.
  @_noLocks
  func hasTime(_ now: Int64) -> Bool { deadline(now, percent: 75) > master.now }

  /// The port is gone: nothing is known of the servos any more.
  @_noLocks
  mutating func lose(_ error: TransportError) -> ArmError {
    if error.code == .writeBlocked {
      return ArmError(.timedOut, detail: Int(error.errorNumber), reason: "the servo bus takes no more bytes")
    }
    isGone = true
    step = -1
    isEnergised = false
    isReleasing = false
    tables.crash.leave()
    for servo in 0..<tables.servoCount {
      tables.memory[servo].torque = TorqueState.unknown
      tables.memory[servo].isHeld = false
    }
    settle()
    return gone(Int(error.errorNumber))
  }

  @_noLocks
  func gone(_ detail: Int = 0) -> ArmError {
    ArmError(
      .disconnected, detail: detail, reason: "the servo bus is gone; check cable and power, then connect again")
  }
}
