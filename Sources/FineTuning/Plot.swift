/// Pictures of a report as SVG that stands in the page itself.
enum Plot {
  struct Series {
    var name: String
    var color: String
    var points: [(x: Double, y: Double)]
  }

  private static let (width, height, left, top) = (420.0, 190.0, 60.0, 30.0)

  /// Lines over a common axis; `limit` is drawn across.
  static func lines(_ title: String, x label: String, _ series: [Series], limit: Double? = nil) -> String {
    let points = series.flatMap(\.points).filter { $0.x.isFinite && $0.y.isFinite }
    guard let xLow = points.map(\.x).min(), let xHigh = points.map(\.x).max() else { return frame(title, label, []) }
    let ys = points.map(\.y) + (limit.map { [$0] } ?? [])
    let (yLow, yHigh) = (ys.min() ?? 0, ys.max() ?? 1)
    let (xSpan, ySpan) = (max(xHigh - xLow, 1e-12), max(yHigh - yLow, 1e-12))
    func x(_ value: Double) -> String { decimal(left + width * (value - xLow) / xSpan, 1) }
    func y(_ value: Double) -> String { decimal(top + height * (yHigh - value) / ySpan, 1) }
    var parts: [String] = []
    for tick in 0...4 {
      let value = yLow + ySpan * Double(tick) / 4
      parts.append(
        "<line x1=\"\(left)\" y1=\"\(y(value))\" x2=\"\(left + width)\" y2=\"\(y(value))\" stroke=\"#ddd\"/>"
          + text(left - 6, Double(y(value)) ?? 0, significant(value, ySpan), anchor: "end"))
      let at = xLow + xSpan * Double(tick) / 4
      parts.append(text(Double(x(at)) ?? 0, top + height + 16, significant(at, xSpan), anchor: "middle"))
    }
    if let limit {
      parts.append(
        "<line x1=\"\(left)\" y1=\"\(y(limit))\" x2=\"\(left + width)\" y2=\"\(y(limit))\" stroke=\"#c53030\" "
          + "stroke-dasharray=\"5 4\"/>")
    }
    for (index, one) in series.enumerated() {
      let path = one.points.filter { $0.x.isFinite && $0.y.isFinite }.map { "\(x($0.x)),\(y($0.y))" }
      parts.append(
        "<polyline fill=\"none\" stroke=\"\(one.color)\" stroke-width=\"1.6\" points=\"\(path.joined(separator: " "))\"/>"
      )
      if series.count > 1 {
        parts.append(
          "<text x=\"\(left + width - 4)\" y=\"\(top + 14 + 14 * Double(index))\" text-anchor=\"end\" "
            + "fill=\"\(one.color)\">\(escaped(one.name))</text>")
      }
    }
    return frame(title, label, parts)
  }

  /// How often values fall into each of `bins` equal parts of a range; what lies outside goes into the outermost.
  static func histogram(_ title: String, x label: String, _ values: [Float], in range: ClosedRange<Double>, bins: Int)
    -> String
  {
    var counts = [Int](repeating: 0, count: bins)
    let span = range.upperBound - range.lowerBound
    for value in values where value.isFinite {
      let place = Int(((Double(value) - range.lowerBound) / span * Double(bins)).rounded(.down))
      counts[min(bins - 1, max(0, place))] += 1
    }
    let most = Double(max(1, counts.max() ?? 1))
    let bar = width / Double(bins)
    var parts = counts.enumerated().map { index, count in
      let size = height * Double(count) / most
      return "<rect x=\"\(decimal(left + bar * Double(index), 1))\" y=\"\(decimal(top + height - size, 1))\" "
        + "width=\"\(decimal(bar * 0.92, 1))\" height=\"\(decimal(size, 1))\" fill=\"#2b6cb0\"/>"
    }
    for tick in 0...4 {
      let value = range.lowerBound + span * Double(tick) / 4
      parts.append(text(left + width * Double(tick) / 4, top + height + 16, decimal(value, 2), anchor: "middle"))
    }
    parts.append(text(left - 6, top + 8, "\(Int(most))", anchor: "end"))
    return frame(title, label, parts)
  }

  /// Means with their intervals, one below the other, and a line at 0.
  static func intervals(_ title: String, x label: String, _ rows: [(name: String, interval: Interval)]) -> String {
    let ends = rows.flatMap { [$0.interval.low, $0.interval.high] }.filter(\.isFinite) + [0]
    let (low, high) = (ends.min() ?? -1, ends.max() ?? 1)
    let span = max(high - low, 1e-12)
    func x(_ value: Double) -> Double { left + 90 + (width - 100) * (min(max(value, low), high) - low) / span }
    var parts = [
      "<line x1=\"\(decimal(x(0), 1))\" y1=\"\(top)\" x2=\"\(decimal(x(0), 1))\" y2=\"\(top + height)\" stroke=\"#c53030\" "
        + "stroke-dasharray=\"5 4\"/>"
    ]
    for (index, row) in rows.enumerated() {
      let y = top + height * (Double(index) + 0.5) / Double(rows.count)
      parts.append(text(left + 84, y + 4, row.name, anchor: "end"))
      parts.append(
        "<line x1=\"\(decimal(x(row.interval.low), 1))\" y1=\"\(y)\" x2=\"\(decimal(x(row.interval.high), 1))\" y2=\"\(y)\" "
          + "stroke=\"#2b6cb0\" stroke-width=\"3\"/><circle cx=\"\(decimal(x(row.interval.mean), 1))\" cy=\"\(y)\" r=\"5\" "
          + "fill=\"#2b6cb0\"/>")
    }
    for tick in [low, 0, high] {
      parts.append(text(x(tick), top + height + 16, significant(tick, span), anchor: "middle"))
    }
    return frame(title, label, parts)
  }

  private static func frame(_ title: String, _ label: String, _ parts: [String]) -> String {
    let head =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 500 270\" width=\"500\" font-family=\"sans-serif\" "
      + "font-size=\"11\" role=\"img\" aria-label=\"\(escaped(title))\">"
    return head + "<text x=\"\(left)\" y=\"18\" font-size=\"13\">\(escaped(title))</text>"
      + "<rect x=\"\(left)\" y=\"\(top)\" width=\"\(width)\" height=\"\(height)\" fill=\"none\" stroke=\"#bbb\"/>"
      + parts.joined() + text(left + width / 2, 264, label, anchor: "middle") + "</svg>"
  }

  private static func text(_ x: Double, _ y: Double, _ words: String, anchor: String) -> String {
    "<text x=\"\(decimal(x, 1))\" y=\"\(decimal(y, 1))\" text-anchor=\"\(anchor)\">\(escaped(words))</text>"
  }

  private static func significant(_ value: Double, _ span: Double) -> String {
    decimal(value, span >= 50 ? 0 : span >= 1 ? 2 : span >= 0.01 ? 4 : 6)
  }

  static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing(
      "\"", with: "&quot;")
  }
}
