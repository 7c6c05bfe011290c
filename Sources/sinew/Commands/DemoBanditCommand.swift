import ArgumentParser
import CSystem
import Glibc
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

      Examples:
        sinew demo bandit
        sinew demo bandit --deviation 0.4 --rate 0.05 --seed 3
        sinew demo bandit --step
        sinew demo bandit --sweep --seeds 1000

      Exit codes: 0 success; 2 wrong input.
      """)

  @Option(help: "σ: the policy's standard deviation.")
  var deviation = 1.0

  @Option(help: "α: the learning rate.")
  var rate = 0.02

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

  @Option(help: "Which curve and samples are drawn: on (with the baseline) or off.")
  var baseline = Choice.on

  @Flag(help: "Wait for the return key between updates.")
  var step = false

  @Flag(help: "Print a table over learning rates and many seeds instead.")
  var sweep = false

  @Option(help: "Seeds of the sweep.")
  var seeds = 1000

  enum Choice: String, ExpressibleByArgument, CaseIterable { case on, off }

  func validate() throws {
    let range = BanditOptions.range
    for (name, value) in [("target", target), ("start", start)] where !range.contains(value) {
      throw ValidationError("--\(name) must be between -5 and 5, found \(value).")
    }
    for (name, value) in [("deviation", deviation), ("rate", rate)] where !(value >= 1e-3 && value <= 10) {
      throw ValidationError("--\(name) must be between 0.001 and 10, found \(value).")
    }
    guard noise >= 0, noise <= 100, rewardOffset.magnitude <= 1e6, (0...1).contains(baselineRate) else {
      throw ValidationError("--noise must be 0 to 100, --reward-offset at most 1000000, --baseline-rate 0 to 1.")
    }
    guard (1...1_000_000).contains(steps), (1...100_000).contains(seeds) else {
      throw ValidationError("--steps must be between 1 and 1000000, --seeds between 1 and 100000.")
    }
  }

  private var options: BanditOptions {
    var options = BanditOptions()
    options.deviation = deviation
    options.rate = rate
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
    var view = BanditView(options, drawsBaseline: baseline == .on)
    let isLive = isatty(STDOUT_FILENO) == 1
    for index in 0..<steps {
      view.advance()
      guard isLive else { continue }
      print("\u{1b}[H\u{1b}[2J" + view.frame(colors: true))
      fflush(nil)
      if step {
        guard readLine() != nil else { break }
      } else if index < steps - 1 {
        usleep(50_000)
      }
    }
    if !isLive { print(view.frame(colors: false)) }
  }

  private func sweepTable() -> String {
    var table = TextTable(header: [
      "rate", "diverged", "with baseline", "early sd", "with baseline", "late sd", "with baseline", "variance ratio",
      "late", "median steps", "with baseline",
    ])
    var progress = ProgressLine()
    for (index, rate) in BanditSweep.rates.enumerated() {
      progress.show(Double(index) / Double(BanditSweep.rates.count), "rate \(rate)")
      let row = BanditSweep.row(options, rate: rate, seeds: seeds)
      func percent(_ share: Double) -> String { Format.fixed(share * 100, 1) + " %" }
      func steps(_ count: Int?) -> String { count.map { "\($0)" } ?? "–" }
      table.add([
        "\(rate)", percent(row.plain.diverged), percent(row.baseline.diverged),
        Format.fixed(row.plain.earlyDeviation, 3), Format.fixed(row.baseline.earlyDeviation, 3),
        Format.fixed(row.plain.lateDeviation, 3), Format.fixed(row.baseline.lateDeviation, 3),
        Format.fixed(row.earlyRatio, 1), Format.fixed(row.lateRatio, 1), steps(row.plain.medianSteps),
        steps(row.baseline.medianSteps),
      ])
    }
    progress.finish()
    return table.text
      + "\n\(seeds) seeds from \(seed) on, \(self.steps) steps; early: updates of steps 2 to 21, late: of the last 100; median"
      + " steps to within 0.5 of the target"
  }
}

/// Both learners with what the screen shows of them.
struct BanditView {
  private let options: BanditOptions
  private let drawsBaseline: Bool
  private var plain: Bandit
  private var baseline: Bandit
  private var plainSteps: [BanditStep] = []
  private var baselineSteps: [BanditStep] = []
  private static var width: Int { 81 }

  init(_ options: BanditOptions, drawsBaseline: Bool) {
    self.options = options
    self.drawsBaseline = drawsBaseline
    plain = Bandit(options, baseline: .none)
    baseline = Bandit(options, baseline: .runningMean)
  }

  mutating func advance() {
    if !plain.hasDiverged { plainSteps.append(plain.step()) }
    if !baseline.hasDiverged { baselineSteps.append(baseline.step()) }
  }

  /// The screen: the bell curve over its samples, the walk of the mean, and how large the updates were.
  func frame(colors: Bool) -> String {
    let steps = drawsBaseline ? baselineSteps : plainSteps
    let mean = drawsBaseline ? baseline.mean : plain.mean
    var lines = [
      "bandit: target a* \(Format.fixed(options.target, 2)), mean μ \(Format.fixed(mean, 2)), deviation σ "
        + "\(Format.fixed(options.deviation, 2)), rate α \(Format.fixed(options.rate, 3)), baseline "
        + "\(drawsBaseline ? "on" : "off"), step \(max(plainSteps.count, baselineSteps.count)), seed \(options.seed)",
      "",
    ]
    lines += curve(mean: mean)
    lines.append(samples(steps.suffix(30), colors: colors))
    lines.append(axis(mean: mean))
    lines += ["", "walk of μ, from −5 to 5"]
    lines.append("  without baseline  " + strip(plainSteps.map(\.mean), from: -5, to: 5) + state(plain))
    lines.append("  running mean      " + strip(baselineSteps.map(\.mean), from: -5, to: 5) + state(baseline))
    let largest = (plainSteps + baselineSteps).map { abs($0.update) }.max() ?? 1
    lines.append("size of the updates, from 0 to \(Format.number(largest))")
    lines.append("  without baseline  " + strip(plainSteps.map { abs($0.update) }, from: 0, to: largest))
    lines.append("  running mean      " + strip(baselineSteps.map { abs($0.update) }, from: 0, to: largest))
    let ratio = Self.variance(plainSteps) / Self.variance(baselineSteps)
    if ratio.isFinite {
      lines.append("variance of the updates: \(Format.number(ratio)) times as large without a baseline")
    }
    return lines.joined(separator: "\n")
  }

  private func state(_ bandit: Bandit) -> String {
    bandit.hasDiverged ? "  diverged" : (bandit.isRailed ? "  stuck at the rail" : "")
  }

  private func column(_ x: Double) -> Int? {
    let place = Int(((x + 5) / 10 * Double(Self.width - 1)).rounded())
    return (0..<Self.width).contains(place) ? place : nil
  }

  private func curve(mean: Double) -> [String] {
    let levels = 6
    let heights = (0..<Self.width).map { index -> Double in
      let z = (Double(index) / Double(Self.width - 1) * 10 - 5 - mean) / options.deviation
      return sinew_exp(-0.5 * z * z) * Double(levels)
    }
    let blocks: [Character] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    return (0..<levels).reversed().map { level in
      String(heights.map { blocks[Int(min(max(($0 - Double(level)) * 8, 0), 8))] })
    }
  }

  private func samples(_ steps: ArraySlice<BanditStep>, colors: Bool) -> String {
    var cells = [String](repeating: " ", count: Self.width)
    for step in steps {
      guard let place = column(min(max(step.action, -5), 5)) else { continue }
      let mark = step.weight > 0 ? "o" : "x"
      cells[place] = colors ? "\u{1b}[38;5;\(step.weight > 0 ? 34 : 208)m\(mark)\u{1b}[0m" : mark
    }
    return cells.joined()
  }

  private func axis(mean: Double) -> String {
    var cells = [Character](repeating: "─", count: Self.width)
    for tick in -5...5 { column(Double(tick)).map { cells[$0] = "┴" } }
    column(options.target).map { cells[$0] = "*" }
    column(mean).map { cells[$0] = "μ" }
    return String(cells)
  }

  private func strip(_ values: [Double], from low: Double, to high: Double) -> String {
    let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    let shown = values.suffix(60)
    return String(shown.map { blocks[Int(min(max(($0 - low) / max(high - low, 1e-12) * 8, 0), 7))] })
  }

  private static func variance(_ steps: [BanditStep]) -> Double {
    guard steps.count > 1 else { return .nan }
    let mean = steps.reduce(0) { $0 + $1.update } / Double(steps.count)
    return steps.reduce(0) { $0 + ($1.update - mean) * ($1.update - mean) } / Double(steps.count - 1)
  }
}
