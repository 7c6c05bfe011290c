import ArmModel
import Calibration
import Numerics

/// An encoder of 4096 steps as Feetech's and as DYNAMIXEL's X series have it.
let feetech = EncoderTraits(offset: .subtracted(limit: 2047))
let dynamixel = EncoderTraits(offset: .added(limit: 1_044_479, positionLimit: 1024))

/// Ticks of a radian.
let perRadian = 4096 / (2 * Double.pi)

/// A joint of an arm whose servo sits on its shaft.
func subject(
  _ encoder: EncoderTraits, name: String = "elbow", limits: ClosedRange<Double> = -1.5...1.5, sign: Int = 1,
  zero: ZeroConvention = .middle, isContinuous: Bool = false, mode: PositionMode = .position, followers: [UInt8] = [],
  direction: String? = nil, sweep: ClosedRange<Double> = 0.85...1.25
) -> CalibrationSubject {
  CalibrationSubject(
    servo: JointServo(
      joint: name, servo: 3, models: ["sts3215"], sign: sign, followers: followers, isContinuous: isContinuous,
      mode: mode, zero: zero, sweep: sweep, direction: direction),
    limits: limits, model: "sts3215", modelNumber: 777, encoder: encoder)
}

/// How a servo sits on its joint: what its encoder counts.
struct Mounting {
  /// Raw ticks at angle 0.
  var zero: Double
  var sign: Int

  func raw(_ angle: Double) -> Int {
    let ticks = Int((zero + Double(sign) * angle * perRadian).rounded()) % 4096
    return ticks < 0 ? ticks + 4096 : ticks
  }
}

/// What the position register shows with a calibration in place, brought into its range by whole turns where the servo
/// does not know its turn.
func register(_ raw: Int, _ encoder: EncoderTraits, _ calibration: JointCalibration) -> Int {
  let offset = calibration.homingOffset ?? 0
  switch encoder.offset {
  case .none: return raw
  case .subtracted:
    let position = (raw - offset) % 4096
    return position < 0 ? position + 4096 : position
  case .added:
    guard calibration.mode != .position else { return raw + (abs(offset) > 1024 ? 0 : offset) }
    var position = raw + offset
    let middle = (calibration.lower + calibration.upper) / 2
    while position - middle > 2048 { position -= 4096 }
    while middle - position > 2048 { position += 4096 }
    return position
  }
}

/// The angle that a register means, rad.
func angle(_ ticks: Int, _ calibration: JointCalibration) -> Double {
  Double(calibration.sign) * (Double(ticks) - calibration.zero) / perRadian
}

extension CalibrationProcedure {
  /// A hand turns joint `index` of one from angle to angle in small steps.
  mutating func turn(_ mounting: Mounting, from start: Double, to end: Double) {
    let steps = max(1, Int(abs(end - start) / 0.05))
    for step in 0...steps { add([[mounting.raw(start + (end - start) * Double(step) / Double(steps))]]) }
  }
}
