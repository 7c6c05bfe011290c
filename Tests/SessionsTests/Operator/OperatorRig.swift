import ArmModel
import ArmProfiles
import Control
import LoopTestSupport
import Numerics
import Recording
import Safety
import Sessions
import Simulation
import Tasks
import TestSupport
import Testing

/// A run of the simulated SO-101 in a scripted person's hands, on the virtual clock, with one control tick a step, so that
/// the log holds every command.
struct OperatorRig {
  static let rate = 50.0
  let report: RunReport
  let log: LogContents
  let limits: ArmModel.JointLimits

  init(_ track: OperatorTrack, policy: DensePolicy? = nil, _ change: (inout SessionPlan) throws -> Void = { _ in })
    throws
  {
    let folder = try TemporaryFolder()
    let path = folder.file("run.mcap")
    var rig = try plan(
      task: "reach", policy: policy?.write(to: folder) ?? "", duration: Double(track.duration) * 1e-9 + 2, log: path)
    rig.operation = OperationPlan(policy == nil ? .teleoperation : .supervision, device: "script")
    rig.controlRate = Self.rate
    try change(&rig)
    let session = try OperatedSession(rig, feed: track.feed, keeping: track)
    report = try session.runBlocking { _ in }
    log = try LogContents(path: path)
    limits = try ArmModel.JointLimits(so101: rig.task.joints)
  }

  /// Transitions of one episode.
  func episode(_ index: Int) -> [Transition] { log.transitions.filter { Int($0.episode) == index } }

  /// Whether a run of an episode's commands keeps every limit, by differentiating what was sent.
  func expectWithinLimits(_ steps: [Transition], sourceLocation: SourceLocation = #_sourceLocation) {
    let commands = steps.map { $0.command.map(Double.init) }
    #expect(steps.allSatisfy { abs($0.duration - 1 / Self.rate) < 1e-6 }, sourceLocation: sourceLocation)
    for joint in limits.lower.array.indices {
      let positions = commands.map { $0[joint] }
      func differences(_ values: [Double]) -> [Double] { zip(values.dropFirst(), values).map { ($0 - $1) * Self.rate } }
      let velocities = differences(positions)
      let accelerations = differences(velocities)
      let jerks = differences(accelerations)
      #expect(
        positions.allSatisfy { $0 >= limits.lower[joint] - 1e-6 && $0 <= limits.upper[joint] + 1e-6 },
        sourceLocation: sourceLocation)
      // The log's single precision costs some 1e-7 rad a command.
      func most(_ values: [Double]) -> Double { values.map(\.magnitude).max() ?? 0 }
      #expect(most(velocities) <= limits.velocity[joint] + 1e-4, sourceLocation: sourceLocation)
      #expect(most(accelerations) <= limits.acceleration[joint] + 1e-2, sourceLocation: sourceLocation)
      #expect(most(jerks) <= limits.jerk[joint] + 1, sourceLocation: sourceLocation)
    }
  }

  /// Where the tool is with these joints, m.
  static func tool(_ joints: [[Float]]) throws -> [Vector3] {
    let names = try TaskDefinition.named("reach").joints
    var twin = try PhysicsModel.named("so101").makeTwin(joints: names, points: [("gripper_frame", .site)])
    var state = JointState(count: names.count)
    var points = PointSet(count: 1)
    return joints.map {
      state.position = JointVector($0.map(Double.init))
      twin.update(state, into: &points)
      return points[0]
    }
  }
}

extension ArmModel.JointLimits {
  /// The shipped SO-101's.
  init(so101 joints: [String]) throws {
    self = try #require(try ArmProfile.named("so101").selecting(joints)).limits
  }
}
