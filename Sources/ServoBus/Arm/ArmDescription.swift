import ArmModel
import CSystem

/// One servo as profile and calibration promise it.
struct ExpectedServo: Sendable {
  var joint: Int
  var jointName: String
  var id: UInt8
  /// The joint's first servo, which this one follows; its own id where it is the first.
  var leader: UInt8
  var model: ServoModel
  var calibration: JointCalibration
  var mounting: JointServo
  var limits: JointProfile

  var isFollower: Bool { id != leader }
  /// "servo 3 (elbow_flex)"
  var name: String { "servo \(id) (\(jointName))" }
}

/// An arm as it should be found on a bus: profile and calibration, checked against each other.
struct ArmDescription: Sendable {
  var wire: WireProtocol
  var bus: ArmBus
  var jointCount: Int
  /// The joints' servos in joint order, then the followers.
  var servos: [ExpectedServo]
  var controlPeriod: Int64
  var watchdog: Int64
  private var configuration: ServoArmConfiguration

  /// The control rate to propose where the bus carries `most` Hz.
  func proposal(_ most: Double) -> String { configuration.proposal(most: most) }

  /// Whether nobody wants the arm any more.
  var isUnwanted: Bool { configuration.endsOnStopSignals && sinew_stop_requests() > 0 }

  var joints: [ExpectedServo] { servos.filter { !$0.isFollower } }

  init(_ configuration: ServoArmConfiguration) throws(ServoArmError) {
    let profile = configuration.profile
    let calibration = configuration.calibration
    func wrong(_ message: String, _ suggestion: String) -> ServoArmError {
      ServoArmError(.configuration, message, suggestion: suggestion)
    }
    guard let bus = profile.bus else {
      throw wrong("arm '\(profile.name)' has no servo bus", "choose a profile of an arm with servos, or simulate it")
    }
    guard let wire = WireProtocol(name: bus.wire) else {
      let known = WireProtocol.allCases.map(\.name).joined(separator: ", ")
      throw wrong("arm '\(profile.name)': '\(bus.wire)' is no protocol of a servo bus", "write one of \(known)")
    }
    guard profile.commandMode == .position else {
      throw wrong(
        "arm '\(profile.name)' takes efforts, servos on a bus take positions", "set command_mode: position")
    }
    guard configuration.controlPeriod > 0 else {
      throw wrong("a control period of \(configuration.controlPeriod) ns", "give a positive control rate")
    }
    guard bus.baud > 0 else { throw wrong("a bus of \(bus.baud) baud", "give the bus's speed, such as 1000000") }
    guard calibration.profile == profile.name else {
      throw ServoArmError(
        .configuration,
        "calibration '\(calibration.name)' is of a '\(calibration.profile)', not of a '\(profile.name)'",
        suggestion: "give this arm's own calibration, or make one with 'sinew calibrate'")
    }
    guard calibration.joints.map(\.joint) == profile.jointNames else {
      throw wrong(
        "calibration '\(calibration.name)' has the joints \(calibration.joints.map(\.joint).joined(separator: ", ")), "
          + "the profile \(profile.jointNames.joined(separator: ", "))", "calibrate this arm with 'sinew calibrate'")
    }
    self.wire = wire
    self.bus = bus
    jointCount = profile.joints.count
    controlPeriod = configuration.controlPeriod
    watchdog = configuration.watchdog
    self.configuration = configuration
    servos = []
    var followers: [ExpectedServo] = []
    for index in profile.joints.indices {
      let (joint, mounting) = (calibration.joints[index], bus.servos[index])
      let first = try ArmDescription.expect(
        index, profile.joints[index], joint, mounting, wire: wire, arm: calibration.name)
      servos.append(first)
      guard joint.followers.count == mounting.followers.count else {
        throw wrong(
          "calibration '\(calibration.name)', joint \(joint.joint): \(joint.followers.count) servos follow its first one, "
            + "the profile has \(mounting.followers.count)", "calibrate this arm with 'sinew calibrate'")
      }
      for other in joint.followers {
        var follower = first
        follower.id = other.servo
        followers.append(follower)
      }
    }
    servos += followers
    let ids = servos.map(\.id)
    if let twice = ids.first(where: { id in ids.filter { $0 == id }.count > 1 }) {
      throw wrong("two servos of arm '\(calibration.name)' have id \(twice)", "give every servo an id of its own")
    }
    guard servos.count <= CyclePlan.capacity else {
      throw wrong("\(servos.count) servos, at most \(CyclePlan.capacity) fit a cycle", "leave followers out")
    }
    if let high = ids.first(where: { $0 > wire.highestID }) {
      throw wrong("no servo can have id \(high) with \(wire.name)", "ids go up to \(wire.highestID)")
    }
  }

  /// The model of a name as profiles and calibrations write it: "sts3215", or "sts3215-12v" for a variant of it.
  static func model(named name: String) -> ServoModel? {
    ServoModel.named(name) ?? ServoModel.all.first { name.hasPrefix($0.name + "-") }
  }

  private static func expect(
    _ index: Int, _ limits: JointProfile, _ joint: JointCalibration, _ mounting: JointServo, wire: WireProtocol,
    arm: String
  ) throws(ServoArmError) -> ExpectedServo {
    let place = "calibration '\(arm)', joint \(joint.joint)"
    let again = "calibrate it again with 'sinew calibrate'"
    func wrong(_ message: String) -> ServoArmError {
      ServoArmError(.configuration, "\(place): \(message)", suggestion: again)
    }
    guard let model = model(named: joint.model) else { throw wrong("there is no servo model '\(joint.model)'") }
    guard model.wire == wire else {
      throw wrong("the \(model.name) speaks \(model.wire.name), the arm's bus \(wire.name)")
    }
    let allowed = mounting.models.compactMap { ArmDescription.model(named: $0)?.name }
    guard allowed.isEmpty || allowed.contains(model.name) else {
      throw wrong("a \(model.name) is not what drives it: \(mounting.models.joined(separator: " or "))")
    }
    guard joint.lower < joint.upper else { throw wrong("its range \(joint.lower) to \(joint.upper) ticks is empty") }
    guard joint.zero.isFinite else { throw wrong("its zero is not a number") }
    guard joint.mode == .position || wire == .dynamixel2 else {
      throw wrong("a \(model.name) has no \(joint.mode.rawValue) mode")
    }
    guard joint.sign == 1 || joint.sign == -1 else { throw wrong("its sign is \(joint.sign), expected 1 or -1") }
    guard mounting.gear.isFinite, mounting.gear > 0 else {
      throw wrong("its gear is \(mounting.gear), expected a positive number")
    }
    if let share = mounting.torqueShare, !(share > 0 && share <= 1) {
      throw wrong("its torque share is \(share), expected more than 0 and at most 1")
    }
    return ExpectedServo(
      joint: index, jointName: joint.joint, id: joint.servo, leader: joint.servo, model: model, calibration: joint,
      mounting: mounting, limits: limits)
  }
}
