import ArmModel

/// What becomes of the arm when the program ends.
public enum ExitPolicy: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// Torque off: the arm may fall.
  case release = 0
  /// The servos keep holding their last goal. Nobody watches them then.
  case hold = 1

  @_noLocks
  public static func == (a: ExitPolicy, b: ExitPolicy) -> Bool { a.rawValue == b.rawValue }
  @_noLocks
  public static func != (a: ExitPolicy, b: ExitPolicy) -> Bool { a.rawValue != b.rawValue }
}

/// Which arm is on the bus, and how it is to be driven.
public struct ServoArmConfiguration: Sendable {
  /// The model of arm; its `bus` says which servos drive it.
  public var profile: ArmProfile
  /// This particular arm.
  public var calibration: ArmCalibration
  /// From one tick to the next, ns.
  public var controlPeriod: Int64
  /// The control rate is a whole multiple of this, Hz, such as the policy's rate; nil where any rate will do. It only tells
  /// which rate to propose where the one asked for is too high.
  public var rateUnit: Double?
  /// What becomes of the arm in the end.
  public var exitPolicy: ExitPolicy
  /// What becomes of the arm when the program dies (see `ServoArm.crashFrame`).
  public var crashPolicy: ExitPolicy
  /// After how long without a host the servos shall stop by themselves, ns; 0 for never. DYNAMIXEL counts in 20 ms;
  /// Feetech's servos and protocol 1.0 have no such watchdog.
  public var watchdog: Int64
  /// Whether a stop signal (`sinew_stop_requests`) ends the search for servos, with an error of kind `.stopped`.
  public var endsOnStopSignals: Bool

  /// The rate to propose where `most` Hz are carried, as part of a sentence.
  func proposal(most: Double) -> String {
    guard let rateUnit, rateUnit > 0 else { return "ask for \(Int(most)) Hz or less" }
    let fitting = (most / rateUnit).rounded(.down) * rateUnit
    guard fitting > 0 else { return "no rate that is a multiple of the policy's \(rateUnit) Hz fits" }
    let isWhole = fitting == fitting.rounded()
    return "ask for a control rate of \(isWhole ? "\(Int(fitting))" : "\((fitting * 100).rounded() / 100)") Hz"
  }

  /// Torque off in the end, the last goal held after a crash, and a watchdog of 100 ms, unless told otherwise.
  public init(profile: ArmProfile, calibration: ArmCalibration, controlPeriod: Int64) {
    self.profile = profile
    self.calibration = calibration
    self.controlPeriod = controlPeriod
    rateUnit = nil
    exitPolicy = .release
    crashPolicy = .hold
    watchdog = 100_000_000
    endsOnStopSignals = false
  }
}
