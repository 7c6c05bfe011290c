import ArmModel
import Numerics
import Testing

/// States, commands, proposals, points and errors.
@Suite struct Values {
  @Test func aNewStateHasMeasuredNothing() {
    let state = JointState(count: 3)
    let zero = JointVector(repeating: 0, count: 3)
    #expect(state.count == 3)
    #expect(state.position == zero && state.velocity == zero && state.effort == zero && state.age == zero)
    #expect(state.present.isEmpty)
    #expect(state.stamp == 0)
  }

  @Test func aStatesCountIsThatOfItsPositions() {
    var state = JointState(count: 3)
    state.position = JointVector([1])
    #expect(state.count == 1)
  }

  @Test func theThreeQuantitiesAreDistinct() {
    var present: JointQuantities = []
    #expect(!present.contains(.position))
    present.insert(.velocity)
    #expect(present.contains(.velocity) && !present.contains(.position) && !present.contains(.effort))
    present.formUnion([.position, .effort])
    #expect(present.rawValue == 7)
  }

  @Test func aCommandAndAProposalKeepWhatTheyAreGiven() {
    let command = JointCommand(mode: .effort, goal: JointVector([1, 2]), stamp: -5)
    #expect(command.mode == .effort)
    #expect(command.goal == JointVector([1, 2]))
    #expect(command.stamp == -5)
    let proposal = Proposal(source: .person, mode: .position, goal: JointVector([.nan]), stamp: .max)
    #expect(proposal.source == .person)
    #expect(proposal.mode != .effort)
    #expect(!proposal.goal.isFinite)
    #expect(proposal.stamp == .max)
  }

  @Test func theNumbersOfModesAndSourcesAreThoseOfTheLogs() {
    #expect(CommandMode.position.rawValue == 0 && CommandMode.effort.rawValue == 1)
    #expect(CommandSource.allCases.map(\.rawValue) == [0, 1, 2, 3, 4])
    #expect(CommandSource.allCases.map(\.name) == ["none", "policy", "person", "blend", "stop"])
    for (i, a) in CommandSource.allCases.enumerated() {
      for (j, b) in CommandSource.allCases.enumerated() {
        #expect((a == b) == (i == j))
        #expect((a != b) == (i != j))
      }
    }
  }

  @Test func anErrorsTextTellsReasonJointAndDetail() {
    #expect(ArmError(.disconnected, reason: "the port is gone").description == "the port is gone")
    #expect(
      ArmError(.timedOut, joint: 2, detail: -110, reason: "no answer").description == "no answer (joint 2) [-110]")
    #expect(ArmError(.diverged, joint: 0, reason: "x").description == "x (joint 0)")
  }

  @Test func pointsBeginAtTheOriginAndAreSetOneByOne() {
    var points = PointSet(count: 3)
    #expect(points.count == 3)
    #expect((0..<3).allSatisfy { points[$0] == .zero })
    points[1] = Vector3(1, 2, 3)
    #expect(points[0] == .zero)
    #expect(points[1] == Vector3(1, 2, 3))
    #expect(points[2] == .zero)
    #expect(PointSet(count: 0).count == 0)
    #expect(PointSet(count: PointSet.capacity).count == 8)
  }

  @Test func pointsOutOfBoundsTrap() async {
    await #expect(processExitsWith: .failure) { print(PointSet(count: 2)[2]) }
    await #expect(processExitsWith: .failure) { print(PointSet(count: 2)[-1]) }
    await #expect(processExitsWith: .failure) {
      var points = PointSet(count: 2)
      points[2] = .zero
    }
    await #expect(processExitsWith: .failure) { _ = PointSet(count: 9) }
    await #expect(processExitsWith: .failure) { _ = PointSet(count: -1) }
  }
}
