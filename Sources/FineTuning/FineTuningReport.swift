/// What fine-tuning did and found, for people: as text and as one page that needs nothing else.
public struct FineTuningReport: Sendable {
  private let result: FineTuningResult

  public init(_ result: FineTuningResult) { self.result = result }

  private var kinds: [(String, Int)] {
    RowKind.allCases.map { ($0.text, result.examined.data.count(of: $0)) }.filter { $0.1 > 0 }
  }

  private func interval(_ x: Interval, _ digits: Int = 4) -> String {
    "\(decimal(x.mean, digits)) (\(decimal(x.low, digits)) to \(decimal(x.high, digits)))"
  }

  private var figures: [(name: String, value: String)] {
    let (data, verdict, record) = (result.examined.data, result.verdict, result.record)
    let percent = decimal(result.plan.options.confidence * 100, 1)
    var rows = [
      ("policy", "\(result.examined.policy.description.name) (\(result.examined.policy.description.hash.prefix(12)))"),
      (
        "data",
        "\(data.count) rows in \(data.episodes.count) episodes of \(result.examined.logs.count) "
          + (result.examined.logs.count == 1 ? "log" : "logs")
          + ", mean return \(decimal(result.examined.meanReturn, 3))"
      ),
      ("rows", kinds.map { "\($0.1) \($0.0)" }.joined(separator: ", ")),
      ("critic", "explains \(decimal((record.explained.last ?? .nan) * 100, 1)) % of the targets' variance"),
    ]
    if let last = result.final {
      rows += [
        (
          "update",
          "\(record.steps) gradient steps, \(decimal(last.epoch, 2)) epochs; \(record.ending)"
        ),
        (
          "distance",
          "KL \(decimal(last.kl, 5)) nats of \(decimal(result.plan.options.klLimit, 5)), effective sample size "
            + "\(decimal(last.sampleSize * 100, 1)) %, \(decimal(last.clipFraction * 100, 1)) % beyond the clip"
        ),
      ]
    }
    rows += [
      (
        "held out",
        "KL \(decimal(verdict.heldOutKL, 5)) nats, effective sample size \(decimal(verdict.heldOutSampleSize * 100, 1)) %"
      ),
      (
        "calibration",
        "the old policy is estimated at \(decimal(verdict.estimated, 4)), the log earned \(interval(verdict.logged))"
      ),
      ("improvement", "\(interval(verdict.improvement)), \(percent) % interval, doubly robust"),
      ("by fitted Q", interval(verdict.fitted)), ("first order", interval(verdict.surrogate)),
      ("gate", verdict.text),
    ]
    return rows
  }

  /// Lines for a terminal.
  public var text: String {
    let rows = figures + [("new policy", result.bundle ?? "none")]
    let width = rows.map(\.0.count).max() ?? 0
    return rows.map { $0.0 + String(repeating: " ", count: width - $0.0.count + 2) + $0.1 }.joined(separator: "\n")
  }

  /// A page with its pictures in it.
  public var html: String {
    let record = result.record
    let options = result.plan.options
    func table(_ header: [String], _ rows: [[String]]) -> String {
      let head = header.isEmpty ? "" : "<tr>" + header.map { "<th>\(Plot.escaped($0))</th>" }.joined() + "</tr>"
      let body = rows.map { "<tr>" + $0.map { "<td>\(Plot.escaped($0))</td>" }.joined() + "</tr>" }
      return "<table>\(head)\(body.joined(separator: "\n"))</table>"
    }
    func series(_ name: String, _ color: String, _ value: (UpdateCheck) -> Double) -> Plot.Series {
      Plot.Series(name: name, color: color, points: record.checks.map { ($0.epoch, value($0)) })
    }
    let logs = result.examined.logs.map { log in
      [
        log.path, String(log.sha256.prefix(16)), "\(log.rows)", "\(log.episodes)", "\(log.skippedEpisodes)",
        "\(log.discardedEpisodes)",
        "\(Float(log.largestDifference)) of \(Float(log.tolerance))", log.perturbations,
      ]
    }
    let plots = [
      Plot.intervals(
        "Estimated improvement per episode", x: "discounted return, new minus old",
        [
          ("doubly robust", result.verdict.improvement), ("fitted Q", result.verdict.fitted),
          ("first order", result.verdict.surrogate),
        ]),
      Plot.lines(
        "KL from the behaviour policy", x: "epochs", [series("KL", "#2b6cb0") { $0.kl }], limit: options.klLimit),
      Plot.lines(
        "Effective sample size", x: "epochs", [series("share", "#2f855a") { $0.sampleSize }],
        limit: options.sampleSizeLimit),
      Plot.lines(
        "Surrogate and clip", x: "epochs",
        [
          series("mean ρA", "#2b6cb0") { $0.surrogate },
          series("clipped", "#dd6b20") { $0.clipFraction },
        ]),
      Plot.lines(
        "Critic before the first update", x: "passes",
        [
          Plot.Series(
            name: "explained variance", color: "#6b46c1",
            points: record.explained.enumerated().map { (Double($0 + 1), $1) })
        ]), Plot.histogram("Importance ratios at the end", x: "ρ", record.ratios, in: 0...2, bins: 40),
    ]
    return """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>Fine-tuning report</title>
      <style>
      body { font: 15px/1.5 sans-serif; max-width: 1060px; margin: 2em auto; padding: 0 1em; color: #222 }
      table { border-collapse: collapse; margin: .6em 0 } td, th { text-align: left; padding: .2em .8em .2em 0; vertical-align: top }
      th { border-bottom: 1px solid #999 } .verdict { padding: .6em 1em; border-left: 6px solid \
      \(result.verdict.isAccepted ? "#2f855a" : "#c53030"); background: #f6f6f6 } svg { margin: .3em }
      </style></head><body>
      <h1>Fine-tuning report</h1>
      <p class="verdict">\(Plot.escaped(result.verdict.text))</p>
      \(table([], figures.map { [$0.name, $0.value] }))
      \(plots.joined(separator: "\n"))
      <h2>Logs</h2>
      \(table(["log", "SHA-256", "rows", "episodes", "left out", "thrown away", "largest |Δ log π|", "perturbations"], logs))
      <h2>Settings</h2>
      \(table([], Self.settings(options)))
      </body></html>

      """
  }

  private static func settings(_ x: FineTuningOptions) -> [[String]] {
    let values: [Any] = [
      x.gamma, x.lambda, x.clipRange, x.epochs, x.batchSize, x.parameters.rawValue, x.criticBatchSize, x.learningRate,
      x.criticLearningRate,
      x.criticEpochs, x.criticFolds, x.movesLogDeviation ? "free" : "fixed", x.pessimism,
      x.maximumGradientNorm, x.entropyCoefficient, x.klPenalty, x.imitation, x.klLimit, x.sampleSizeLimit, x.folds,
      x.gateRule.rawValue, x.gateLambda, x.gateIterations, x.confidence, x.minimumEpisodes, x.minimumRows,
    ]
    return zip(FineTuningOptions.names, values).map { [$0.name, "\($1)", $0.meaning] } + [["seed", "\(x.seed)", ""]]
  }
}
