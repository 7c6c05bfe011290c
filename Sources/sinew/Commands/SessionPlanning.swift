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
    ["reacher-v5": "reacher-sb3", "reach": "reach", "reach-hobby6": "reach-hobby6"][task]
  }

  /// What `run` asks for.
  static func plan(for command: RunCommand) throws -> SessionPlan {
    let configuration = try command.config.map { path in try checkingInput { try RobotConfiguration.load(path: path) } }
    var plan = try plan(command.simulation, arm: command.hardware.arm, configuration: configuration)
    if let path = command.config {
      if let arm = plan.profile, command.simulation.profile == nil, command.hardware.arm == nil {
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
    plan.realTime = try realTime(command, configuration)
    plan.hearsEarlierStops = true
    plan.allowsNonRealTime = !command.strict
    plan.hardware = try hardware(
      command.hardware, configuration: configuration, profile: plan.profile,
      device: command.supervised ? command.device : nil)
    if plan.hardware == nil && command.unsupervised && !command.hardware.simulate {
      throw InputError(
        "--unsupervised is about a real arm, and none is asked for; name its port with --port, or leave it out")
    }
    if plan.hardware != nil {
      try refuseSimulationOptions(command)
      guard command.supervised || command.unsupervised else {
        throw InputError(
          "who is in charge of the arm? Add --supervised, and the policy moves it while a person with a gamepad holds "
            + "enable; or --unsupervised, and nobody does: keep the switch that cuts the motors' power within reach")
      }
      plan.hardware?.isUnsupervised = command.unsupervised
      plan.clock = .monotonic
      plan.perturbations = Perturbations()
      plan.servo = nil
      plan.physicsTimestep = nil
      plan.hardware?.asksAfterInterruption = !command.hardware.yes
      plan.allowsNonRealTime =
        !command.strict && (command.allowNonRealTime || configuration?.realTime.allowNonRealtime ?? false)
      try requireRealTime(plan)
    }
    plan.log = try logPath(command, plan: plan, configuration: configuration)
    if let compression = configuration?.log.compression {
      plan.recorderOptions.compression = compression == .none ? .none : (compression == .lz4 ? .lz4 : .zstd)
    }
    return plan
  }

  /// What `replay` asks for.
  static func plan(for command: ReplayCommand) throws -> SessionPlan {
    let recorded = try checkingInput { try ReplayLog(path: command.path, episode: command.episode) }
    var plan = try checkingInput { try recorded.plan(speed: command.speed) }
    if let arm = command.hardware.arm {
      let profile = try checkingInput { try ArmProfile.named(arm) }
      if let own = recorded.profile, own != profile.name {
        throw InputError("\(command.path): it was recorded on an arm '\(own)', not '\(profile.name)'; name that arm")
      }
      if recorded.profile == nil, command.model == nil, let model = profile.model, model != recorded.model {
        throw InputError(
          "\(command.path): it was recorded with the model '\(recorded.model)', arm '\(profile.name)' is a '\(model)'; "
            + "name the arm that it was recorded for")
      }
      plan.profile = arm
    } else if plan.profile == nil, ArmProfile.shipped.contains(recorded.model) {
      plan.profile = recorded.model
    }
    plan.model = command.model
    plan.programVersion = ProgramVersion.version
    plan.gitRevision = ProgramVersion.gitRevision
    plan.log = command.log
    plan.clock = .virtual
    plan.hearsEarlierStops = true
    plan.hardware = try hardware(command.hardware, configuration: nil, profile: plan.profile)
    if plan.hardware != nil {
      plan.clock = .monotonic
      plan.realTime = RealTimeSettings(priority: command.priority == 0 ? nil : command.priority)
      plan.allowsNonRealTime = command.allowNonRealTime
      plan.hardware?.asksAfterInterruption = !command.hardware.yes
      try requireRealTime(plan)
    }
    return plan
  }

  /// A real arm is driven in real time. Who does not even ask for it says so.
  static func requireRealTime(_ plan: SessionPlan) throws {
    guard !plan.allowsNonRealTime else { return }
    if plan.realTime.priority == nil {
      throw InputError(
        "--priority 0 drives a real arm without real time; leave it out, or add --allow-non-realtime, which the log will record"
      )
    }
    if !plan.realTime.locksMemory {
      throw InputError(
        "realtime.lock_memory: false drives a real arm without real time; leave it out, or add --allow-non-realtime, which the log will record"
      )
    }
  }

  /// What `evaluate` and the benchmarks share with `run`.
  static func plan(
    _ options: SimulationOptions, arm: String? = nil, configuration: RobotConfiguration?
  ) throws -> SessionPlan {
    if let arm, let profile = options.profile, arm != profile {
      throw InputError("--arm \(arm) and --profile \(profile) name two arms; give one of them")
    }
    let ownTask = arm.flatMap { RobotConfiguration.defaults(for: $0).task }
    guard let taskName = options.task ?? (configuration == nil ? nil : configuration?.task) ?? ownTask else {
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
    let task = try playableTask(named: taskName)
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
    plan.profile = options.profile ?? arm ?? (options.model == nil && options.task == nil ? configuration?.arm : nil)
    plan.servo = options.servo ?? configuration?.simulation.servo
    plan.limitOverrides = configuration?.safetyLimits ?? []
    plan.workspace = configuration?.workspace
    plan.checksSelfCollision = configuration?.checksSelfCollision
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

  /// The physical arm that is asked for, if one is. With `device`, what a person holds is what switches torque on.
  static func hardware(
    _ options: HardwareOptions, configuration: RobotConfiguration?, profile: String?,
    device: OperatorDeviceOptions? = nil
  ) throws -> HardwareSettings? {
    let given = configuration?.hardware
    guard !options.simulate, let port = options.port ?? given?.port else {
      let idle: [(String, Bool)] = [
        ("--calibration", options.calibration != nil), ("--baud", options.baud != nil),
        ("--exit", options.exit != nil), ("--on-crash", options.onCrash != nil),
        ("--on-unplug", options.onUnplug != nil), ("--yes", options.yes),
        ("--stall-periods", options.stallPeriods != nil),
      ]
      if let (name, _) = idle.first(where: { $0.1 }), !options.simulate {
        throw InputError(
          "\(name) is about a real arm, and none is asked for; name its port with --port, or leave it out")
      }
      return nil
    }
    guard let profile else {
      throw InputError(
        "--port needs the arm that is there: give --arm (\(ArmProfile.shipped.joined(separator: ", ")), or a YAML file)"
      )
    }
    guard let calibration = options.calibration ?? given?.calibration else {
      throw InputError(
        "the arm '\(profile)' on \(port) needs its calibration: give --calibration (a name in calibration/, or a file), "
          + "or make one with 'sinew calibrate'")
    }
    var settings = HardwareSettings(port: port, calibration: calibration)
    settings.baud = options.baud ?? given?.baud
    settings.exit = options.exit ?? given?.exit.flatMap { ArmExit(rawValue: $0.rawValue) } ?? .park
    settings.onCrash = options.onCrash ?? given?.onCrash.flatMap { CrashPolicy(rawValue: $0.rawValue) } ?? .hold
    settings.onUnplug = options.onUnplug ?? given?.onUnplug.flatMap { UnplugPolicy(rawValue: $0.rawValue) } ?? .end
    settings.stallPeriods = options.stallPeriods ?? given?.stallPeriods
    if let device {
      guard device.recording == nil || options.yes else {
        throw InputError(
          "--recording on a real arm moves it with nobody holding enable; give --yes where the arm may move by itself")
      }
      return settings
    }
    guard options.yes || OperatorPrompt.canAsk else {
      throw InputError(
        "torque is switched on by a person at the terminal, and standard input is none; run it in a terminal, or give "
          + "--yes where the arm may move by itself")
    }
    if settings.onUnplug == .wait && !OperatorPrompt.canAsk {
      throw InputError(
        "--on-unplug wait needs a person to switch torque on again, and standard input is no terminal; give --on-unplug end"
      )
    }
    return settings
  }

  /// What only a simulation can do.
  private static func refuseSimulationOptions(_ command: RunCommand) throws {
    let options = command.simulation
    let given: [(String, Bool)] = [
      ("--virtual", command.virtual), ("--perturb", !options.perturbations.isEmpty), ("--servo", options.servo != nil),
      ("--physics-timestep", options.physicsTimestep != nil),
    ]
    if let (name, _) = given.first(where: { $0.1 }) {
      throw InputError("\(name) is about a simulated arm, and --port names a real one; leave one of them out")
    }
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

  private static func realTime(
    _ command: RunCommand, _ configuration: RobotConfiguration?
  ) throws -> RealTimeSettings {
    let given = configuration?.realTime
    if command.cpu == nil, let processor = given?.processor, let problem = ProcessorOption.problem(processor) {
      throw InputError("\(command.config ?? "the configuration"): realtime.cpu: \(problem)")
    }
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
    return newLogPath(in: configuration?.log.folder ?? "logs", name: plan.task.name)
  }

  /// A log file that is not there yet, by its name and the time.
  static func newLogPath(in folder: String, name: String) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    // To the millisecond: runs in simulated time, and two at once, begin in the same second.
    formatter.dateFormat = "yyyy-MM-dd'T'HH-mm-ss-SSS"
    return "\(folder)/\(name)-\(formatter.string(from: Date())).mcap"
  }
}
