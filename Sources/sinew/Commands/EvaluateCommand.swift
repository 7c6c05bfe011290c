import ArgumentParser
import Foundation
import Sessions

/// `sinew evaluate`: episodes in simulated time, mean return with its standard error, success rate.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure a policy on a task in simulated time.",
    discussion: """
      Runs whole episodes through the control loop and the safety core, as fast as the machine can, with the policy's \
      mean action unless --sample is given. The same seed gives the same figures.

      Examples:
        sinew evaluate --task reacher-v5 --policy reacher-sb3 --episodes 1000
        sinew evaluate --task reacher-v5 --policy policy.onnx --seed 7 --json
        sinew evaluate --task reacher-v5 --episodes 100 --perturb latency=0.02

      Exit codes: 0 success; 1 the run failed, was stopped before its last episode, or its log could not be written; \
      2 wrong input; 3 the log is lossy (records were dropped).
      """)

  @OptionGroup var simulation: SimulationOptions

  @Option(help: "Number of episodes.")
  var episodes = 100

  @Option(help: "Write a log (MCAP) of all transitions to this file.")
  var log: String?

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try refuseEmpty(["log": log])
    guard episodes >= 1, episodes <= 10_000_000 else {
      throw ValidationError("--episodes must be between 1 and 10000000, found \(episodes).")
    }
  }

  mutating func run() throws {
    var plan = try SessionPlanning.plan(simulation, configuration: nil)
    plan.episodes = episodes
    plan.log = log
    plan.clock = .virtual
    let session = try checkingInput { try SimulatedSession(plan) }
    for note in session.summary.notes { printError("note: \(note)") }
    var progress = ProgressLine()
    let total = Double(episodes)
    let report = try session.runBlocking { status in
      progress.show(
        Double(status.statistics.count) / total,
        "\(status.statistics.count) of \(Format.count(Int(total), "episode")), mean return \(Format.fixed(status.statistics.meanReturn, 3))"
      )
    }
    progress.finish()
    for note in session.takeNotes() { printError(note) }
    try RunSummary.failIfFaulted(report)
    let result = EvaluationOutput(plan: plan, report: report)
    if json {
      try printJSON(result)
    } else {
      print(result.text)
    }
    if report.ending == .stopped {
      throw RunFailure(
        "stopped by \(RunSummary.signalName(report.signal)) after \(report.statistics.count) of \(Format.count(episodes, "episode"))"
      )
    }
    try RunSummary.failIfLossy(report)
  }
}

/// The figures of an evaluation, as JSON and as text.
struct EvaluationOutput: Encodable {
  let task: String
  let policy: String
  let seed: UInt64
  let episodes: Int
  /// Not a number, which is null, when no episode came to its end; so are those below.
  let mean_return: Double
  /// Of the mean return; nil for fewer than two episodes, which say nothing of the spread.
  let standard_error: Double?
  let standard_deviation: Double?
  let lowest_return: Double
  let highest_return: Double
  /// Nil when the task does not say what a success is.
  let success_rate: Double?
  let steps: Int
  let wall_seconds: Double
  let steps_per_second: Double

  init(plan: SessionPlan, report: RunReport) {
    let figures = report.statistics
    task = plan.task.name
    policy = plan.policy
    seed = plan.seed
    episodes = figures.count
    mean_return = figures.count > 0 ? figures.meanReturn : .nan
    standard_error = figures.count > 1 ? figures.standardError : nil
    standard_deviation = figures.count > 1 ? figures.standardDeviation : nil
    lowest_return = figures.count > 0 ? figures.lowestReturn : .nan
    highest_return = figures.count > 0 ? figures.highestReturn : .nan
    success_rate = plan.task.definesSuccess ? (figures.count > 0 ? figures.successRate : .nan) : nil
    steps = figures.stepCount
    wall_seconds = report.wallSeconds
    steps_per_second = report.wallSeconds > 0 ? Double(figures.stepCount) / report.wallSeconds : 0
  }

  private var spreadText: String {
    guard let standard_error, let standard_deviation else { return " (one episode: no standard error)" }
    return
      " ± \(Format.fixed(standard_error, 3)) (standard error; standard deviation \(Format.fixed(standard_deviation, 3)))"
  }

  var text: String {
    guard episodes > 0 else { return "task \(task), policy \(policy), seed \(seed)\nno episode was completed" }
    return """
      task \(task), policy \(policy), \(Format.count(episodes, "episode")), seed \(seed)
      mean return    \(Format.fixed(mean_return, 3))\(spreadText)
      range          \(Format.fixed(lowest_return, 3)) … \(Format.fixed(highest_return, 3))
      success rate   \(success_rate.map { Format.fixed($0 * 100, 1) + " %" } ?? "the task does not say what a success is")
      \(Format.count(steps, "policy step")) in \(Format.fixed(wall_seconds, 2)) s (\(Format.fixed(steps_per_second, 0)) steps/s)
      """
  }
}
