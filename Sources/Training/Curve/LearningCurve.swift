import Learning

/// A run's progress as numbers and as a picture: one CSV line per iteration, and an SVG of the returns.
struct LearningCurve: Sendable {
  static let header =
    "steps,episodes,mean_return,mean_length,eval_return,eval_success_rate,kl,clip_fraction,explained_variance,entropy,policy_loss,"
    + "value_loss,gradient_norm,steps_per_second"
  private(set) var lines: [String] = []

  init() {}

  /// The lines of an earlier part of the run, up to a step.
  init(csv: String, upTo steps: Int) {
    for line in csv.split(separator: "\n").dropFirst() {
      guard let first = line.split(separator: ",").first, let step = Int(first), step <= steps else { continue }
      lines.append(String(line))
    }
  }

  mutating func add(_ report: IterationReport, evaluation: EvaluationFigures?) {
    let figures = report.figures
    let seconds = report.collectSeconds + report.updateSeconds
    let numbers = [
      report.meanReturn, report.meanLength, evaluation?.mean ?? .nan, evaluation?.successRate ?? .nan,
      figures.klEstimate, figures.clipFraction, report.explainedVariance, figures.entropy, figures.policyLoss,
      figures.valueLoss, figures.gradientNorm,
      seconds > 0 ? Double(report.iterationSteps) / seconds : .nan,
    ]
    lines.append(
      "\(report.steps),\(report.episodes)," + numbers.map { $0.isNaN ? "" : "\(Float($0))" }.joined(separator: ","))
  }

  /// Puts an evaluation into the last line, in the place of another.
  mutating func note(_ evaluation: EvaluationFigures) {
    guard let last = lines.last else { return }
    var fields = last.split(separator: ",", omittingEmptySubsequences: false)
    for (column, value) in [("eval_return", evaluation.mean), ("eval_success_rate", evaluation.successRate)] {
      guard let place = Self.place(column), place < fields.count else { continue }
      fields[place] = value.isNaN ? "" : "\(Float(value))"
    }
    lines[lines.count - 1] = fields.joined(separator: ",")
  }

  private static func place(_ column: String) -> Int? { header.split(separator: ",").firstIndex { $0 == column } }

  /// A column's value in the last line, if there is one.
  func last(_ column: String) -> Float? {
    guard let place = Self.place(column),
      let fields = lines.last?.split(separator: ",", omittingEmptySubsequences: false), place < fields.count
    else { return nil }
    return Float(fields[place])
  }

  var csv: String { ([Self.header] + lines).joined(separator: "\n") + "\n" }

  /// The returns over the steps: the training mean as a line, evaluations as dots. Empty without a return.
  func drawing(title: String) -> Drawing {
    var drawing = Drawing(width: 720, height: 400)
    let rows = lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) } }
    func points(_ column: Int) -> [(step: Double, value: Double)] {
      rows.compactMap { row in
        guard let step = row[0], let value = row[column], value.isFinite else { return nil }
        return (step, value)
      }
    }
    let (training, evaluations) = (points(2), points(4))
    let values = (training + evaluations).map(\.value)
    guard let low = values.min(), let high = values.max(), let last = rows.last?[0] else { return drawing }
    let (width, height, left, top) = (620.0, 310.0, 70.0, 50.0)
    let span = max(high - low, 1e-9)
    func place(_ step: Double, _ value: Double) -> Drawing.Point {
      Drawing.Point(x: left + width * step / max(last, 1), y: top + height * (high - value) / span)
    }
    let (blue, orange) = (Drawing.Colour(0x2b6cb0), Drawing.Colour(0xdd6b20))
    drawing.text(title, x: left, y: 20, size: 14)
    drawing.text("mean return", x: left, y: 40)
    for tick in 0...4 {
      let value = low + span * Double(tick) / 4
      let y = place(0, value).y
      drawing.line([place(0, value), place(last, value)], width: 1, colour: Drawing.Colour(0xdddddd))
      drawing.text("\(Float((value * 100).rounded() / 100))", x: left - 6, y: y + 4, anchor: .end)
      let step = last * Double(tick) / 4
      drawing.text("\(Int(step))", x: place(step, low).x, y: top + height + 18, anchor: .middle)
    }
    drawing.text("environment steps", x: left + width / 2, y: 395, anchor: .middle)
    drawing.line(training.map { place($0.step, $0.value) }, width: 1.5, colour: blue)
    for (step, value) in evaluations { drawing.dot(place(step, value), radius: 3.5, colour: orange) }
    drawing.line([Drawing.Point(x: 318, y: 36), Drawing.Point(x: 338, y: 36)], width: 1.5, colour: blue)
    drawing.text("training, last 100 episodes", x: 344, y: 40, colour: blue)
    drawing.dot(Drawing.Point(x: 532, y: 36), radius: 3.5, colour: orange)
    drawing.text("evaluation, mean policy", x: 542, y: 40, colour: orange)
    return drawing
  }
}
