import ArmModel

/// What a policy's thread proposes: motion to and fro at full speed, or something that no policy should.
struct LivePolicy: Sendable {
  enum Manner: Sendable {
    /// To and fro by this much, rad.
    case swing
    /// One goal of joint 0 is this.
    case number(Double)
    /// Every goal is this, rad.
    case goal([Double])
    /// One joint too few, one too many.
    case short, long
    /// Nothing, for ever.
    case hangs
    /// The thread ends.
    case dies
    /// From one end of the range to the other, every time.
    case bangBang
    /// Stamped so far ahead of now, ns.
    case stamped(Int64)
  }
  enum Answer {
    case nothing, death
    case proposal(Proposal)
  }

  var manner = Manner.swing
  private var direction = 1.0
  private var calls = 0

  mutating func propose(from commanded: JointVector, stamp: Int64) -> Answer {
    calls += 1
    var goal = commanded.array
    var stamp = stamp
    if commanded[0] * direction > 0.4 { direction = -direction }
    for joint in goal.indices { goal[joint] += 0.2 * direction }
    switch manner {
    case .swing: break
    case .number(let number): goal[0] = number
    case .goal(let wanted): goal = wanted
    case .short: goal.removeLast()
    case .long: goal.append(0)
    case .hangs: return .nothing
    case .dies: return .death
    case .bangBang: goal = goal.map { _ in calls.isMultiple(of: 2) ? 1.4 : -1.4 }
    case .stamped(let ahead): stamp += ahead
    }
    return .proposal(Proposal(source: .policy, mode: .position, goal: JointVector(goal), stamp: stamp))
  }
}
