import ArgumentParser
import CSystem
import Configuration
import Foundation
import Learning
import Training

/// `sinew train`: trains a policy in simulation.
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a policy in simulation and make a bundle of it.",
    discussion: """
      Settings come from a YAML file (--config) and from options, which win. What --set takes depends on the algorithm and \
      has the names and defaults of Stable-Baselines3: learning_rate, n_steps, batch_size, gamma … ; networks: net_arch, \
      activation_fn (tanh, relu, elu, silu), log_std (state_independent, state_dependent), log_std_init, squash; with ppo a \
      recurrent layer in front of policy and critic: rnn_type (gru, lstm), rnn_hidden_dim, and rnn_sequence_length, the \
      steps that gradients go back in time. A wrong name is answered with the right ones.

      --set also takes, as does the YAML file's top level: eval_freq (25000; 0: at the end only), n_eval_episodes (50), \
      checkpoint_interval (iterations), normalize_observation, normalize_reward. A file's list 'perturbations' is merged \
      with --perturb by name.

      Algorithms: ppo, a2c, trpo, reinforce (baseline: none, running_mean, learned), actor-critic (n_steps: 1, 5 …); with \
      a deterministic policy and a replay buffer ddpg and td3 (buffer_size, learning_starts, tau, action_noise: none, \
      normal, ornstein_uhlenbeck; one environment unless --envs says otherwise).

      A task is played as 'sinew run' plays it, safety core and limits included, so the evaluation at the end is that of \
      'sinew evaluate --seed 10000 --episodes 50' with the same --perturb (n_eval_episodes is 50 unless set).

      The folder --output gets settings.yaml, checkpoint.bin, curve.csv, curve.svg and, at the end, curve.png and policy/, \
      which 'sinew run' and 'sinew evaluate' take. The same settings and seed give the same policy, whatever --threads says. \
      Ctrl-C keeps a checkpoint; --resume continues it, also after a crash, bit for bit.

      Examples:
        sinew train --task reacher-v5 --steps 300000 --seed 1 --output runs/reacher
        sinew train --task pendulum-v1 --algorithm trpo --set gamma=0.95
        sinew train --task reacher-v5 --set rnn_type=gru --set rnn_hidden_dim=64
        sinew train --task reach --perturb payload=0..0.1 --perturb gain=0.7..1
        sinew train --config training.yaml --threads 2
        sinew train --resume runs/reacher
        sinew evaluate --task reacher-v5 --policy runs/reacher/policy

      Exit codes: 0 success; 1 training failed or was stopped, its last checkpoint is kept; 2 wrong input, nothing written.
      """)

  @Option(help: "Task: a shipped name (reacher-v5, reach, reach-hobby6), a YAML file, or pendulum-v1.")
  var task: String?

  @Option(help: "Algorithm: ppo, a2c, trpo, reinforce, actor-critic, ddpg or td3. Default: ppo.")
  var algorithm: AlgorithmName?

  @Option(help: "Environment steps in all. Default: 100000.")
  var steps: Int?

  @Option(help: "Environments side by side. Default: 8; 1 for ddpg and td3.")
  var envs: Int?

  @Option(help: "Threads that step the environments; changes nothing but the time. Default: 1.")
  var threads: Int?

  @Option(help: "Seed of everything random. Default: 0.")
  var seed: UInt32?

  @Option(name: .customLong("set"), help: ArgumentHelp("A setting; may be repeated.", valueName: "name=value"))
  var settings: [String] = []

  @Option(
    name: .customLong("perturb"),
    help: ArgumentHelp(
      "A departure of the simulator from nominal, as name=value, or name=low..high to draw another one for every episode; may be repeated. 'sinew list perturbations' names them.",
      valueName: "name=value"))
  var perturbations: [String] = []

  @Option(help: "Settings as YAML: task, algorithm, total_timesteps, n_envs, seed, parameters: {learning_rate: …}.")
  var config: String?

  @Option(help: "Folder of the run's files. Default: runs/TASK-ALGORITHM-SEED.")
  var output: String?

  @Option(help: "Continue the run in this folder.")
  var resume: String?

  @Flag(help: "Print one JSON object at the end.")
  var json = false

  func validate() throws {
    try refuseEmpty(["task": task, "config": config, "output": output, "resume": resume])
    for (name, value) in [("steps", steps), ("envs", envs), ("threads", threads)] {
      guard value.map({ $0 >= 1 }) ?? true else { throw ValidationError("--\(name) must be at least 1.") }
    }
    if resume != nil {
      guard task == nil, algorithm == nil, steps == nil, envs == nil, seed == nil, settings.isEmpty, config == nil,
        output == nil, perturbations.isEmpty
      else { throw ValidationError("--resume takes everything but --threads from the run it continues.") }
    }
  }

  mutating func run() throws {
    let (plan, folder) = try checkingInput { try makePlan() }
    let session = try checkingInput { try makeSession(plan, folder) }
    sinew_clear_stop_requests()
    _ = sinew_install_stop_signals()
    var progress = ProgressLine()
    let result: TrainingResult
    do {
      result = try session.run(resumes: resume != nil) { status in
        if !status.warnings.isEmpty { progress.finish() }
        for warning in status.warnings { printError("warning: \(warning)") }
        progress.show(Double(status.report.steps) / Double(status.totalSteps), TrainingLine.text(status))
      }
    } catch let error as LearningError where error.code != .setting {
      progress.finish()
      throw RunFailure(error.description)
    } catch {
      progress.finish()
      throw InputError("\(error)")
    }
    progress.finish()
    if result.signal != 0 {
      throw RunFailure(
        "stopped by \(RunSummary.signalName(result.signal)) after \(result.stepCount) of \(plan.totalSteps) "
          + "steps; continue with sinew train --resume \(folder)")
    }
    let summary = TrainingOutput(plan: plan, result: result)
    if json { try printJSON(summary) } else { print(summary.text) }
  }

  private func makePlan() throws -> (TrainingPlan, String) {
    if let resume {
      let yaml = try TrainingSession.settings(of: resume)
      return (try TrainingPlan(yaml: yaml, file: resume + "/settings.yaml", threads: threads ?? 1), resume)
    }
    let yaml = try mergedSettings()
    let plan = try TrainingPlan(yaml: yaml, file: config ?? "settings", threads: threads ?? 1)
    try plan.refuseIdleSettings()
    try plan.refuseUnknownTask()
    let name = (plan.task.split(separator: "/").last.map(String.init) ?? plan.task).replacing(".yaml", with: "")
    return (plan, output ?? "runs/\(name)-\(plan.algorithm.rawValue)-\(plan.options.seed)")
  }
}

extension AlgorithmName: ExpressibleByArgument {}

/// The live line of a training run.
enum TrainingLine {
  static func text(_ status: TrainingStatus) -> String {
    let report = status.report
    let seconds = report.collectSeconds + report.updateSeconds
    var parts = ["\(report.steps) steps"]
    func add(_ name: String, _ value: Double, _ decimals: Int) {
      if value.isFinite { parts.append("\(name) \(Format.fixed(value, decimals))") }
    }
    add("return", report.meanReturn, 2)
    add("length", report.meanLength, 0)
    if let evaluation = status.evaluation { add("evaluation", evaluation.mean, 2) }
    if seconds > 0 { add("steps/s", Double(report.iterationSteps) / seconds, 0) }
    add("KL", report.figures.klEstimate, 4)
    add("clipped", report.figures.clipFraction, 2)
    add("explained", report.explainedVariance, 2)
    add("entropy", report.figures.entropy, 2)
    return parts.joined(separator: ", ")
  }
}

/// What a training run came to, as JSON and as text.
struct TrainingOutput: Encodable {
  let task: String
  let algorithm: String
  let seed: UInt64
  let steps: Int
  /// Whether the run had come to its end before.
  let was_finished: Bool
  let training_mean_return: Double
  let evaluation_mean_return: Double
  let evaluation_standard_deviation: Double
  /// nil where the task has no success.
  let evaluation_success_rate: Double?
  let evaluation_episodes: Int
  let collect_seconds: Double
  let update_seconds: Double
  let steps_per_second: Double
  let policy: String

  init(plan: TrainingPlan, result: TrainingResult) {
    task = plan.task
    algorithm = plan.algorithm.rawValue
    seed = plan.options.seed
    steps = result.stepCount
    was_finished = result.wasFinished
    training_mean_return = result.meanReturn
    evaluation_mean_return = result.evaluation?.mean ?? .nan
    evaluation_standard_deviation = result.evaluation?.standardDeviation ?? .nan
    evaluation_success_rate = plan.task == TrainingPlan.pendulum ? nil : result.evaluation?.successRate
    evaluation_episodes = result.evaluation?.returns.count ?? 0
    collect_seconds = result.collectSeconds
    update_seconds = result.updateSeconds
    let seconds = result.collectSeconds + result.updateSeconds
    steps_per_second = seconds > 0 ? Double(result.steps) / seconds : 0
    policy = result.policy ?? ""
  }

  private var success: String {
    evaluation_success_rate.map { ", \(Format.fixed(100 * $0, 1)) % success" } ?? ""
  }

  var text: String {
    """
    task \(task), \(algorithm), seed \(seed), \(steps) steps\(was_finished ? ": was finished already" : "")
    training       \(Format.fixed(training_mean_return, 2)) mean return of the last 100 episodes
    evaluation     \(Format.fixed(evaluation_mean_return, 2)) mean return of \(evaluation_episodes) episodes, mean policy \
    (standard deviation \(Format.fixed(evaluation_standard_deviation, 2))\(success))
    \(speed)policy         \(policy)
    """
  }

  /// A line, unless nothing was done.
  private var speed: String {
    guard !was_finished else { return "" }
    return "speed          \(Format.fixed(steps_per_second, 0)) steps/s "
      + "(\(Format.fixed(collect_seconds, 2)) s rollouts, "
      + "\(Format.fixed(update_seconds, 2)) s updates)\n"
  }
}
