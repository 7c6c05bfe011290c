import ArmModel
import ServoBus

/// One joint that is to be calibrated: what its profile says, and what was found on the bus.
public struct CalibrationSubject: Sendable, Equatable {
  /// What the arm profile says of its servo.
  public var servo: JointServo
  /// The joint's limits in the profile, rad.
  public var limits: ClosedRange<Double>
  /// The servo model that was found.
  public var model: String
  public var modelNumber: Int?
  public var encoder: EncoderTraits

  public init(
    servo: JointServo, limits: ClosedRange<Double>, model: String, modelNumber: Int?, encoder: EncoderTraits
  ) {
    self.servo = servo
    self.limits = limits
    self.model = model
    self.modelNumber = modelNumber
    self.encoder = encoder
  }

  public var name: String { servo.joint }

  /// Ticks of one radian of the joint.
  public var ticksPerRadian: Double { Double(encoder.stepsPerTurn) * servo.gear / (2 * .pi) }

  /// What a full sweep should cover, ticks.
  public var expectedSpan: Double { (limits.upperBound - limits.lowerBound) * ticksPerRadian }

  /// Degrees of the joint in so many ticks.
  public func degrees(_ ticks: Double) -> Double { ticks / ticksPerRadian * 180 / .pi }
}

/// Why a joint cannot be calibrated as it was moved: one sentence, and what to do.
public struct JointProblem: Error, Sendable, Equatable, CustomStringConvertible {
  public var joint: String
  public var text: String

  public init(joint: String, _ text: String) {
    self.joint = joint
    self.text = text
  }

  public var description: String { "\(joint): \(text)" }
}
