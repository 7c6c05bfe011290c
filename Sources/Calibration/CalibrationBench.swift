import ArmModel
import ArmProfiles
import ServoBus

/// What went wrong on the bus while an arm was calibrated, or with the request: one sentence and what to do.
public struct CalibrationFailure: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String
  /// Whether the request was wrong, rather than something on the way.
  public let isWrongInput: Bool

  public init(_ text: String, isWrongInput: Bool = false) {
    description = text
    self.isWrongInput = isWrongInput
  }

  init(_ error: BusError) { self.init("\(error)") }
}

/// The servos of an arm that is being calibrated: who they are, where they stand, what is written into them. The bus is the
/// caller's.
public struct CalibrationBench: Sendable {
  /// One servo as it was found.
  struct Servo: Sendable {
    var id: UInt8
    var model: ServoModel
    var encoder: EncoderTraits
    var homingOffset: Int
    var isMultiTurn: Bool
    /// Whether its drive mode is to be reversed; nil where it has none.
    var isReversed: Bool?
    /// The servo whose commands it obeys.
    var leader: UInt8?
  }

  /// The joints, in the profile's order.
  public let subjects: [CalibrationSubject]
  /// The servo of each subject and its followers.
  var servos: [[Servo]]
  /// What the user should know of what was found: a supply outside the arm's, unknown firmware states.
  public private(set) var notes: [String] = []

  /// Looks for the servos of `joints` (all, when nil) and checks that they are what the profile says.
  public init(
    _ profile: ArmProfile, joints: [String]? = nil, on master: inout BusMaster
  ) throws(CalibrationFailure) {
    guard let bus = profile.bus else {
      throw CalibrationFailure(
        "arm '\(profile.name)' has no servos to calibrate; choose another arm", isWrongInput: true)
    }
    var subjects: [CalibrationSubject] = []
    var servos: [[Servo]] = []
    var versions: [(servo: Servo, firmware: String)] = []
    for (joint, servo) in zip(profile.joints, bus.servos) where joints?.contains(joint.name) ?? true {
      let (model, firmware) = try Self.identify(servo.servo, servo, profile: profile.name, on: &master)
      let encoder = EncoderTraits(model)
      subjects.append(
        CalibrationSubject(
          servo: servo, limits: joint.lower...joint.upper, model: model.name, modelNumber: model.modelNumber,
          encoder: encoder))
      var group = [try Self.examine(servo.servo, model, isReversed: servo.isReversed, leader: nil, on: &master)]
      versions.append((group[0], firmware))
      for id in servo.followers {
        let (followerModel, _) = try Self.identify(id, servo, profile: profile.name, on: &master)
        group.append(
          try Self.examine(id, followerModel, isReversed: !servo.isReversed, leader: servo.servo, on: &master))
      }
      servos.append(group)
    }
    self.subjects = subjects
    self.servos = servos
    checkFirmware(versions)
    try checkSupply(bus.supply, on: &master)
  }

  private static func identify(
    _ id: UInt8, _ joint: JointServo, profile: String, on master: inout BusMaster
  ) throws(CalibrationFailure) -> (model: ServoModel, firmware: String) {
    let answer: PingAnswer
    do throws(BusError) {
      answer = try master.ping(id)
    } catch {
      try requireOne(id, joint, on: &master)
      throw CalibrationFailure("\(joint.joint): \(error)")
    }
    try requireOne(id, joint, on: &master)
    let model = ServoModel.with(modelNumber: answer.modelNumber, wire: master.wire)
    guard let model, joint.models.contains(model.name) else {
      let found = model?.name ?? "unknown to this program"
      throw CalibrationFailure(
        "\(joint.joint): servo \(id) has model number \(answer.modelNumber) (\(found)), arm '\(profile)' has "
          + "\(joint.models.joined(separator: " or ")) there; check --arm, the ids and the cable's order")
    }
    return (model, answer.firmware)
  }

  /// Refuses an id at which several servos answer. What looks like it is looked at twice: answers that come late do, too.
  private static func requireOne(
    _ id: UInt8, _ joint: JointServo, on master: inout BusMaster
  ) throws(CalibrationFailure) {
    do throws(BusError) {
      guard try master.isShared(id), try master.isShared(id) else { return }
    } catch { throw CalibrationFailure("\(joint.joint): \(error)") }
    throw CalibrationFailure("\(joint.joint): \(BusAdvice.duplicate(id))")
  }

  /// Feetech's servos are refused with mixed versions when the arm is to move; better heard of before the work is done.
  private mutating func checkFirmware(_ versions: [(servo: Servo, firmware: String)]) {
    guard let first = versions.first, first.servo.model.wire == .feetechSTS || first.servo.model.wire == .feetechSCS
    else { return }
    for other in versions where other.servo.model == first.servo.model && other.firmware != first.firmware {
      notes.append(
        "servo \(other.servo.id) has firmware \(other.firmware), servo \(first.servo.id) has \(first.firmware), and 'sinew run' "
          + "refuses a mixture; bring all to one version with Feetech's FD program")
    }
  }

  private static func examine(
    _ id: UInt8, _ model: ServoModel, isReversed: Bool, leader: UInt8?, on master: inout BusMaster
  ) throws(CalibrationFailure) -> Servo {
    var servo = Servo(
      id: id, model: model, encoder: EncoderTraits(model), homingOffset: 0, isMultiTurn: false,
      isReversed: model.wire == .dynamixel2 ? isReversed : nil, leader: leader)
    do throws(BusError) { try refresh(&servo, on: &master) } catch { throw CalibrationFailure(error) }
    return servo
  }

  static func refresh(_ servo: inout Servo, on master: inout BusMaster) throws(BusError) {
    if servo.model.register("homing_offset") != nil {
      servo.homingOffset = try master.readRegister(servo.id, "homing_offset", of: servo.model)
    }
    if servo.model.wire == .dynamixel2 {
      servo.isMultiTurn = try master.readRegister(servo.id, "operating_mode", of: servo.model) != 3
    }
  }

  private mutating func checkSupply(_ supply: ClosedRange<Double>, on master: inout BusMaster)
    throws(CalibrationFailure)
  {
    for servo in servos.joined() {
      guard let register = servo.model.register("present_voltage") else { continue }
      do throws(BusError) {
        let volts = Double(try master.readRegister(servo.id, register.name, of: servo.model)) * register.scale
        if !supply.contains(volts) {
          notes.append(
            "servo \(servo.id) has \(tenths(volts)) V, the arm is used with \(tenths(supply.lowerBound)) to \(tenths(supply.upperBound)) V; check the supply"
          )
        }
      } catch { throw CalibrationFailure(error) }
    }
  }

  private func tenths(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

  /// Who the servos are, for a fingerprint.
  public var identities: [ServoIdentity] {
    servos.joined().map { servo in
      ServoIdentity(
        id: servo.id, modelNumber: servo.model.modelNumber,
        homingOffset: servo.model.register("homing_offset") == nil ? nil : servo.homingOffset)
    }
  }

  /// Ids of the servos that hold their position.
  public func energised(on master: inout BusMaster) throws(CalibrationFailure) -> [UInt8] {
    do throws(BusError) {
      var ids: [UInt8] = []
      for servo in servos.joined()
      where try master.readRegister(servo.id, "torque_enable", of: servo.model) != 0 { ids.append(servo.id) }
      return ids
    } catch { throw CalibrationFailure(error) }
  }

  /// Switches the torque off, and reads that it is.
  public func release(on master: inout BusMaster) throws(CalibrationFailure) {
    do throws(BusError) {
      for servo in servos.joined() {
        try master.writeRegister(servo.id, "torque_enable", of: servo.model, to: 0)
      }
    } catch { throw CalibrationFailure(error) }
  }

  /// Sets what changes the way a servo counts, before anything is measured: drive mode and secondary id of DYNAMIXEL
  /// servos, where they differ from the profile's. Returns what was changed.
  public mutating func prepare(on master: inout BusMaster) throws(CalibrationFailure) -> [String] {
    var changes: [String] = []
    do throws(BusError) {
      for servo in servos.joined() {
        if let isReversed = servo.isReversed {
          let mode = try master.readRegister(servo.id, "drive_mode", of: servo.model)
          try set("drive_mode", of: servo, to: mode & ~1 | (isReversed ? 1 : 0), on: &master, &changes)
        }
        if let leader = servo.leader {
          try set("secondary_id", of: servo, to: Int(leader), on: &master, &changes)
        }
      }
    } catch { throw CalibrationFailure(error) }
    return changes
  }

  /// Reads all raw positions once; nil where a servo did not answer.
  public func sample(on master: inout BusMaster) throws(CalibrationFailure) -> [[Int?]] {
    // A missing reading is no loss here, a slow sample is one to all other joints.
    let retries = master.operationRetries
    master.operationRetries = min(retries, 1)
    defer { master.operationRetries = retries }
    var result: [[Int?]] = []
    for group in servos {
      var positions: [Int?] = []
      for servo in group {
        do throws(BusError) {
          let present = try master.readRegister(servo.id, "present_position", of: servo.model)
          positions.append(
            servo.encoder.raw(present: present, homingOffset: servo.homingOffset, isMultiTurn: servo.isMultiTurn))
        } catch {
          guard error.kind == .noAnswer else { throw CalibrationFailure(error) }
          positions.append(nil)
        }
      }
      result.append(positions)
    }
    return result
  }

  /// Writes a register if it differs, and notes it.
  func set(
    _ name: String, of servo: Servo, to value: Int, on master: inout BusMaster, _ changes: inout [String]
  ) throws(BusError) {
    let before = try master.readRegister(servo.id, name, of: servo.model)
    guard before != value else { return }
    try master.writeRegister(servo.id, name, of: servo.model, to: value)
    changes.append("servo \(servo.id): \(name) \(before) → \(value)")
  }
}
