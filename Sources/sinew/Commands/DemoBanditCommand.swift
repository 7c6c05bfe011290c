import ArgumentParser
import Learning

/// `sinew demo bandit`: the textbook's one-dimensional policy gradient.
struct DemoBanditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bandit",
    abstract: "Show REINFORCE on one action, with and without a baseline.",
    discussion: """
      One action, a hidden target, reward −(a − target)² plus noise. The policy is a bell curve whose middle learns: every \
      sample with a positive weight (green o) pulls it, every one with a negative weight (orange x) pushes it away. Both \
      estimators see the same random numbers. They take the same walk on average; without a baseline the updates are larger \
      and noisier, and with growing steps (--rate) they diverge first: --sweep counts it over many seeds.

      In a terminal the picture follows the window's size, from 50 columns and 12 rows on, and q leaves; with --step the \
      space bar or return makes each update.

      Examples:
        sinew demo bandit
        sinew demo bandit --deviation 0.4 --rate 0.05 --seed 3
        sinew demo bandit --step
        sinew demo bandit --sweep --seeds 1000

      Exit codes: 0 success; 2 wrong input.
      """)

  @Option(help: "σ: the policy's standard deviation.")
  var deviation = 1.0

  @Option(help: "α: the learning rate. Default: 0.02; --sweep has its own.")
  var rate: Double?

  @Option(help: "The hidden target, −5 to 5.")
  var target = 2.0

  @Option(help: "Where the policy's mean starts, −5 to 5.")
  var start = -3.0

  @Option(help: "Standard deviation of the reward's noise.")
  var noise = 0.5

  @Option(name: .customLong("reward-offset"), help: "Added to every reward; try -20.")
  var rewardOffset = 0.0

  @Option(name: .customLong("baseline-rate"), help: "β: how fast the running-mean baseline follows the rewards.")
  var baselineRate = 0.2

  @Option(help: "Updates of each estimator.")
  var steps = 400

  @Option(help: "Seed; with --sweep the first one.")
  var seed: UInt64 = 0

  @Option(help: "Which curve and samples are drawn: on (with the baseline) or off. Default: on.")
  var baseline: Choice?

  @Flag(help: "In a terminal: wait for a key between updates; q leaves.")
  var step = false

  @Flag(help: "Print a table over learning rates and many seeds instead.")
  var sweep = false

  @Option(help: "Seeds of the sweep. Default: 1000.")
  var seeds: Int?

  enum Choice: String, ExpressibleByArgument, CaseIterable { case on, off }

  func validate() throws {
    let range = BanditOptions.range
    for (name, value) in [("target", target), ("start", start)] where !range.contains(value) {
      throw ValidationError("--\(name) must be between -5 and 5, found \(value).")
    }
    for (name, value) in [("deviation", deviation), ("rate", rate ?? BanditOptions().rate)]
    where !(value >= 1e-3 && value <= 10) {
      throw ValidationError("--\(name) must be between 0.001 and 10, found \(value).")
    }
    guard noise >= 0, noise <= 100, rewardOffset.magnitude <= 1e6, (0...1).contains(baselineRate) else {
      throw ValidationError("--noise must be 0 to 100, --reward-offset at most 1000000, --baseline-rate 0 to 1.")
    }
    guard (1...1_000_000).contains(steps), (1...100_000).contains(seedCount) else {
      throw ValidationError("--steps must be between 1 and 1000000, --seeds between 1 and 100000.")
    }
    guard sweep else {
      guard seeds == nil else { throw ValidationError("--seeds is for --sweep; one picture has one --seed.") }
      return
    }
    let drawn = [("rate", rate != nil), ("step", step), ("baseline", baseline != nil)].filter(\.1).map { "--\($0.0)" }
    guard drawn.isEmpty else {
      throw ValidationError(
        "--sweep prints a table over learning rates of its own, with and without the baseline: leave out "
          + "\(drawn.joined(separator: " and ")), or leave out --sweep for one picture.")
    }
  }

  private var seedCount: Int { seeds ?? 1000 }

  private var options: BanditOptions {
    var options = BanditOptions()
    options.deviation = deviation
    if let rate { options.rate = rate }
    options.target = target
    options.start = start
    options.noise = noise
    options.rewardOffset = rewardOffset
    options.baselineRate = baselineRate
    options.steps = steps
    options.seed = seed
    options.clipsActions = !sweep
    return options
  }

  mutating func run() throws {
    guard !sweep else {
      print(sweepTable())
      return
    }
    var view = BanditView(options, drawsBaseline: baseline != .off)
    guard LiveTable.isPossible else {
      for _ in 0..<steps { view.advance() }
      print(view.frame(colors: false, in: .usual))
      return
    }
    try StopSignals.hear()
    var screen = BanditScreen(waits: step)
    defer { screen.finish() }
    for index in 0..<steps {
      view.advance()
      guard screen.show(view, isLast: index == steps - 1) else { break }
    }
  }

  private func sweepTable() -> String {
    var table = TextTable(header: [
      "rate", "diverged", "with baseline", "early sd", "with baseline", "late sd", "with baseline", "variance ratio",
      "late", "median steps", "with baseline",
    ])
    var progress = ProgressLine()
    for (index, rate) in BanditSweep.rates.enumerated() {
      progress.show(Double(index) / Double(BanditSweep.rates.count), "rate \(rate)")
      let row = BanditSweep.row(options, rate: rate, seeds: seedCount)
      func percent(_ share: Double) -> String { Format.fixed(share * 100, 1) + " %" }
      func steps(_ count: Int?) -> String { count.map { "\($0)" } ?? "–" }
      func fixed(_ value: Double?, _ decimals: Int) -> String { value.map { Format.fixed($0, decimals) } ?? "–" }
      table.add([
        "\(rate)", percent(row.plain.diverged), percent(row.baseline.diverged),
        fixed(row.plain.earlyDeviation, 3), fixed(row.baseline.earlyDeviation, 3),
        fixed(row.plain.lateDeviation, 3), fixed(row.baseline.lateDeviation, 3),
        fixed(row.earlyRatio, 1), fixed(row.lateRatio, 1), steps(row.plain.medianSteps),
        steps(row.baseline.medianSteps),
      ])
    }
    progress.finish()
    return table.text
      + """

      \(seedCount) seeds from \(seed) on, \(steps) steps; early: updates of steps 2 to 21, late: of
      the last 100; median steps to within 0.5 of the target.
      Deviations and variance ratios: of the seeds that did not diverge, each column
      of its own. Where many diverged the quiet ones are left, and the ratio is too
      small. A dash: no seed is left, or fewer than half came near the target.
      """
  }
}
