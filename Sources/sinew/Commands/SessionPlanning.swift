import ArmModel
import ArmProfiles
import Configuration
import Control
import Foundation
import Policies
import RealTime
import Recording
import Sessions
import Simulation
import Tasks

/// From options and configuration to a plan; an option given on the command line wins.
enum SessionPlanning {
  /// The policy that ships for a task.
  static func shippedPolicy(for task: String) -> String? {
    ["reacher-v5": "reacher-sb3"][task]
  }

  /// What `run` asks for.
  static func plan(for command: RunCommand) throws -> SessionPlan {
    let configuration = try command.config.map { path in try checkingInput { try RobotConfiguration.load(path: path) } }
    var plan = try plan(command.simulation, configuration: configuration)
    if let path = command.config {
      if let arm = plan.profile, command.simulation.profile == nil {
        do { _ = try ArmProfile.named(arm) } catch { throw InputError("\(path): arm: \(error)") }
      }
      plan.configurationText = try checkingInput { try ConfigurationNode.text(path: path) }
    }
    plan.clock = command.virtual || configuration?.clock == .virtual ? .virtual : .monotonic
    plan.duration = command.duration ?? (command.episodes == nil ? configuration?.duration : nil)
    plan.episodes = command.episodes
    if plan.clock == .virtual && plan.duration == nil && plan.episodes == nil {
      throw InputError("simulated time needs an end: give --duration or --episodes")
    }
    plan.realTime = realTime(command, configuration)
    plan.allowsNonRealTime = !command.strict
    plan.log = try logPath(command, plan: plan, configuration: configuration)
    if let compression = configuration?.log.compression {
      plan.recorderOptions.compression = compression == .none ? .none : (compression == .lz4 ? .lz4 : .zstd)
    }
    return plan
  }

  /// What `evaluate` and the benchmarks share with `run`.
  static func plan(_ options: SimulationOptions, configuration: RobotConfiguration?) throws -> SessionPlan {
    guard let taskName = options.task ?? (configuration == nil ? nil : configuration?.task) else {
      if let configuration {
        // A wrong arm has no task either, and is the mistake to name.
        _ = try checkingInput { try ArmProfile.named(configuration.arm) }
        throw InputError(
          "the configuration names no task; give --task (\(TaskDefinition.shipped.joined(separator: ", ")), or a YAML "
            + "file), or 'task:' in the file")
      }
      throw InputError(
        "no task: give --task (\(TaskDefinition.shipped.joined(separator: ", ")), or a YAML file) or --config")
    }
    let task = try checkingInput { try TaskDefinition.named(taskName) }
    guard let policy = options.policy ?? configuration?.policy ?? shippedPolicy(for: task.name) else {
      throw InputError(
        "no policy: none ships for task '\(task.name)'; give --policy (a bundle folder or an .onnx file trained on it)")
    }
    var perturbations = Perturbations()
    if let node = configuration?.simulation.perturbations {
      perturbations = try checkingInput { try Perturbations(node) }
    }
    if !options.perturbations.isEmpty {
      perturbations = try checkingInput { try Perturbations.parse(options.perturbations) }
    }
    var plan = SessionPlan(task: task, policy: policy, perturbations: perturbations)
    plan.model = options.model ?? configuration?.simulation.model
    plan.profile = options.profile ?? (options.model == nil && options.task == nil ? configuration?.arm : nil)
    plan.servo = options.servo ?? configuration?.simulation.servo
    plan.limitOverrides = configuration?.safetyLimits ?? []
    plan.controlRate = options.controlRate ?? configuration?.controlRate
    plan.physicsTimestep = options.physicsTimestep
    plan.seed = options.seed ?? configuration?.seed ?? 0
    plan.selection = options.sample || configuration?.sampling == .sample ? .sample : .mean
    plan.interpolation = options.interpolation ?? .hold
    plan.policyPlacement = options.policyPlacement ?? .automatic
    plan.programVersion = ProgramVersion.version
    plan.gitRevision = ProgramVersion.gitRevision
    return plan
  }

  /// The whole loop as the benchmarks run it: Reacher with the shipped policy, one control tick per policy step at `rate`.
  static func benchmarkPlan(rate: Double) throws -> SessionPlan {
    var task = try checkingInput { try TaskDefinition.named("reacher-v5") }
    task.stepDuration = 1 / rate
    var plan = SessionPlan(task: task, policy: "reacher-sb3", perturbations: Perturbations())
    plan.physicsTimestep = 1 / rate
    plan.selection = .sample
    plan.programVersion = ProgramVersion.version
    plan.gitRevision = ProgramVersion.gitRevision
    return plan
  }

  private static func realTime(_ command: RunCommand, _ configuration: RobotConfiguration?) -> RealTimeSettings {
    let given = configuration?.realTime
    let priority = command.priority ?? given?.priority ?? 80
    return RealTimeSettings(
      priority: priority == 0 ? nil : priority, processor: command.cpu ?? given?.processor,
      locksMemory: given?.lockMemory ?? true)
  }

  private static func logPath(
    _ command: RunCommand, plan: SessionPlan, configuration: RobotConfiguration?
  ) throws -> String? {
    if command.noLog { return nil }
    if let path = command.log { return path }
    if let configuration, !configuration.log.isEnabled { return nil }
    let folder = configuration?.log.folder ?? "logs"
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    // To the millisecond: runs in simulated time, and two at once, begin in the same second.
    formatter.dateFormat = "yyyy-MM-dd'T'HH-mm-ss-SSS"
    return "\(folder)/\(plan.task.name)-\(formatter.string(from: Date())).mcap"
  }
}
