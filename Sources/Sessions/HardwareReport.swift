import ArmModel
import Recording

/// How an arm was left.
public enum ArmEnd: Sendable, Equatable {
  /// Torque was never switched on in this run; the arm is as it was found.
  case untouched
  /// The same of an arm that was found under torque, and what its servos said last.
  case foundOn(JointTorque)
  /// Torque off, read back from every servo, or from the board that they hang on.
  case released
  /// Torque on, read back from every servo.
  case held
  /// It was to stay on, and not every servo says that it is.
  case heldInPart(JointTorque)
  /// What the arm does is not known; why.
  case unconfirmed(String)
}

/// What a run on a physical arm has to tell besides.
public struct HardwareReport: Sendable {
  /// How the arm was left.
  public var end = ArmEnd.untouched
  /// The bus and the servos at the end.
  public var bus: BusRecord
  /// Whether the servos themselves answered; else only their controller board did.
  public var servosAnswer = true
  /// How often the port came back.
  public var reopenCount = 0
  /// How torque that was left on is switched off, for a person.
  public var releaseAdvice = ""
  /// How far the joint that was furthest from its place in the park pose was from it when torque went off, rad; 0 where
  /// parking was not wanted.
  public var parkDistance = 0.0
  /// Who watched the loop; nil: nobody did.
  public var watch: LoopWatch?
}

/// The watchdog over a loop.
public struct LoopWatch: Sendable, Equatable {
  /// How long a tick may last until the stop frame is on the wire, ns.
  public var limit: Int64
  /// The watchdog's SCHED_FIFO priority; 0 for an ordinary thread.
  public var priority: Int
}

extension RunReport {
  /// What there is to tell of a run on a physical arm that `signal` stopped while the arm was being looked for: nothing was
  /// switched on.
  public static func stoppedInSetUp(by signal: Int32) -> RunReport {
    var report = RunReport()
    report.ending = .stopped
    report.signal = signal
    report.hardware = HardwareReport(bus: BusRecord(count: 0))
    return report
  }
}
