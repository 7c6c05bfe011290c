import ArmModel
import ArmProfiles
import CSystem
import Glibc
import Safety
import ServoBus
import VirtualServos

/// What the live arms are made of: STS3215 servos on a line of 1 Mbaud.
struct LiveSetup {
  var configuration: ServoArmConfiguration
  var bus: VirtualBusConfiguration

  /// The most of speed, acceleration and jerk: rad/s, rad/s², rad/s³.
  static let speed = 1.0
  static let acceleration = 50.0
  static let jerk = 2000.0

  init(joints: Int, period: Int64) throws {
    let model = try VirtualServos.ServoModel.named("sts3215-7v4")
    let names = (1...joints).map { "joint\($0)" }
    let profile = ArmProfile(
      name: "live", description: "", model: "none", commandMode: .position,
      joints: names.map { JointProfile(name: $0, lower: -1.5, upper: 1.5, velocity: 5) },
      home: Array(repeating: 0, count: joints), park: Array(repeating: 0, count: joints),
      bus: ArmBus(
        wire: "feetech", baud: 1_000_000, supply: 6...8.4,
        servos: (1...joints).map { JointServo(joint: names[$0 - 1], servo: UInt8($0), models: ["sts3215"]) }))
    let calibration = ArmCalibration(
      name: "live", profile: "live",
      joints: (1...joints).map {
        JointCalibration(
          joint: names[$0 - 1], servo: UInt8($0), model: "sts3215", zero: 2048, sign: 1, lower: 1000, upper: 3096)
      })
    configuration = ServoArmConfiguration(profile: profile, calibration: calibration, controlPeriod: period)
    // Position limits as calibrated, no return delay.
    let registers = [9: 1000, 11: 3096, 7: 0]
    bus = VirtualBusConfiguration(
      servos: (1...joints).map { ServoSetup(model, id: UInt8($0), registers: registers) },
      timing: VirtualServos.BusTiming(baud: 1_000_000))
    bus.recordingLimit = 200_000
  }

  /// The core of a real arm.
  func safety(proposalPeriod: Int64) -> SafetyConfiguration {
    let count = configuration.profile.joints.count
    func all(_ value: Double) -> JointVector { JointVector(repeating: value, count: count) }
    let limits = JointLimits(
      lower: all(-1.4), upper: all(1.4), velocity: all(Self.speed), acceleration: all(Self.acceleration),
      jerk: all(Self.jerk), effort: all(2))
    var safety = SafetyConfiguration.hardware(
      limits: limits, mode: .position, period: configuration.controlPeriod, proposalPeriod: proposalPeriod,
      parkPose: all(-0.2))
    // The policy leads the arm at its limits all the time; only row 16 is about that.
    safety.monitors.clampedShare = 1
    return safety
  }
}

/// Leaves little room for bytes that the far end has not read.
func shrinkSendBuffer(_ descriptor: Int32) {
  var size: Int32 = 1
  setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
}
