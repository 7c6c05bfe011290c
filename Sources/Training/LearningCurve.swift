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

  var csv: String { ([Self.header] + lines).joined(separator: "\n") + "\n" }

  /// The returns over the steps: the training mean as a line, evaluations as dots.
  func svg(title: String) -> String {
    let rows = lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) } }
    let training = rows.compactMap { row in row[0].flatMap { x in row[2].map { (x, $0) } } }
    let evaluations = rows.compactMap { row in row[0].flatMap { x in row[4].map { (x, $0) } } }
    let values = (training + evaluations).map(\.1).filter(\.isFinite)
    guard let low = values.min(), let high = values.max(), let last = rows.last?[0] else {
      return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 400\"></svg>\n"
    }
    let (width, height, left, top) = (620.0, 320.0, 70.0, 40.0)
    let span = max(high - low, 1e-9)
    func x(_ step: Double) -> Float { Float(left + width * step / max(last, 1)) }
    func y(_ value: Double) -> Float { Float(top + height * (high - value) / span) }
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 400\" font-family=\"sans-serif\" font-size=\"12\">",
      "<rect width=\"720\" height=\"400\" fill=\"white\"/>",
      "<text x=\"\(left)\" y=\"22\" font-size=\"14\">\(Self.escaped(title))</text>",
    ]
    for tick in 0...4 {
      let value = low + span * Double(tick) / 4
      parts.append(
        "<line x1=\"\(left)\" y1=\"\(y(value))\" x2=\"\(left + width)\" y2=\"\(y(value))\" stroke=\"#ddd\"/>"
          + "<text x=\"\(left - 6)\" y=\"\(y(value) + 4)\" text-anchor=\"end\">\(Float((value * 100).rounded() / 100))</text>"
      )
      let step = last * Double(tick) / 4
      parts.append("<text x=\"\(x(step))\" y=\"\(top + height + 18)\" text-anchor=\"middle\">\(Int(step))</text>")
    }
    parts.append("<text x=\"\(left + width / 2)\" y=\"395\" text-anchor=\"middle\">environment steps</text>")
    parts.append(
      "<polyline fill=\"none\" stroke=\"#2b6cb0\" stroke-width=\"1.5\" points=\""
        + training.filter { $0.1.isFinite }.map { "\(x($0.0)),\(y($0.1))" }.joined(separator: " ") + "\"/>")
    for (step, value) in evaluations where value.isFinite {
      parts.append("<circle cx=\"\(x(step))\" cy=\"\(y(value))\" r=\"3.5\" fill=\"#dd6b20\"/>")
    }
    parts.append(
      "<text x=\"\(left + width)\" y=\"22\" text-anchor=\"end\"><tspan fill=\"#2b6cb0\">— training, last 100 episodes</tspan>"
        + " <tspan fill=\"#dd6b20\">● evaluation, mean policy</tspan></text>")
    parts.append("</svg>")
    return parts.joined(separator: "\n") + "\n"
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
