import ArmModel

/// Checks a finished calibration with the arm in hand, as a value: each joint whose profile says how it grows is turned that
/// way, and its angle must grow. Fed like `CalibrationProcedure`.
public struct CalibrationVerification: Sendable, Equatable {
  public let subjects: [CalibrationSubject]
  public let calibration: ArmCalibration
  /// The joint that is to be turned now; nil when all have been.
  public private(set) var joint: Int?
  /// Why the last answer led nowhere; nil when it did.
  public private(set) var problem: JointProblem?
  /// The joints whose angle fell.
  public private(set) var failures: [JointProblem] = []

  private var trackers: [SweepTracker]
  private var began: Int?

  /// The subjects and the calibration's joints are matched by name.
  public init(_ calibration: ArmCalibration, _ subjects: [CalibrationSubject]) {
    self.calibration = calibration
    self.subjects = subjects
    trackers = subjects.map { SweepTracker($0.encoder) }
    advance(from: -1)
  }

  /// Takes a sample of raw positions; only each subject's own servo counts.
  public mutating func add(_ sample: [[Int?]]) {
    for (index, positions) in sample.enumerated() where index < trackers.count {
      if let own = positions.first, let own { trackers[index].add(own) }
    }
    if let joint, began == nil { began = trackers[joint].position }
  }

  /// The joint that was asked for has been turned.
  public mutating func next() {
    problem = nil
    guard let joint else { return }
    let subject = subjects[joint]
    guard let began, let position = trackers[joint].position else {
      problem = JointProblem(
        joint: subject.name, "servo \(subject.servo.servo) was not read; check its cable and power")
      return
    }
    let turned = subject.degrees(Double((position - began) * sign(joint)))
    guard abs(turned) >= 5 else {
      problem = JointProblem(
        joint: subject.name, "turned only \(Int(abs(turned).rounded()))°; turn it by 10° or more")
      return
    }
    if turned < 0 {
      failures.append(
        JointProblem(
          joint: subject.name,
          "the angle fell by \(Int(-turned.rounded()))° where \(subject.servo.direction ?? "it should grow"); calibrate this joint again"
        ))
    }
    advance(from: joint)
  }

  private func sign(_ index: Int) -> Int {
    calibration.joints.first { $0.joint == subjects[index].name }?.sign ?? subjects[index].servo.sign
  }

  private mutating func advance(from last: Int) {
    joint = subjects.indices.first { $0 > last && subjects[$0].servo.direction != nil }
    began = joint.flatMap { trackers[$0].position }
  }
}
