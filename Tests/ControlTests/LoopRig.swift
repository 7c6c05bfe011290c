import ArmModel
import LoopTestSupport
import Numerics
import Policies
import RealTime
import Recording
import Safety
import Simulation
import Tasks
import TestSupport
import Testing

@testable import Control

/// A control loop over a scripted arm on the virtual clock, with a log. The task, the policy and the twin are real; the
/// tick is 5 ms and a policy step 20 ms unless said otherwise.
final class LoopRig {
  /// ns.
  static let period: Int64 = 5_000_000

  /// What a rig is made of.
  struct Design {
    var policy: DensePolicy
    var ticksPerStep = 4
    var interpolation = GoalInterpolation.hold
    var limits = JointLimits(unlimited: 2)
    var armingTicks = 0
    var timeLimit = 64
    var clock = TickClock.Kind.virtual
    var selection = ActionSelection.mean
    /// What plays the policy's thread; nil runs the policy in the tick.
    var exchange: PolicyExchange?
    /// More keys of the task.
    var taskExtra = ""

    init(_ policy: DensePolicy) { self.policy = policy }
  }

  var loop: ControlLoop
  var arm: ScriptedArm
  private let recorder: Recorder
  private let log: String
  private let folder: TemporaryFolder

  init(_ design: Design) throws {
    folder = try TemporaryFolder()
    log = folder.file("run.mcap")
    let task = try TaskDefinition.parse(
      text: """
        name: scripted
        model: reacher
        joints: [joint1, joint2]
        points: {tip: {body: fingertip}}
        step_duration: 0.02
        time_limit: \(design.timeLimit)
        variables: {target: {distribution: {fixed: [0.1, 0.1, 0.01]}}}
        observation: [{term: joint_position}, {term: time_fraction}]
        action: {mode: position}
        reward:
          - {term: distance, point: tip, to: target, weight: -1}
          - {term: action_squared, weight: -1}
        \(design.taskExtra)
        """, file: "scripted.yaml")
    let policy = try PolicyLoader.load(path: design.policy.write(to: folder))
    let twin = try PhysicsModel.named("reacher").makeTwin(
      joints: task.joints, points: task.points.map { (name: $0.modelName, kind: .body) })
    var options = RecorderOptions()
    options.clock = .virtual
    options.jointStateRate = 1000
    recorder = try Recorder.start(
      path: log, options: options,
      layout: TransitionLayout(observationCount: 3, actionCount: 2, jointCount: 2, rewardTermCount: 2),
      jointNames: task.joints)
    let seat: PolicySeat =
      if let exchange = design.exchange {
        .onThread(PolicyLink(memory: exchange))
      } else {
        .inTick(try policy.makePolicy())
      }
    loop = ControlLoop(
      configuration: LoopConfiguration(
        controlPeriod: LoopRig.period, ticksPerStep: design.ticksPerStep, clock: design.clock,
        selection: design.selection, interpolation: design.interpolation, seed: 1, limits: design.limits,
        mode: .position, armingTicks: design.armingTicks),
      task: task.makeEvaluator(), policy: seat, twin: twin, port: recorder.makePort(),
      jointCount: 2,
      pointCount: 1, observationCount: 3, actionCount: 2, rewardTermCount: 2)
    arm = ScriptedArm(position: [0, 0])
    loop.startSchedule()
  }

  /// Samples an episode, brings the arm to its start and begins it there.
  @discardableResult
  func begin() -> Bool {
    let start = loop.sampleEpisode()
    arm.position = start.position.array
    return loop.beginEpisode(at: start.position)
  }

  /// Begins an episode of the last sample with the arm at `position`.
  func begin(at position: [Double]) -> Bool { loop.beginEpisode(at: JointVector(position)) }

  /// Ticks as a run does: asleep until the deadline, then one tick; `late` ns too late.
  func tick(_ count: Int = 1, late: Int64 = 0) {
    for _ in 0..<count {
      loop.sleepUntilNextTick()
      if late > 0 { loop.clock.advance(by: late) }
      loop.tick(&arm)
    }
  }

  /// Ticks until `isDone`, at most `limit` times; how often.
  func tick(atMost limit: Int, until isDone: (borrowing ControlLoop) -> Bool) -> Int {
    for count in 0..<limit {
      if isDone(loop) { return count }
      tick()
    }
    return limit
  }

  /// Closes the log and reads it.
  func finish() throws -> LogContents {
    let summary = recorder.finish()
    #expect(summary.dropped == 0)
    #expect(summary.error == nil)
    return try LogContents(path: log)
  }
}

extension DensePolicy {
  /// Proposes (t/limit, −t/limit) rad in step t: numbers that single precision holds exactly where the limit is a power
  /// of two.
  static var ramp: DensePolicy {
    DensePolicy(
      layers: [Layer(weights: [[0, 0, 1], [0, 0, -1]], bias: [0, 0])], jointNames: ["joint1", "joint2"])
  }

  /// Proposes the same in every step.
  static func constant(_ first: Float, _ second: Float) -> DensePolicy {
    DensePolicy(
      layers: [Layer(weights: [[0, 0, 0], [0, 0, 0]], bias: [first, second])], jointNames: ["joint1", "joint2"])
  }

  /// Proposes (0.25, 0.25) rad up to a quarter of the time limit, and then what two infinities leave of each other.
  static var notANumberAfterAQuarter: DensePolicy {
    var policy = DensePolicy(
      layers: [
        Layer(weights: [[0, 0, 1e20], [0, 0, 1e20]], bias: [-2.5e19, -2.5e19], activation: "relu"),
        Layer(weights: [[1e30, 0], [0, 1e30]], bias: [0, 0]),
        Layer(weights: [[1, -1], [1, -1]], bias: [0.25, 0.25]),
      ], jointNames: ["joint1", "joint2"])
    policy.goldenObservations = (0..<5).map { [Float($0), 1, 0.0625 * Float($0)] }
    return policy
  }
}

extension JointLimits {
  /// The same velocity (rad/s) and acceleration (rad/s²) for both joints, positions within ±`position` rad.
  static func slow(velocity: Double, acceleration: Double, position: Double = 2) -> JointLimits {
    var limits = JointLimits(unlimited: 2)
    limits.lower = JointVector(repeating: -position, count: 2)
    limits.upper = JointVector(repeating: position, count: 2)
    limits.velocity = JointVector(repeating: velocity, count: 2)
    limits.acceleration = JointVector(repeating: acceleration, count: 2)
    return limits
  }
}

/// What every sequence of goals on the wire must keep: finite, within the limits, no step of speed above the
/// acceleration. `start` is where the arm stood.
func expectWithinLimits(
  _ goals: [[Double]], from start: [Double], limits: JointLimits, sourceLocation: SourceLocation = #_sourceLocation
) {
  let period = Double(LoopRig.period) * 1e-9
  for joint in start.indices {
    var last = start[joint]
    var speed = 0.0
    for goals in goals {
      let goal = goals[joint]
      #expect(goal.isFinite, sourceLocation: sourceLocation)
      #expect(goal >= limits.lower[joint] && goal <= limits.upper[joint], sourceLocation: sourceLocation)
      let next = (goal - last) / period
      #expect(next.magnitude <= limits.velocity[joint] + 1e-9, sourceLocation: sourceLocation)
      #expect((next - speed).magnitude <= limits.acceleration[joint] * period + 1e-9, sourceLocation: sourceLocation)
      last = goal
      speed = next
    }
  }
}
