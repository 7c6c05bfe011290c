import ArmModel
import Numerics
import Safety
import Testing

/// Real arms of torque motors: what becomes of an effort, and what they are left with when nobody commands.
@Suite struct TorqueArmTests {
  @Test func `An effort is kept within its limit, and none pushes a joint further out of its range`() {
    var configuration = HardwareRig.configuration(mode: .effort)
    configuration.limits.effort = JointVector([0.5, 3])
    configuration.monitors.clampedShare = 1
    let rig = HardwareRig(configuration)
    rig.position = [1.495, -1.495]
    rig.arm()
    rig.propose([0, 0])
    rig.enable()
    rig.tick([.start])
    var random = RandomStream(seed: 1, name: "efforts")
    for _ in 0..<400 {
      var (expected, altered): ([Double], UInt16) = ([], 0)
      var goal: [Double] = []
      for joint in 0..<2 {
        let limit = configuration.limits.effort[joint]
        let share = [-1.4, -1, -0.3, 0, 0.3, 1, 1.4][Int(random.uniform() * 7)]
        // Before its limit, at it, and a little beyond.
        let side = joint == 0 ? 1.0 : -1
        rig.position[joint] = side * [1.495, 1.5, 1.505][Int(random.uniform() * 3)]
        goal.append(share * limit)
        let isPushingOut = rig.position[joint].magnitude >= 1.5 && goal[joint] * side > 0
        expected.append(isPushingOut ? 0 : min(max(goal[joint], -limit), limit))
        if expected[joint] != goal[joint] { altered |= 1 << UInt16(joint) }
      }
      rig.propose(goal)
      let decision = rig.tick()
      #expect(decision.command.goal.array == expected && decision.state == .policy)
      #expect(decision.alteredJoints == altered && decision.alterations == (altered == 0 ? [] : .effort))
    }
  }

  @Test func `Efforts within the limits may last, and a second of too much effort stops the policy`() {
    for (effort, isTooMuch) in [(2.9, false), (-2.9, false), (3.1, true), (-3.1, true)] {
      let rig = HardwareRig(HardwareRig.configuration(mode: .effort))
      rig.arm()
      rig.propose([0, effort])
      rig.enable()
      rig.tick([.start])
      let ticks = rig.ticks(atMost: 300) { $0.active.has(.clampedTooOften) }
      #expect(ticks == (isTooMuch ? 181 : nil))
    }
  }

  @Test func `While what is measured is old no effort is applied, and a hand-over begins from none`() {
    let rig = HardwareRig(HardwareRig.configuration(mode: .effort))
    rig.position = [0.3, -0.3]
    rig.run(toward: [2, -2], ticks: 5)
    #expect(rig.last.command.goal == JointVector([2, -2]))
    let old = rig.tick { $0.joints.age[0] = 4 * rig.seconds }
    #expect(old.command.goal == JointVector([0, 0]) && old.state == .policy && old.writes)
    rig.propose([1, 1], source: .person)
    rig.inputs.person.sticksAreNeutral = false
    // A hundredth of the way from nothing to the person's effort.
    let blended = rig.tick().command.goal
    #expect((blended[0] - 0.01).magnitude < 1e-12 && (blended[1] - 0.01).magnitude < 1e-12)
  }

  @Test func `A hand-over of efforts goes along a straight line and ends at the person's`() {
    let rig = HardwareRig(HardwareRig.configuration(mode: .effort))
    rig.run(toward: [2, -1], ticks: 5)
    rig.propose([-1, 2.5], source: .person)
    rig.inputs.person.sticksAreNeutral = false
    for tick in 1...100 {
      let part = Double(tick) / 100
      let goal = rig.tick().command.goal
      #expect((goal[0] - (2 - 3 * part)).magnitude < 1e-12 && (goal[1] - (-1 + 3.5 * part)).magnitude < 1e-12)
      #expect(rig.last.state == (tick < 100 ? .handover : .teleoperation))
    }
    #expect(rig.tick().command.goal == JointVector([-1, 2.5]))
  }

  @Test func `A person who takes over without proposing anything gets the old effort until that is late`() {
    let rig = HardwareRig(HardwareRig.configuration(mode: .effort))
    rig.run(toward: [2, -1], ticks: 5)
    #expect(rig.tick([.takeOver]).state == .handover)
    for _ in 0..<9 { #expect(rig.tick().command.goal == JointVector([2, -1])) }
    let late = rig.tick()
    #expect(late.active.conditions == [.proposalLate] && late.command.goal == JointVector([0, 0]))
  }

  @Test func `A torque arm is parked by switching it off, and a bad supply does so at once`() {
    let rig = HardwareRig(HardwareRig.configuration(mode: .effort))
    rig.run(toward: [2, -1], ticks: 5)
    #expect(rig.tick([.park]).state == .disarmed && rig.last.power == .release)
    let other = HardwareRig(HardwareRig.configuration(mode: .effort))
    other.run(toward: [2, -1], ticks: 5)
    other.inputs.health.setFaults(.voltage, of: 0)
    #expect(other.tick().state == .fault && other.last.power == .release)
  }

  @Test func `A torque arm that moves while it is armed is not in the wrong place`() {
    let rig = HardwareRig(HardwareRig.configuration(mode: .effort))
    rig.tick()
    rig.tick([.arm])
    rig.ticks(3)
    for _ in 0..<20 {
      rig.position[0] += 0.01
      rig.tick()
    }
    #expect(rig.last.state == .hold && rig.last.active == .none)
    // Nor is it obstructed or lost where it moves on, for nobody told it a place.
    rig.inputs.joints.effort[0] = 2.9
    for _ in 0..<60 {
      rig.position[0] += 0.01
      #expect(rig.tick().active == .none)
    }
  }
}
