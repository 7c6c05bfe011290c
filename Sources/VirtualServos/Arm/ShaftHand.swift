import Configuration

/// A hand that turns the shafts of virtual servos whose torque is off, as lines of text tell it: what a person does to a
/// real arm while it is calibrated.
///
/// Lines are done one after the other; a shaft that is where it shall be is let go. Before the first line none is touched. The joints must be independent.
public struct ShaftHand: Sendable {
  /// A shaft as the lines name it.
  private struct Shaft: Sendable {
    var name: String
    /// Its place among the independent joints, and that of a servo on it among the bus's.
    var joint: Int
    var servo: Int
    var gear: Double
    /// Mechanical stops, rad of the joint.
    var range: ClosedRange<Double>
  }

  private enum Errand: Sendable {
    /// Shafts to joint angles, rad.
    case turn([Int: Double])
    /// Shafts by joint angles from where they are then, rad.
    case turnBy([Int: Double])
    case wait(Double)
  }

  /// What the lines can say.
  public static let help = """
    JOINT 30 | JOINT by -10    turn to an angle, or by one, degrees; JOINT is a joint's name, a servo's id, or all
    JOINT upper | JOINT lower  turn to a stop
    JOINT sweep                turn from stop to stop, then to the middle
    speed 45                   how fast from now on, degrees/s
    wait 2                     do nothing for so many seconds
    stop                       forget what was not done yet
    where                      where the shafts are
    """

  private let shafts: [Shaft]
  private var errands: [Errand] = []
  /// Where the shafts that are being turned shall be, rad of the joint.
  private var targets: [Int: Double] = [:]
  private var waitEnd: Int64?
  /// rad/s of the joint.
  private var speed = Double.pi / 2

  /// A hand for an arm's joints.
  public init(_ arm: VirtualArm) {
    shafts = arm.profile.joints.enumerated().map { index, joint in
      let servo = arm.bus.servos[index]
      return Shaft(
        name: joint.name, joint: index, servo: arm.mounts.firstIndex { $0.joint == index } ?? 0, gear: servo.gear,
        range: servo.isContinuous ? -.infinity ... .infinity : joint.lower...joint.upper)
    }
  }

  /// A hand for servos that are no arm: shafts are named by ids.
  public init(ids: [UInt8]) {
    shafts = ids.enumerated().map { index, id in
      Shaft(name: "\(id)", joint: index, servo: index, gear: 1, range: -.infinity ... .infinity)
    }
  }

  /// Whether everything that was asked for is done.
  public var isIdle: Bool { errands.isEmpty && targets.isEmpty && waitEnd == nil }

  /// Takes a line. Returns what to say to it: nil when there is nothing to say.
  public mutating func hear(_ line: String, _ bus: VirtualServoBus) -> String? {
    let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let first = words.first else { return places(bus) }
    do throws(VirtualServoError) {
      switch (first, words.count) {
      case ("help", 1): return Self.help
      case ("where", 1): return places(bus)
      case ("stop", 1):
        errands = []
        targets = [:]
        waitEnd = nil
        for shaft in shafts { bus.independentJoints?.hold(shaft.joint, at: nil) }
      case ("speed", 2): speed = try number(words[1], in: 0.1...720) * .pi / 180
      case ("wait", 2): errands.append(.wait(try number(words[1], in: 0...86_400)))
      default: try errand(words)
      }
    } catch { return error.description }
    return held(bus)
  }

  /// Goes on with what was asked for; to be called many times a second.
  public mutating func advance(_ bus: VirtualServoBus) {
    guard let joints = bus.independentJoints else { return }
    let state = bus.state
    func angle(_ index: Int) -> Double { state.servos[shafts[index].servo].shaft.position / shafts[index].gear }
    for (index, target) in targets where abs(angle(index) - target) <= 1e-6 {
      targets[index] = nil
      joints.hold(shafts[index].joint, at: nil)
    }
    if let end = waitEnd, state.time >= end { waitEnd = nil }
    while targets.isEmpty, waitEnd == nil, !errands.isEmpty {
      var wanted: [Int: Double] = [:]
      switch errands.removeFirst() {
      case .wait(let seconds): waitEnd = state.time + Int64(seconds * 1e9)
      case .turn(let angles): wanted = angles
      case .turnBy(let angles): for (index, way) in angles { wanted[index] = angle(index) + way }
      }
      for (index, target) in wanted {
        let shaft = shafts[index]
        let target = max(shaft.range.lowerBound, min(shaft.range.upperBound, target))
        joints.hold(shaft.joint, at: target * shaft.gear, speed: speed * shaft.gear)
        if abs(angle(index) - target) > 1e-6 { targets[index] = target }
      }
    }
  }

  // MARK: Lines

  private mutating func errand(_ words: [String]) throws(VirtualServoError) {
    let indices = try self.indices(words[0])
    func all(_ angle: (Shaft) throws(VirtualServoError) -> Double) throws(VirtualServoError) -> [Int: Double] {
      var result: [Int: Double] = [:]
      for index in indices { result[index] = try angle(shafts[index]) }
      return result
    }
    func stop(_ shaft: Shaft, _ end: Double) throws(VirtualServoError) -> Double {
      guard end.isFinite else { throw VirtualServoError("\(shaft.name) has no stops; give an angle in degrees") }
      return end
    }
    switch (words.count, words.count > 1 ? words[1] : "") {
    case (2, "upper"):
      errands.append(.turn(try all { (shaft) throws(VirtualServoError) in try stop(shaft, shaft.range.upperBound) }))
    case (2, "lower"):
      errands.append(.turn(try all { (shaft) throws(VirtualServoError) in try stop(shaft, shaft.range.lowerBound) }))
    case (2, "sweep"):
      // One without stops is turned once round.
      let up = try all { (shaft) throws(VirtualServoError) in
        shaft.range.upperBound.isFinite ? shaft.range.upperBound : .pi
      }
      let down = try all { (shaft) throws(VirtualServoError) in
        shaft.range.lowerBound.isFinite ? shaft.range.lowerBound : -.pi
      }
      errands += [.turn(up), .turn(down), .turn(up.merging(down) { ($0 + $1) / 2 })]
    case (2, let text):
      let angle = try number(text, in: -36_000...36_000) * .pi / 180
      errands.append(.turn(try all { (_) throws(VirtualServoError) in angle }))
    case (3, "by"):
      let way = try number(words[2], in: -36_000...36_000) * .pi / 180
      errands.append(.turnBy(try all { (_) throws(VirtualServoError) in way }))
    default: throw VirtualServoError("'\(words.joined(separator: " "))' is no order to the hand; 'help' lists them")
    }
  }

  private func indices(_ name: String) throws(VirtualServoError) -> [Int] {
    if name == "all" { return Array(shafts.indices) }
    if let index = shafts.firstIndex(where: { $0.name == name }) { return [index] }
    let names = shafts.map(\.name)
    throw VirtualServoError(
      "there is no joint '\(name)'; there are \(names.joined(separator: ", "))"
        + (Suggestion.sentence(for: name, in: names).map { "; \($0)" } ?? ""))
  }

  private func number(_ text: String, in range: ClosedRange<Double>) throws(VirtualServoError) -> Double {
    guard let value = Double(text), range.contains(value) else {
      throw VirtualServoError(
        "'\(text)' is no number from \(range.lowerBound) to \(range.upperBound); 'help' lists what the hand understands"
      )
    }
    return value
  }

  // MARK: Saying

  /// Which shafts the hand cannot turn now, because their motors hold them.
  private func held(_ bus: VirtualServoBus) -> String? {
    let state = bus.state
    let names = shafts.filter { state.servos[$0.servo].isTorqueOn }.map(\.name)
    guard !names.isEmpty else { return nil }
    return "under torque, so the hand waits: \(names.joined(separator: ", "))"
  }

  private func places(_ bus: VirtualServoBus) -> String {
    let state = bus.state
    return shafts.map { shaft in
      let degrees = state.servos[shaft.servo].shaft.position / shaft.gear * 180 / .pi
      return "\(shaft.name) \((degrees * 10).rounded() / 10)°"
    }.joined(separator: ", ")
  }
}
