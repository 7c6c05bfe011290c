import ArmModel
import Numerics
import Safety
import Testing

/// What the filter makes of an arm's shape.
@Suite struct FilterShapeTests {
  /// A ball of 0.25 m that the first joint slides along x, with a wall at 1 m and a margin of 0.25 m: all of it exact.
  /// The other joints move nothing. Without other limits every goal that is clear is commanded at once.
  private static func slider(from start: Double) -> Rig {
    var model = CapsuleModel()
    let ball = model.addLink(
      parent: -1, position: .zero, orientation: .identity, joint: 0, axis: Vector3(1, 0, 0), slides: true)
    _ = model.addCapsule(link: ball ?? 0, from: .zero, to: .zero, radius: 0.25)
    model.workspaceUpper = Vector3(1, .infinity, .infinity)
    model.margin = 0.25
    var configuration = SafetyConfiguration(
      limits: JointLimits(unlimited: 3), mode: .position, period: 5_000_000, proposalPeriod: 10_000_000,
      armingTicks: 0, judgesTiming: false)
    configuration.capsules = model
    var bench = SafetyBench(limits: JointLimits(unlimited: 3))
    bench.core = SafetyCore(configuration)
    bench.inputs.joints.position = JointVector([start, 0, 0])
    _ = bench.arm()
    return Rig(bench)
  }

  @Test func `A goal with more than the margin left is clear, and one with less stops the whole arm`() {
    let rig = Self.slider(from: 0)
    rig.propose([0.4, 0, 0])
    #expect(rig.tick([.start]).command.goal == JointVector([0.4, 0, 0]))
    #expect(rig.tick().alterations == [])
    for further in [0.5 + 1e-12, 0.6, 2] {
      rig.propose([further, 0.1, 0])
      let decision = rig.tick()
      #expect(decision.command.goal == JointVector([0.4, 0, 0]))
      #expect(decision.alterations.contains(.collision))
      #expect(decision.alteredJoints == 0b111)
    }
    rig.propose([0.25, 0.1, 0])
    #expect(rig.tick().command.goal == JointVector([0.25, 0.1, 0]))
    #expect(rig.tick().alteredJoints == 0)
  }

  @Test func `An arm that is too near already may make every motion that brings it no nearer`() {
    let rig = Self.slider(from: 0.625)
    rig.propose([0.625, 0.3, -0.3])
    #expect(rig.tick([.start]).command.goal == JointVector([0.625, 0.3, -0.3]))
    #expect(rig.tick().alterations == [])
    rig.propose([0.75, 0.3, -0.3])
    #expect(rig.tick().command.goal == JointVector([0.625, 0.3, -0.3]))
    // Still too near, and yet further away than it was.
    rig.propose([0.5625, 0.3, -0.3])
    #expect(rig.tick().command.goal == JointVector([0.5625, 0.3, -0.3]))
    #expect(rig.tick().alterations == [])
  }

  /// Two sticks in a plane between two walls, led by fast proposals and stopped at any time.
  @Test func `Whatever is proposed and whenever it is stopped, the arm stays clear of walls on the whole way`() {
    var random = RandomStream(seed: 31, name: "walls")
    var blocked = 0
    for life in 0..<30 {
      var model = CapsuleModel()
      _ = model.addLink(parent: -1, position: .zero, orientation: .identity, joint: 0)
      _ = model.addLink(parent: 0, position: Vector3(0.2, 0, 0), orientation: .identity, joint: 1)
      for link in 0..<2 {
        _ = model.addCapsule(link: link, from: .zero, to: Vector3(0.2, 0, 0), radius: 0.02)
      }
      model.workspaceUpper = Vector3(.infinity, 0.25, .infinity)
      model.workspaceLower = Vector3(-.infinity, -0.25, -.infinity)
      var configuration = HardwareRig.configuration(jerk: life.isMultiple(of: 2) ? .infinity : 2000)
      configuration.capsules = model
      configuration.monitors.clampedShare = 1
      configuration.residualTime = 0.2
      let rig = HardwareRig(configuration)
      rig.arm()
      rig.propose([0, 0])
      rig.enable()
      rig.tick([.start])
      var lowest = Double.infinity
      for _ in 0..<40 + Int(random.uniform() * 60) {
        if random.uniform() < 0.07 {
          rig.propose([random.uniform(from: -1.5, to: 1.5), random.uniform(from: -1.5, to: 1.5)])
        }
        rig.tick()
        if rig.last.alterations.contains(.collision) { blocked += 1 }
        lowest = min(lowest, model.clearance(at: rig.core.commandedGoal))
      }
      rig.tick([.stop])
      for _ in 0..<60 {
        rig.tick()
        lowest = min(lowest, model.clearance(at: rig.core.commandedGoal))
      }
      // Between two places that are looked at, 0.02 rad apart, an arm of 0.4 m comes no more than 20 µm nearer.
      #expect(lowest > model.margin - 2e-5, "life \(life)")
      #expect(rig.last.state == .hold && rig.finding == nil)
    }
    #expect(blocked > 50, "the walls were in the way")
  }
}
