import ArmModel
import Control
import LoopTestSupport
import RealTime
import TestSupport
import Testing

@testable import Sessions

/// A person's run asks the allocator for nothing either: listening, inverse kinematics, hand-overs, episodes.
@Suite(.enabled(if: AllocationCount.isAvailable)) struct OperatorAllocationTests {
  @Test(arguments: [OperationPlan.Kind.teleoperation, .supervision])
  func `Take-overs, modes, episodes and resets`(kind: OperationPlan.Kind) throws {
    var script = OperatorScript()
    script.wait(0.2)
    script.press(.start)
    for _ in 0..<5 {
      script.press(.start)
      script.hold(.enable)
      script.wait(0.1)
      script.press(.start)
      script.wait(0.5)
      script.sticks(leftX: 1, rightX: -1, rightY: 0.5)
      script.wait(0.7)
      script.sticks()
      script.press(.mode)
      script.sticks(leftX: -1)
      script.wait(0.3)
      script.sticks()
      script.letGo(.enable)
      script.wait(0.4)
      script.press(.success)
      script.press(.stop)
    }
    let track = script.track()
    let folder = try TemporaryFolder()
    let policy = kind == .supervision ? try DensePolicy.reach().write(to: folder) : ""
    var parts = try SessionParts(
      plan(task: "reach", policy: policy, duration: Double(track.duration) * 1e-9, log: folder.file("run.mcap")) {
        $0.operation = OperationPlan(kind, device: "script")
        $0.task.timeLimitSteps = nil
      })
    var worker: PolicyWorker?
    var run = try parts.makeOperatedRun(
      feed: track.feed, teleoperator: parts.makeTeleoperator(), worker: &worker)
    defer { withExtendedLifetime((worker, track)) {} }
    let recorder = try #require(parts.recorder)
    let status = TripleBuffer(initial: LoopStatus())
    run.warmUp()
    let count = AllocationCount.during { run.run(status) }
    _ = run.leave()
    #expect(count == AllocationCount(allocations: 0, frees: 0))
    #expect(run.core.statistics.count == 5)
    #expect(!recorder.finish().isLossy)
  }
}
