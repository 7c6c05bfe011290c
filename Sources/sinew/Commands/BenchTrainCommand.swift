import ArgumentParser
import Learning
import Training

/// `sinew bench train`: time of a PPO minibatch against the processor's peak, and steps per second of whole training.
struct BenchTrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Time PPO minibatches and whole training on Reacher-v5.",
    discussion: """
      A minibatch is everything PPO does again and again: gather the rows, both networks forward and backward, losses and \
      figures, gradient norm, Adam. The share is that of the multiply-add peak measured in the same rounds. Training is \
      8 environments × 256 steps, 10 epochs of 64 rows, 2 × 64 tanh. tools/compare-sb3 runs Stable-Baselines3 beside it. \
      Meaningful in a release build only, on a quiet machine.

      Examples:
        sinew bench train
        sinew bench train --steps 0 --rounds 200 --json

      Exit codes: 0 success; 1 training failed; 2 wrong input.
      """)

  @Option(help: "Rounds per size; more find a better minimum.")
  var rounds = 50

  @Option(help: "Environment steps of the training run; 0 leaves it out.")
  var steps = 40_960

  @Option(help: "Threads that step the environments.")
  var threads = 1

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard (1...100_000).contains(rounds), (0...1_000_000_000).contains(steps), (1...1024).contains(threads) else {
      throw ValidationError("--rounds and --threads must be at least 1, --steps at least 0.")
    }
  }

  mutating func run() throws {
    var progress = ProgressLine()
    let count = rounds
    let rows = try checkingInput {
      try TrainingBenchmark.run(rounds: count) { progress.show($0 * 0.8, "timing minibatches") }
    }
    var result: TrainingResult?
    if steps > 0 {
      let total = Double(steps)
      let session = try checkingInput {
        try TrainingSession(
          TrainingPlan(
            yaml: "task: reacher-v5\ntotal_timesteps: \(steps)\neval_freq: 0\nn_eval_episodes: 1\n", file: "bench",
            threads: threads), folder: nil)
      }
      do {
        result = try session.run { progress.show(0.8 + 0.2 * Double($0.report.steps) / total, "training") }
      } catch {
        throw RunFailure("\(error)")
      }
    }
    progress.finish()
    let output = BenchTrainOutput(rows, result)
    if json { try printJSON(output) } else { print(output.text) }
  }
}

/// The figures, as JSON and as a table.
struct BenchTrainOutput: Encodable {
  struct Row: Encodable {
    let network: String
    let batch_size: Int
    let min_us: Double
    let median_us: Double
    let gigaflops: Double
    let share_of_peak: Double
  }
  let minibatches: [Row]
  let peak_gigaflops: Double
  let training_steps: Int?
  let collect_seconds: Double?
  let update_seconds: Double?
  let steps_per_second: Double?

  init(_ rows: [TrainingBenchmark.Row], _ result: TrainingResult?) {
    minibatches = rows.map {
      Row(
        network: $0.network, batch_size: $0.batchSize, min_us: $0.minimum * 1e-3, median_us: $0.median * 1e-3,
        gigaflops: $0.operations / $0.minimum, share_of_peak: $0.share)
    }
    peak_gigaflops = (rows.map(\.peak).max() ?? 0) * 1e-9
    training_steps = result?.steps
    collect_seconds = result?.collectSeconds
    update_seconds = result?.updateSeconds
    steps_per_second = result.map { Double($0.steps) / ($0.collectSeconds + $0.updateSeconds) }
  }

  var text: String {
    var table = TextTable(header: ["network", "rows", "min µs", "median µs", "GFLOP/s", "of the peak"])
    for row in minibatches {
      table.add([
        row.network, "\(row.batch_size)", Format.fixed(row.min_us, 1), Format.fixed(row.median_us, 1),
        Format.fixed(row.gigaflops, 1), Format.fixed(row.share_of_peak * 100, 0) + " %",
      ])
    }
    var lines = [table.text, "multiply-add peak \(Format.fixed(peak_gigaflops, 1)) GFLOP/s, one core"]
    if let training_steps, let steps_per_second, let collect_seconds, let update_seconds {
      lines.append(
        "Reacher-v5, \(training_steps) steps: \(Format.fixed(steps_per_second, 0)) steps/s "
          + "(\(Format.fixed(collect_seconds, 2)) s rollouts, \(Format.fixed(update_seconds, 2)) s updates)")
    }
    return lines.joined(separator: "\n")
  }
}
