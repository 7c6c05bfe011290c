import ArmModel

/// What was observed of one joint, in raw ticks of its servo's encoder, unwrapped; and the calibration that follows.
public struct JointObservation: Sendable, Equatable {
  /// How far the joint was swept.
  public var range: ClosedRange<Int>
  /// Whether the joint turns without an end; the range is then of no account.
  public var isContinuous: Bool
  /// Where it stood in the marked pose; nil where the profile needs none.
  public var pose: Int?
  /// +1 where the angle grows with the ticks.
  public var sign: Int
  /// Raw position of each follower less the joint's own servo's, in the profile's order.
  public var followerDistances: [Int]

  public init(
    range: ClosedRange<Int>, isContinuous: Bool = false, pose: Int? = nil, sign: Int = 1, followerDistances: [Int] = []
  ) {
    self.range = range
    self.isContinuous = isContinuous
    self.pose = pose
    self.sign = sign
    self.followerDistances = followerDistances
  }

  /// The calibration of `subject` that this gives.
  ///
  /// The homing offset is computed in wide integers and reduced by whole turns; it brings the range to the middle of the
  /// register's positions, so that the end of the encoder's turn lies outside what the joint reaches. A DYNAMIXEL keeps
  /// position mode, where its own limits count, unless the range crosses that end: then it needs extended mode.
  public func calibration(of subject: CalibrationSubject) throws(JointProblem) -> JointCalibration {
    let zero = isContinuous ? try continuousZero(subject) : try limitedZero(subject)
    let frame = isContinuous ? try continuousFrame(subject, zero) : try limitedFrame(subject)
    let lower = isContinuous ? Int((zero + Double(frame.shift)).rounded()) - subject.encoder.positions / 2 : nil
    var result = JointCalibration(
      joint: subject.name, servo: subject.servo.servo, model: subject.model, modelNumber: subject.modelNumber,
      zero: zero + Double(frame.shift), sign: sign, lower: lower ?? range.lowerBound + frame.shift,
      upper: lower.map { $0 + subject.encoder.positions - 1 } ?? range.upperBound + frame.shift,
      isContinuous: isContinuous, homingOffset: frame.offset, mode: frame.mode)
    result.followers = try followers(subject, frame)
    return result
  }

  // MARK: Zero, in unwrapped raw ticks

  private func limitedZero(_ subject: CalibrationSubject) throws(JointProblem) -> Double {
    try checkSpan(subject)
    let (low, high) = (Double(range.lowerBound), Double(range.upperBound))
    let scale = subject.ticksPerRadian * Double(sign)
    switch subject.servo.zero {
    case .middle:
      return (low + high) / 2 - scale * (subject.limits.lowerBound + subject.limits.upperBound) / 2
    case .lower: return (sign > 0 ? low : high) - scale * subject.limits.lowerBound
    case .upper: return (sign > 0 ? high : low) - scale * subject.limits.upperBound
    case .pose:
      guard let pose else { throw JointProblem(joint: subject.name, "the marked pose was not shown") }
      try checkEnds(subject, zero: Double(pose))
      return Double(pose)
    case .servo:
      let middle = Double(servoMiddle(subject, near: (range.lowerBound + range.upperBound) / 2))
      try checkEnds(subject, zero: middle)
      return middle
    }
  }

  private func continuousZero(_ subject: CalibrationSubject) throws(JointProblem) -> Double {
    if subject.servo.zero == .servo { return Double(subject.encoder.positions / 2) }
    guard let pose else { throw JointProblem(joint: subject.name, "the marked pose was not shown") }
    return Double(pose)
  }

  /// The encoder's own middle in the turn that `tick` is in.
  private func servoMiddle(_ subject: CalibrationSubject, near tick: Int) -> Int {
    tick + subject.encoder.shortest(subject.encoder.positions / 2 - tick)
  }

  // MARK: Plausibility

  private func checkSpan(_ subject: CalibrationSubject) throws(JointProblem) {
    let span = range.upperBound - range.lowerBound
    let swept =
      "swept \(whole(subject.degrees(Double(span))))° of about \(whole(subject.degrees(subject.expectedSpan)))°"
    guard span > 0 else {
      throw JointProblem(joint: subject.name, "did not move; turn it from stop to stop")
    }
    guard Double(span) >= subject.servo.sweep.lowerBound * subject.expectedSpan else {
      throw JointProblem(joint: subject.name, "\(swept); turn it to both its stops")
    }
    let isWholeTurn = span >= subject.encoder.positions - 1
    guard !isWholeTurn, Double(span) <= subject.servo.sweep.upperBound * subject.expectedSpan else {
      throw JointProblem(
        joint: subject.name,
        "\(swept), more than it can; check that its horn does not slip and that the arm profile is the right one"
          + (isWholeTurn ? " (a joint that turns without an end is marked 'continuous' there)" : ""))
    }
  }

  /// Where the zero does not come from the range, the range says whether it can be right.
  private func checkEnds(_ subject: CalibrationSubject, zero: Double) throws(JointProblem) {
    let scale = subject.ticksPerRadian * Double(sign)
    let ends = [(Double(range.lowerBound) - zero) / scale, (Double(range.upperBound) - zero) / scale]
    let (low, high) = (min(ends[0], ends[1]), max(ends[0], ends[1]))
    let common = min(high, subject.limits.upperBound) - max(low, subject.limits.lowerBound)
    let whole = subject.limits.upperBound - subject.limits.lowerBound
    guard common >= subject.servo.sweep.lowerBound * whole else {
      let remedy =
        subject.servo.zero == .servo
        ? "the servo's horn sits in another place than the profile says" : "hold the joint in the marked pose"
      throw JointProblem(
        joint: subject.name,
        "reaches \(degrees(low))° to \(degrees(high))° by this zero, the profile says \(degrees(subject.limits.lowerBound))° to \(degrees(subject.limits.upperBound))°; \(remedy)"
      )
    }
  }

  private func degrees(_ radians: Double) -> Int { whole(radians * 180 / .pi) }
  private func whole(_ value: Double) -> Int { Int(value.rounded()) }

  // MARK: The register's frame

  /// How raw ticks become the register's: `ticks = raw + shift`.
  private struct Frame {
    var shift: Int
    var offset: Int?
    var mode: PositionMode
  }

  private func limitedFrame(_ subject: CalibrationSubject) throws(JointProblem) -> Frame {
    let encoder = subject.encoder
    let middle = Int((Double(range.lowerBound + range.upperBound) / 2).rounded())
    let wish = encoder.positions / 2 - middle
    switch encoder.offset {
    case .none:
      guard encoder.turns(range.lowerBound) == encoder.turns(range.upperBound) else {
        throw JointProblem(
          joint: subject.name,
          "crosses the end of its servo's turn, and a \(subject.model) has no homing offset; set its horn elsewhere")
      }
      return Frame(
        shift: -encoder.turns(range.lowerBound) * (encoder.turn ?? 0), offset: nil, mode: subject.servo.mode)
    case .subtracted(let limit): return subtractedFrame(encoder, wish: wish, limit: limit, mode: subject.servo.mode)
    case .added(_, let positionLimit):
      let crosses = encoder.turns(range.lowerBound) != encoder.turns(range.upperBound)
      guard crosses || subject.servo.mode != .position else {
        let home = -encoder.turns(range.lowerBound) * (encoder.turn ?? 0)
        let offset = wish - home
        // Where the servo's own middle is the zero, nothing needs to move.
        let isUseful = abs(offset) <= positionLimit && subject.servo.zero != .servo
        return Frame(shift: home + (isUseful ? offset : 0), offset: isUseful ? offset : 0, mode: .position)
      }
      guard subject.servo.followers.isEmpty else {
        throw JointProblem(
          joint: subject.name,
          "crosses the end of its servo's turn, where it and its follower could part after power-on; set the horns elsewhere"
        )
      }
      return Frame(
        shift: wish, offset: encoder.shortest(wish),
        mode: subject.servo.mode == .position ? .extended : subject.servo.mode)
    }
  }

  private func continuousFrame(_ subject: CalibrationSubject, _ zero: Double) throws(JointProblem) -> Frame {
    let encoder = subject.encoder
    let wish = encoder.positions / 2 - Int(zero.rounded())
    switch encoder.offset {
    case .none:
      guard wish == 0 else {
        throw JointProblem(
          joint: subject.name, "a \(subject.model) has no homing offset to put its zero into the middle of its turn")
      }
      return Frame(shift: 0, offset: nil, mode: subject.servo.mode)
    case .subtracted(let limit): return subtractedFrame(encoder, wish: wish, limit: limit, mode: subject.servo.mode)
    case .added:
      let mode = wish == 0 || subject.servo.mode != .position ? subject.servo.mode : .extended
      return Frame(shift: wish, offset: encoder.shortest(wish), mode: mode)
    }
  }

  /// ticks = raw - offset within one turn. Half a turn has two signs, and neither fits the register: one tick beside it.
  private func subtractedFrame(_ encoder: EncoderTraits, wish: Int, limit: Int, mode: PositionMode) -> Frame {
    let offset = encoder.shortest(-wish)
    let kept = max(-limit, min(limit, offset))
    return Frame(shift: wish + offset - kept, offset: kept, mode: mode)
  }

  // MARK: Followers

  /// A follower must read what its leader reads, everywhere: its goals are its leader's.
  private func followers(_ subject: CalibrationSubject, _ frame: Frame) throws(JointProblem) -> [FollowerCalibration] {
    let encoder = subject.encoder
    var result: [FollowerCalibration] = []
    for (id, distance) in zip(subject.servo.followers, followerDistances) {
      guard let turn = encoder.turn, case .added(_, let positionLimit) = encoder.offset else {
        throw JointProblem(joint: subject.name, "a \(subject.model) cannot follow another servo")
      }
      let own = range.lowerBound + distance...range.upperBound + distance
      let offset = frame.shift - distance + encoder.turns(own.lowerBound) * turn
      guard encoder.turns(own.lowerBound) == encoder.turns(own.upperBound), abs(offset) <= positionLimit else {
        throw JointProblem(
          joint: subject.name,
          "servo \(id) stands \(abs(encoder.shortest(distance))) ticks from servo \(subject.servo.servo), more than a homing offset can mend; set its horn elsewhere"
        )
      }
      result.append(FollowerCalibration(servo: id, homingOffset: offset))
    }
    return result
  }
}
