import ArmModel
import Learning
import Numerics
import Simulation
import Tasks

/// What tasks are played on when a policy learns.
public struct TaskEnvironmentPlan: Sendable {
  public var task: TaskDefinition
  public var model: PhysicsModel
  public var servos: ServoAssignment
  public var perturbations: Perturbations
  /// Control ticks of one policy step.
  public var ticksPerStep: Int

  public init(
    task: TaskDefinition, model: PhysicsModel, servos: ServoAssignment, perturbations: Perturbations, ticksPerStep: Int
  ) {
    self.task = task
    self.model = model
    self.servos = servos
    self.perturbations = perturbations
    self.ticksPerStep = ticksPerStep
  }
}

/// A task on a simulated arm, as `sinew evaluate` plays it but without loop, safety core and log: observe, command, the
/// arm moves, reward and outcome on the state after the step.
///
/// The simulator's and the observation's noise begin anew with every episode, from the episode's stream, so an episode can
/// be repeated. One thread at a time; nothing allocates after `init`.
public struct TaskEnvironment: ~Copyable, Environment {
  public let observationCount: Int
  public let actionCount: Int
  public let actionRange: ClosedRange<Double>
  public let stepLimit: Int
  private var task: TaskEvaluator
  private var arm: SimulatedArm
  private var twin: KinematicTwin
  private let ticksPerStep: Int
  private let boundVariables: Int
  private var state: JointState
  private var points: PointSet
  private let terms: UnsafeMutablePointer<Double>

  /// Sets up arm and task.
  /// - Throws: `LearningError` or `SimulationError` when they do not fit; a task without a time limit.
  public init(_ plan: TaskEnvironmentPlan) throws {
    let definition = plan.task
    guard let limit = definition.timeLimitSteps else {
      throw LearningError(
        .setting, "task '\(definition.name)' never ends: give it a time_limit, so that episodes are truncated")
    }
    var arm = try SimulatedArm(
      model: plan.model, joints: definition.joints,
      controlPeriod: definition.stepDuration / Double(plan.ticksPerStep), servos: plan.servos,
      perturbations: plan.perturbations)
    guard arm.mode == definition.commandMode else {
      throw LearningError(
        .setting,
        "task '\(definition.name)' commands \(definition.commandMode == .effort ? "efforts" : "positions"), which the "
          + "simulated arm '\(plan.model.name)' does not take; name a servo, or choose another task")
    }
    var bound = 0
    for (index, variable) in definition.variables.enumerated() {
      let binding: VariableBinding
      switch variable.binding {
      case .none: continue
      case .joints(let names): binding = .joints(names)
      case .mocap(let name): binding = .mocapBody(name)
      }
      guard try arm.bindVariable(binding) == index else {
        throw LearningError(
          .setting, "task '\(definition.name)': bound variables must come before unbound ones; change their order")
      }
      bound += 1
    }
    let twin = try arm.makeTwin(
      points: definition.points.map {
        (name: $0.modelName, kind: $0.kind == .site ? KinematicTwin.PointKind.site : KinematicTwin.PointKind.body)
      }, source: definition.pointSource == .lastPhysicsStep ? .lastPhysicsStep : .measured)
    observationCount = definition.observationCount
    actionCount = definition.actionCount
    actionRange = definition.actionRange
    stepLimit = limit
    task = definition.makeEvaluator()
    self.twin = twin
    self.arm = arm
    ticksPerStep = plan.ticksPerStep
    boundVariables = bound
    state = JointState(count: definition.joints.count)
    points = PointSet(count: definition.points.count)
    terms = .allocate(capacity: max(1, definition.rewardTermNames.count))
    terms.initialize(repeating: 0, count: max(1, definition.rewardTermNames.count))
  }

  deinit { terms.deallocate() }

  public mutating func begin(random: inout RandomStream, observation: UnsafeMutablePointer<Double>) {
    task.beginEpisode(random: &random)
    let noise = random.bits()
    task.restartNoise(seed: noise)
    arm.restartNoise(seed: noise)
    for index in 0..<boundVariables {
      arm.setVariable(index, task.variable(index))
      twin.setVariable(index, task.variable(index))
    }
    do throws(ArmError) {
      try arm.reset(position: task.resetPosition, velocity: task.resetVelocity)
      try arm.read(into: &state, now: 0)
    } catch {
      // The arm remembers its failure, and the first step reports it.
    }
    twin.update(state, into: &points)
    task.observe(state, points: points, into: observation)
  }

  public mutating func step(
    action: UnsafePointer<Float>, observation: UnsafeMutablePointer<Double>
  ) -> EnvironmentStep {
    var command = JointCommand(
      mode: .position, goal: JointVector(repeating: 0, count: state.count), stamp: 0)
    task.command(action: action, joints: state, into: &command)
    do throws(ArmError) {
      for _ in 0..<ticksPerStep {
        try arm.write(command)
        try arm.read(into: &state, now: 0)
      }
    } catch {
      return EnvironmentStep(reward: 0, terminated: true, truncated: false, failure: max(1, error.detail))
    }
    twin.update(state, into: &points)
    let reward = task.reward(action: action, joints: state, points: points, terms: terms)
    let outcome = task.outcome(joints: state, points: points)
    task.observe(state, points: points, into: observation)
    return EnvironmentStep(
      reward: reward, terminated: outcome.terminated, truncated: outcome.truncated, success: outcome.success)
  }
}
