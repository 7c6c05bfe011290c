import ArmModel
import ArmProfiles
import Control
import Policies
import Safety
import Simulation
import Tasks

/// A task and the arm that plays it, loaded and checked against each other: what running, evaluating and training share.
public struct TaskSetup: Sendable {
  public let plan: SessionPlan
  public var task: TaskDefinition { plan.task }
  public let model: PhysicsModel
  /// What the safety core keeps commands within.
  public let limits: JointLimits
  /// The arm's shape and the space it may use, for the safety core; without capsules nothing is checked.
  public let capsules: CapsuleModel
  /// Ticks of the loop, and steps of the policy, Hz.
  public let controlRate: Double
  public let policyRate: Double
  /// Control ticks of one policy step.
  public let ticksPerStep: Int
  /// What the user should know and need not act on.
  public private(set) var notes: [String] = []

  /// Loads what the plan names, but for its policy.
  /// - Throws: `SessionError` or what loading throws: one line.
  public init(_ plan: SessionPlan) throws {
    self.plan = plan
    let task = plan.task
    let nominal: PhysicsModel
    if let name = try plan.model ?? Self.twinModel(plan) {
      nominal = try PhysicsModel.named(name)
    } else {
      nominal = try Self.naming(task) { try PhysicsModel.named(task.model) }
    }
    model = try plan.physicsTimestep.map { try nominal.withTimestep($0) } ?? nominal
    notes = model.notes
    policyRate = 1 / task.stepDuration
    (controlRate, ticksPerStep) = try Self.rates(plan, policyRate: policyRate)
    limits = try Self.limits(plan, model: model, notes: &notes)
    if let problem = limits.problem(jointNames: task.joints) { throw SessionError(problem) }
    capsules = try Self.capsules(plan, model: model, notes: &notes)
  }

  /// The control period, ns.
  var controlPeriod: Int64 { Int64((1e9 / controlRate).rounded()) }

  /// Number of the task's bound variables.
  var boundVariableCount: Int { task.variables.count { Self.binding($0) != nil } }

  /// The simulated arm, with the task's variables bound.
  func makeArm() throws -> SimulatedArm {
    try requireSimulationModel()
    var arm = try SimulatedArm(
      model: model, joints: task.joints, controlPeriod: 1 / controlRate, servos: try servos(),
      perturbations: plan.perturbations, seed: plan.seed)
    guard arm.mode == task.commandMode else {
      throw SessionError(
        "task '\(task.name)' commands \(task.commandMode == .effort ? "efforts" : "positions"), but the simulated arm "
          + "'\(model.name)' takes \(arm.mode == .effort ? "efforts" : "positions"); "
          + (task.commandMode == .position
            ? "name the servo that drives it with --servo, or choose another --model or task"
            : "choose another --model or task"))
    }
    for (index, variable) in task.variables.enumerated() {
      guard let binding = Self.binding(variable) else { continue }
      let place = try Self.naming(task) { try arm.bindVariable(binding) }
      guard place == index else {
        throw SessionError("task '\(task.name)': bound variables must come before unbound ones")
      }
    }
    return arm
  }

  /// The loop's settings.
  func loopConfiguration(armingTicks: Int) -> LoopConfiguration {
    var configuration = LoopConfiguration(
      controlPeriod: controlPeriod, ticksPerStep: ticksPerStep, clock: plan.clock, selection: plan.selection,
      interpolation: plan.interpolation, seed: plan.seed, limits: limits, mode: task.commandMode,
      armingTicks: armingTicks)
    if task.commandMode == .position { configuration.safety.boundResidualMotion() }
    configuration.safety.capsules = capsules
    return configuration
  }

  /// The kinematic twin of a simulated arm.
  func makeTwin(of arm: borrowing SimulatedArm) throws -> KinematicTwin {
    do throws(SimulationError) {
      return try arm.makeTwin(
        points: namedPoints, source: task.pointSource == .lastPhysicsStep ? .lastPhysicsStep : .measured)
    } catch {
      throw SessionError("\(task.file): \(error)")
    }
  }

  /// A twin for an arm that is no simulation: it knows the variables that are bodies of the scene, which nothing else here
  /// does.
  func makeTwin() throws -> KinematicTwin {
    do throws(SimulationError) {
      return try model.makeTwin(
        joints: task.joints, points: namedPoints, variables: task.variables.compactMap(Self.binding))
    } catch {
      throw SessionError("\(task.file): \(error)")
    }
  }

  private var namedPoints: [(name: String, kind: KinematicTwin.PointKind)] {
    task.points.map { (name: $0.modelName, kind: $0.kind == .site ? .site : .body) }
  }

  /// Names the task's file in the error of what the task asks for.
  private static func naming<Result>(_ task: TaskDefinition, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch { throw SessionError("\(task.file): \(error)") }
  }

  private static func rates(_ plan: SessionPlan, policyRate: Double) throws -> (Double, Int) {
    guard let wanted = plan.controlRate else {
      // A torque arm's command is the policy's own; a position arm is led along at a rate that buses carry.
      let ticks = plan.task.commandMode == .effort ? 1 : max(1, Int((100 / policyRate).rounded(.up)))
      return (policyRate * Double(ticks), ticks)
    }
    let largest = (10_000 / policyRate).rounded(.down)
    guard wanted > 0 else {
      throw SessionError(
        "\(wanted) Hz is no control rate; give a whole multiple of the policy's \(policyRate) Hz, up to "
          + "\(largest * policyRate) Hz")
    }
    let ticks = (wanted / policyRate).rounded()
    guard ticks <= largest else {
      throw SessionError(
        "a control rate of \(wanted) Hz is too fast; give a whole multiple of the policy's \(policyRate) Hz, up to "
          + "\(largest * policyRate) Hz")
    }
    guard ticks >= 1, abs(ticks * policyRate - wanted) < 1e-6 * wanted else {
      let below = max(1, (wanted / policyRate).rounded(.down))
      let nearest = [below, below + 1].filter { $0 <= largest }.map { "\($0 * policyRate)" }.joined(separator: " and ")
      throw SessionError(
        "a control rate of \(wanted) Hz is no whole multiple of the policy's \(policyRate) Hz; the nearest are "
          + "\(nearest) Hz")
    }
    return (policyRate * ticks, Int(ticks))
  }

  private static func binding(_ variable: VariableDefinition) -> VariableBinding? {
    switch variable.binding {
    case .none: nil
    case .joints(let names): .joints(names)
    case .mocap(let name): .mocapBody(name)
    }
  }
}
