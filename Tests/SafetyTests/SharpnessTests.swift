import ArmModel
import Numerics
import Safety
import Testing

/// Small mistakes that whole runs forgive: each is looked at by itself.
@Suite struct SharpnessTests {
  /// A ball off the middle of a box, whichever wall is the nearest: it counts, and a further one does not.
  @Test(arguments: 0..<6, [0.2, -0.2]) func `The nearest wall counts for a point off the middle`(
    wall: Int, place: Double
  ) {
    func clearance(_ distances: [Double]) -> Double {
      var model = CapsuleModel()
      _ = model.addLink(parent: -1, position: .zero, orientation: .identity)
      let point = Vector3(place, place, place)
      _ = model.addCapsule(link: 0, from: point, to: point, radius: 0.01)
      model.workspaceLower = Vector3(place - distances[0], place - distances[1], place - distances[2])
      model.workspaceUpper = Vector3(place + distances[3], place + distances[4], place + distances[5])
      return model.clearance(at: JointVector([]))
    }
    var distances = [Double](repeating: 1, count: 6)
    distances[wall] = 0.8
    #expect((clearance(distances) - 0.79).magnitude < 1e-12)
    // Only one other wall is nearer, and it is looked at before or after.
    for other in 0..<6 where other != wall {
      distances = [Double](repeating: 2, count: 6)
      (distances[wall], distances[other]) = (1, 0.8)
      #expect((clearance(distances) - 0.79).magnitude < 1e-12)
    }
  }

  @Test func `An arm that was moved while the loop stood still is believed where it is, and stands there`() {
    let rig = HardwareRig()
    rig.arm()
    rig.position = [0.5, -0.5]
    rig.tick { $0.sincePrevious = 20 * rig.period }
    #expect(rig.last.active.has(.timeGap) && rig.last.command.goal == JointVector([0.5, -0.5]))
    for _ in 0..<60 {
      let decision = rig.tick()
      #expect(decision.active == .none && !decision.notices.has(.measurementRejected))
    }
    #expect(rig.last.state == .hold && rig.last.command.goal == JointVector([0.5, -0.5]))
  }

  @Test func `A target that goes on in uneven steps is followed as closely as its slower steps let it`() {
    var bench = SafetyBench(limits: SafetyBench.limits(count: 1, position: 100), proposalPeriod: 5_000_000)
    bench.inputs = SafetyInputs(count: 1, mode: .position)
    _ = bench.arm()
    var target = 0.0
    bench.propose([target])
    _ = bench.tick([.start])
    var largest = 0.0
    for count in 0..<400 {
      // 0.5 and 1.5 rad/s by turns: more acceleration than the joint has.
      target += count.isMultiple(of: 2) ? 0.0025 : 0.0075
      bench.propose([target])
      let goal = bench.tick().command.goal[0]
      if count > 200 { largest = max(largest, target - goal) }
    }
    // At 1 rad/s the joint needs 25 mrad to brake by 20 rad/s²; it may count on the 6 that the target needs at 0.5 rad/s.
    #expect(largest < 0.0235, "\(largest) rad behind")
  }

  @Test(arguments: [200.0, 1000, 5000], [(0.0025, 0.0075), (0.004, 0.006), (0.001, 0.003)])
  func `A joint with a jerk limit follows a target that goes on in uneven steps, and never overtakes it`(
    jerk: Double, steps: (Double, Double)
  ) {
    var bench = SafetyBench(
      limits: SafetyBench.limits(count: 1, position: 100, jerk: jerk), proposalPeriod: 5_000_000)
    bench.inputs = SafetyInputs(count: 1, mode: .position)
    _ = bench.arm()
    var target = 0.0
    bench.propose([target])
    _ = bench.tick([.start])
    var behind: [Double] = []
    for count in 0..<600 {
      target += count.isMultiple(of: 2) ? steps.0 : steps.1
      bench.propose([target])
      behind.append(target - bench.tick().command.goal[0])
    }
    // It is led to where the target would end if it braked now, at its slower speed and without acceleration: never past
    // the target itself, which may stop at any moment, by more than the way that the target would need.
    let speed = steps.0 / 0.005
    let lead = speed * speed / (2 * 20) + speed * 20 / (2 * jerk)
    #expect(behind.allSatisfy { $0 > -lead })
    #expect(behind.suffix(300).allSatisfy { $0 > 0 && $0 < 0.05 }, "\(behind.suffix(4))")
  }
}
