import ArmModel
import ServoWire

/// What stays the same of a joint behind a controller board. Plain data for the control thread; pulses in quarters of a µs.
struct BoardJoint: BitwiseCopyable, Sendable {
  var channel = 0
  /// The pulse at joint position 0.
  var zero = 6000.0
  /// What one quarter of a µs is at the joint, rad: negative where the angle falls with the pulse.
  var radiansPerQuarter = 0.001
  /// The pulses that the joint may be sent.
  var lower = 4000
  var upper = 8000
  /// The pulse with which torque comes on: the park pose.
  var start = 6000

  @_noLocks
  init() {}

  /// The joint position of a pulse, rad.
  @_noLocks
  func position(_ quarters: Double) -> Double { (quarters - zero) * radiansPerQuarter }
}

/// An arm as it should be behind a board: profile and calibration, checked against each other, and the settings that the
/// board is to have for it.
struct BoardDescription: Sendable {
  /// How much faster than the joints' limits the board lets pulses change: it shall hold up what the safety core does not.
  static let rateMargin = 1.25
  /// The same of accelerations. The board comes to a stand at every setpoint, as if it were the last; with more room it
  /// lags less behind a course of them, v² / 2a.
  static let accelerationMargin = 4.0

  var configuration: ServoArmConfiguration
  var bus: ArmBus
  var joints: [BoardJoint]
  /// The first watchdog stage, ms.
  var holdAfter: UInt16

  var usedChannels: UInt16 { joints.reduce(0) { $0 | 1 << UInt16($1.channel) } }

  init(_ configuration: ServoArmConfiguration) throws(ServoArmError) {
    let (profile, calibration) = (configuration.profile, configuration.calibration)
    guard let bus = profile.bus, bus.wire == ArmBus.firmwareWire else {
      throw Self.wrong(
        "arm '\(profile.name)' is no arm of hobby servos behind a controller board",
        "choose a profile with bus protocol '\(ArmBus.firmwareWire)'")
    }
    guard profile.commandMode == .position else {
      throw Self.wrong("arm '\(profile.name)' takes efforts, hobby servos take positions", "set command_mode: position")
    }
    guard configuration.controlPeriod > 0, bus.baud > 0 else {
      throw Self.wrong("a control period or line speed of 0", "give positive ones")
    }
    guard calibration.profile == profile.name else {
      throw Self.wrong(
        "calibration '\(calibration.name)' is of a '\(calibration.profile)', not of a '\(profile.name)'",
        "give this arm's own calibration")
    }
    guard calibration.joints.map(\.joint) == profile.jointNames else {
      throw Self.wrong(
        "calibration '\(calibration.name)' has the joints \(calibration.joints.map(\.joint).joined(separator: ", ")), "
          + "the profile \(profile.jointNames.joined(separator: ", "))", "give this arm's own calibration")
    }
    self.configuration = configuration
    self.bus = bus
    let watchdog = configuration.watchdog / 1_000_000
    guard (10...1000).contains(watchdog) else {
      throw Self.wrong("a watchdog of \(watchdog) ms", "a board takes 10 to 1000 ms")
    }
    holdAfter = UInt16(watchdog)
    joints = []
    for index in profile.joints.indices {
      joints.append(
        try Self.joint(profile.joints[index], calibration.joints[index], park: profile.park[index], calibration.name))
    }
    let channels = joints.map(\.channel)
    if let twice = channels.first(where: { channel in channels.filter { $0 == channel }.count > 1 }) {
      throw Self.wrong("two joints of arm '\(calibration.name)' are on channel \(twice)", "give each its own channel")
    }
  }

  private static func wrong(_ message: String, _ suggestion: String) -> ServoArmError {
    ServoArmError(.configuration, message, suggestion: suggestion)
  }

  private static func joint(
    _ limits: JointProfile, _ calibration: JointCalibration, park: Double, _ name: String
  ) throws(ServoArmError) -> BoardJoint {
    let place = "calibration '\(name)', joint \(calibration.joint)"
    guard let perRadian = calibration.ticksPerRadian, perRadian.isFinite, perRadian > 0 else {
      throw wrong("\(place): it does not say how many µs make a radian", "write per_radian, in µs")
    }
    guard Int(calibration.servo) < WireSchema.maximumChannels else {
      throw wrong("\(place): a board has no channel \(calibration.servo)", "channels are 0 to 15")
    }
    guard calibration.lower >= 1600, calibration.upper <= 10400, calibration.lower < calibration.upper else {
      throw wrong("\(place): its pulses are outside 400 to 2600 µs", "correct lower and upper")
    }
    guard limits.velocity.isFinite, limits.acceleration.isFinite else {
      throw wrong("joint \(limits.name) has no limit of speed or acceleration", "write them into the arm profile")
    }
    var joint = BoardJoint()
    joint.channel = Int(calibration.servo)
    joint.zero = calibration.zero
    joint.radiansPerQuarter = Double(calibration.sign) / perRadian
    (joint.lower, joint.upper) = (calibration.lower, calibration.upper)
    let ends = [limits.lower, limits.upper].map { calibration.zero + $0 / joint.radiansPerQuarter }.sorted()
    guard ends[0] >= Double(calibration.lower) - 1, ends[1] <= Double(calibration.upper) + 1 else {
      let reach = [joint.lower, joint.upper].map { joint.position(Double($0)) }.sorted()
      throw wrong(
        "\(place): \(limits.lower) to \(limits.upper) rad need pulses of \(round(ends[0] / 4)) to "
          + "\(round(ends[1] / 4)) µs, \(Double(joint.lower) / 4) to \(Double(joint.upper) / 4) are allowed",
        "narrow the joint's limits to \(round(reach[0])) to \(round(reach[1])) rad, or calibrate it anew")
    }
    let start = calibration.zero + park / joint.radiansPerQuarter
    joint.start = min(max(Int(start.rounded()), joint.lower), joint.upper)
    return joint
  }

  private static func round(_ number: Double) -> Double { (number * 1000).rounded() / 1000 }

  /// What the board's settings must be for this arm. How the board is wired (polarity of the servos' switch, limit of
  /// current) and when it switches off is the board's own business and stays as it was found.
  func settings(channels: Int, capabilities: UInt16) -> [(key: UInt16, value: UInt16)] {
    var list: [(key: UInt16, value: UInt16)] = [
      (UInt16(GlobalSetting.ttlMaxMs), holdAfter), (UInt16(GlobalSetting.frameHz), UInt16(clamping: bus.frameRate)),
      // One STATE for each SETPOINT.
      (UInt16(GlobalSetting.statePeriodMs), 0),
    ]
    if capabilities & Capabilities.voltage != 0 {
      list.append((UInt16(GlobalSetting.voltageMinMv), UInt16(clamping: Int(bus.supply.lowerBound * 1000))))
      list.append((UInt16(GlobalSetting.voltageMaxMv), UInt16(clamping: Int(bus.supply.upperBound * 1000))))
    }
    for channel in 0..<channels {
      var values = [UInt16](repeating: 0, count: WireSchema.channelSettings)
      if let index = joints.firstIndex(where: { $0.channel == channel }) {
        let (joint, limits) = (joints[index], configuration.profile.joints[index])
        // µs for a radian.
        let scale = abs(0.25 / joint.radiansPerQuarter)
        values[ChannelSetting.kind] = 1
        values[ChannelSetting.pulseMin] = UInt16(joint.lower)
        values[ChannelSetting.pulseMax] = UInt16(joint.upper)
        values[ChannelSetting.rate] = Self.setting(limits.velocity * scale * Self.rateMargin, 1...20000)
        values[ChannelSetting.acceleration] = Self.setting(
          limits.acceleration * scale / 10 * Self.accelerationMargin, 4...65535)
        values[ChannelSetting.start] = UInt16(joint.start)
      }
      for (place, value) in values.enumerated() { list.append((BoardSetting.key(channel: channel, place), value)) }
    }
    return list
  }

  private static func setting(_ value: Double, _ range: ClosedRange<Double>) -> UInt16 {
    UInt16(min(max(value.rounded(.up), range.lowerBound), range.upperBound))
  }
}
