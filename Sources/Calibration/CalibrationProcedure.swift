import ArmModel

/// The guided calibration as a value: fed with raw positions and answers, it says what to do next and ends with the arm's
/// calibration. It does no I/O and knows no time.
///
/// Order: which joints turn without an end; the sweep of all others; the marked pose, where a joint's zero comes from it;
/// the direction of every joint whose profile says which way it grows. Sweeping comes first, so that a joint may cross the
/// end of its encoder's turn: the zero is set when the range is known. Before the first sample it asks its first question.
public struct CalibrationProcedure: Sendable, Equatable {
  /// What the procedure waits for.
  public enum Stage: Sendable, Equatable {
    /// Yes or no: does this joint turn without an end?
    case continuous(joint: Int)
    /// All joints are being turned from stop to stop; next ends it, if all are plausible.
    case sweep
    /// The arm is held in its marked pose; next takes it.
    case pose
    /// A joint is being turned the way its angle grows; next ends it.
    case direction(joint: Int)
    /// Yes or no: is this joint's servo mounted the other way round?
    case reversed(joint: Int)
    /// All is known: `result` holds the calibrations.
    case complete
  }

  /// What a user says.
  public enum Answer: Sendable, Equatable { case next, yes, no }

  public let subjects: [CalibrationSubject]
  public private(set) var stage: Stage
  /// Why the last answer led nowhere; empty when it did.
  public private(set) var problems: [JointProblem] = []
  /// The calibrations of the subjects, once complete.
  public private(set) var result: [JointCalibration] = []

  private(set) var trackers: [SweepTracker]
  private var followers: [[FollowerTracker]]
  private var isContinuous: [Bool]
  private var poses: [Int?]
  private var signs: [Int]
  private var began: Int?
  private let checksDirections: Bool

  /// A procedure for `subjects`. `ranges` are those of an interrupted one, in the same order. With `takesProfile` nothing is
  /// asked that the profile answers: which joints turn without an end, and the directions.
  public init(_ subjects: [CalibrationSubject], ranges: [ClosedRange<Int>?] = [], takesProfile: Bool = false) {
    self.subjects = subjects
    trackers = subjects.enumerated().map { index, subject in
      SweepTracker(subject.encoder, range: index < ranges.count ? ranges[index] : nil)
    }
    followers = subjects.map { subject in subject.servo.followers.map { _ in FollowerTracker(subject.encoder) } }
    isContinuous = subjects.map(\.servo.isContinuous)
    poses = subjects.map { _ in nil }
    signs = subjects.map(\.servo.sign)
    checksDirections = !takesProfile
    stage = .sweep
    let first = takesProfile ? nil : subjects.firstIndex { $0.servo.isContinuous }
    if let first { stage = .continuous(joint: first) } else { enterSweep() }
  }

  // MARK: What comes in

  /// Takes a sample: raw positions of all servos, each subject's own and its followers'; nil where one was not read.
  public mutating func add(_ sample: [[Int?]]) {
    for (index, positions) in sample.enumerated() where index < trackers.count {
      guard let own = positions.first, let own else { continue }
      trackers[index].add(own)
      for (place, raw) in positions.dropFirst().enumerated() where place < followers[index].count {
        if let raw { followers[index][place].add(raw, leader: own) }
      }
    }
  }

  /// Takes an answer. What cannot be accepted leaves the stage as it is and says why in `problems`; nothing is lost.
  public mutating func answer(_ answer: Answer) {
    problems = []
    switch (stage, answer) {
    case (.continuous(let joint), .yes), (.continuous(let joint), .next): settleContinuous(joint, true)
    case (.continuous(let joint), .no): settleContinuous(joint, false)
    case (.sweep, .next), (.sweep, .yes): endSweep()
    case (.pose, .next), (.pose, .yes): endPose()
    case (.direction(let joint), .next), (.direction(let joint), .yes): endDirection(joint)
    case (.reversed(let joint), .yes):
      signs[joint] = -subjects[joint].servo.sign
      nextDirection(after: joint)
    case (.reversed(let joint), .no), (.reversed(let joint), .next): enterDirection(joint)
    case (.sweep, .no), (.pose, .no), (.direction, .no), (.complete, _): break
    }
  }

  // MARK: What comes out

  /// How far each joint was swept, in unwrapped raw ticks; nil before it was read.
  public var ranges: [ClosedRange<Int>?] { trackers.map(\.range) }

  /// One joint, for a live table.
  public struct Row: Sendable, Equatable {
    public var joint: String
    public var servo: UInt8
    /// Unwrapped raw ticks.
    public var range: ClosedRange<Int>?
    public var position: Int?
    /// What was swept and what the profile expects, degrees of the joint.
    public var swept: Double
    public var expected: Double
    /// How often it crossed the end of the encoder's turn.
    public var wraps: Int
    public var isContinuous: Bool
    /// Nil when the sweep is plausible.
    public var problem: JointProblem?
  }

  public var rows: [Row] {
    subjects.indices.map { index in
      let subject = subjects[index]
      let range = trackers[index].range
      return Row(
        joint: subject.name, servo: subject.servo.servo, range: range, position: trackers[index].position,
        swept: subject.degrees(Double(range.map { $0.upperBound - $0.lowerBound } ?? 0)),
        expected: subject.degrees(subject.expectedSpan), wraps: trackers[index].wraps,
        isContinuous: isContinuous[index], problem: sweepProblem(index))
    }
  }

  /// Where the joint's register should stand with its calibration in place, whole turns aside; nil before it was read.
  public func expectedTicks(_ index: Int) -> Int? {
    guard result.indices.contains(index), let position = trackers[index].position else { return nil }
    let calibration = result[index]
    switch subjects[index].encoder.offset {
    case .none: return position
    case .subtracted: return subjects[index].encoder.wrapped(position - (calibration.homingOffset ?? 0))
    case .added: return subjects[index].encoder.wrapped(position + (calibration.homingOffset ?? 0))
    }
  }

  // MARK: Stages

  private mutating func settleContinuous(_ joint: Int, _ answer: Bool) {
    isContinuous[joint] = answer
    if let next = subjects.indices.first(where: { $0 > joint && subjects[$0].servo.isContinuous }) {
      stage = .continuous(joint: next)
    } else {
      enterSweep()
    }
  }

  private mutating func enterSweep() {
    stage = .sweep
    if isContinuous.allSatisfy({ $0 }) { enterPose() }
  }

  private mutating func endSweep() {
    problems = subjects.indices.compactMap { sweepProblem($0) }
    guard problems.isEmpty else { return }
    for index in trackers.indices { trackers[index].isRecording = false }
    enterPose()
  }

  private func needsPose(_ index: Int) -> Bool { subjects[index].servo.zero == .pose }

  private mutating func enterPose() {
    if subjects.indices.contains(where: { needsPose($0) }) { stage = .pose } else { enterDirections() }
  }

  private mutating func endPose() {
    for index in subjects.indices where needsPose(index) {
      guard let position = trackers[index].position else {
        problems.append(unread(index))
        continue
      }
      poses[index] = position
      do throws(JointProblem) { _ = try observation(index)?.calibration(of: subjects[index]) } catch {
        problems.append(error)
      }
    }
    if problems.isEmpty { enterDirections() }
  }

  private mutating func enterDirections() { nextDirection(after: -1) }

  private mutating func nextDirection(after joint: Int) {
    let next = subjects.indices.first { $0 > joint && checksDirections && subjects[$0].servo.direction != nil }
    if let next { enterDirection(next) } else { complete() }
  }

  private mutating func enterDirection(_ joint: Int) {
    stage = .direction(joint: joint)
    began = trackers[joint].position
  }

  private mutating func endDirection(_ joint: Int) {
    guard let began, let position = trackers[joint].position else {
      self.began = trackers[joint].position
      problems = [unread(joint)]
      return
    }
    let turned = subjects[joint].degrees(Double(position - began))
    guard abs(turned) >= 5 else {
      problems = [
        JointProblem(joint: subjects[joint].name, "turned only \(Int(abs(turned).rounded()))°; turn it by 10° or more")
      ]
      return
    }
    let found = turned > 0 ? 1 : -1
    if found == subjects[joint].servo.sign {
      signs[joint] = found
      nextDirection(after: joint)
    } else {
      stage = .reversed(joint: joint)
    }
  }

  private mutating func complete() {
    var calibrations: [JointCalibration] = []
    for index in subjects.indices {
      do throws(JointProblem) {
        guard let observation = observation(index) else { throw unread(index) }
        calibrations.append(try observation.calibration(of: subjects[index]))
      } catch {
        problems.append(error)
      }
    }
    guard problems.isEmpty else {
      // A sign that turned out the other way can spoil a zero; only the sweep or the pose can mend it.
      for index in trackers.indices { trackers[index].isRecording = true }
      stage = .sweep
      return
    }
    result = calibrations
    stage = .complete
  }

  // MARK: Judging

  private func unread(_ index: Int) -> JointProblem {
    JointProblem(
      joint: subjects[index].name, "servo \(subjects[index].servo.servo) was not read; check its cable and power")
  }

  private func observation(_ index: Int) -> JointObservation? {
    guard let range = trackers[index].range else { return nil }
    return JointObservation(
      range: range, isContinuous: isContinuous[index], pose: poses[index], sign: signs[index],
      followerDistances: followers[index].compactMap(\.distance))
  }

  /// What is wrong with a joint's sweep so far; a pose that is yet to come is taken to be in the middle.
  private func sweepProblem(_ index: Int) -> JointProblem? {
    guard var observation = observation(index) else { return unread(index) }
    if subjects[index].servo.zero == .pose, !observation.isContinuous {
      var swept = subjects[index]
      swept.servo.zero = .middle
      return problem(observation, swept, index)
    }
    if observation.isContinuous { observation.pose = observation.pose ?? 0 }
    return problem(observation, subjects[index], index)
  }

  private func problem(
    _ observation: JointObservation, _ subject: CalibrationSubject, _ index: Int
  ) -> JointProblem? {
    for (id, follower) in zip(subject.servo.followers, followers[index]) {
      if let text = follower.problem(id: id, leader: subject.servo.servo) {
        return JointProblem(joint: subject.name, text)
      }
    }
    do throws(JointProblem) {
      _ = try observation.calibration(of: subject)
      return nil
    } catch { return error }
  }
}
