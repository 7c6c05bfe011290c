import ArmModel
import Safety
import Testing

/// A source that begins knows nothing of what the last one was after.
@Suite struct NewSourceTests {
  /// An arm at rest whose last policy was after a goal that rose.
  private func rested(_ configuration: SafetyConfiguration) -> HardwareRig {
    let rig = HardwareRig(configuration)
    rig.arm()
    rig.propose([0, 0])
    rig.enable()
    rig.tick([.start])
    for goal in [-0.3, -0.299, -0.298] { rig.tick { $0.proposal.goal[0] = goal } }
    rig.tick([.stop])
    _ = rig.comesToRest(in: .hold)
    return rig
  }

  // A goal that comes 1e-4 rad nearer in one tick looks like one that moves on within the limits, and is led by as much as
  // such a one would need to brake: 7.5e-5 rad, whatever was before.
  @Test(arguments: [OperatorRequests.move, .park, .start, .none], [5e-5, 1.5e-4, 2e-4, 3e-4])
  func `A goal close by is not overshot for what the last source was after`(request: OperatorRequests, way: Double) {
    var configuration = HardwareRig.configuration()
    let place = rested(configuration).core.commandedGoal[0]
    #expect(place < 0 && place > -0.29)
    let goal = place + way
    configuration.parkPose = JointVector([goal, 0])
    let rig = rested(configuration)
    rig.inputs.destination = JointVector([goal, 0])
    rig.propose([goal, 0], source: request == .none ? .person : .policy)
    rig.enable()
    if request != .none { rig.tick(request) }
    #expect(![.hold, .stopping].contains(rig.last.state))
    var highest = rig.core.commandedGoal[0]
    for _ in 0..<100 where rig.last.writes { highest = max(highest, rig.tick().command.goal[0]) }
    #expect((highest - goal).magnitude < 1e-9, "\(highest - goal) rad past it")
    #expect(rig.finding == nil)
  }
}
