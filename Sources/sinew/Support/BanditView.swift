import CSystem
import Learning

/// Both learners of the demonstration with what the screen shows of them.
struct BanditView {
  private let options: BanditOptions
  private let drawsBaseline: Bool
  private var plain: Bandit
  private var baseline: Bandit
  private var plainSteps: [BanditStep] = []
  private var baselineSteps: [BanditStep] = []

  /// A screen's columns and rows.
  struct Size: Equatable {
    var columns: Int
    var rows: Int
    /// The smallest that holds a picture.
    static let smallest = Size(columns: 50, rows: 12)
    /// Where there is no screen: a usual terminal's.
    static let usual = Size(columns: 80, rows: 24)
  }

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

  /// The picture: the bell curve over its samples, the walk of the mean, and how large the updates were, with `hint` below.
  ///
  /// It leaves the last column and the last row free, where terminals wrap and the cursor rests. With few rows the empty
  /// lines go first, then the ratio, then the updates; the curve takes what is left. A screen that is too small gets a
  /// sentence that says so.
  func frame(colors: Bool, in size: Size, hint: String? = nil) -> String {
    let (width, height) = (size.columns - 1, size.rows - 1)
    guard size.columns >= Size.smallest.columns, size.rows >= Size.smallest.rows else {
      let words =
        "terminal too small: \(size.columns) x \(size.rows), at least \(Size.smallest.columns) x \(Size.smallest.rows) are "
        + "needed"
      return Self.filled(words.split(separator: " ").map(String.init), separator: " ", width: max(1, width))
        .prefix(max(1, height)).joined(separator: "\n")
    }
    let steps = drawsBaseline ? baselineSteps : plainSteps
    let mean = drawsBaseline ? baseline.mean : plain.mean
    let title = Self.filled(titleParts(mean: mean), separator: ", ", width: width).prefix(3)
    let footer = hint.map { [String($0.prefix(width))] } ?? []
    let (walk, updates, ratio) = (self.walk(width: width), self.updates(width: width), self.ratio(width: width))
    // Two of the curve, the samples and the axis.
    var left = height - title.count - footer.count - walk.count - 4
    func take(_ rows: Int) -> Bool {
      guard rows > 0, left >= rows else { return false }
      left -= rows
      return true
    }
    let showsUpdates = take(updates.count)
    let showsRatio = showsUpdates && take(ratio.count)
    let isSpaced = left >= 6
    if isSpaced { left -= 2 }
    var lines = Array(title)
    if isSpaced { lines.append("") }
    lines += curve(mean: mean, width: width, levels: 2 + min(max(left, 0), 6))
    lines += [samples(steps.suffix(30), colors: colors, width: width), axis(mean: mean, width: width)]
    if isSpaced { lines.append("") }
    lines += walk
    if showsUpdates { lines += updates }
    if showsRatio { lines += ratio }
    return (lines + footer).joined(separator: "\n")
  }

  // MARK: Words

  private func titleParts(mean: Double) -> [String] {
    [
      "bandit: target a* \(Format.fixed(options.target, 2))", "mean μ \(Format.fixed(mean, 2))",
      "deviation σ \(Format.fixed(options.deviation, 2))", "rate α \(Format.fixed(options.rate, 3))",
      "baseline \(drawsBaseline ? "on" : "off")", "step \(max(plainSteps.count, baselineSteps.count))",
      "seed \(options.seed)",
    ]
  }

  /// Parts on as few lines as hold them; a part that is longer than a line is cut.
  private static func filled(_ parts: [String], separator: String, width: Int) -> [String] {
    var lines: [String] = []
    for part in parts {
      if let last = lines.last, last.count + separator.count + part.count <= width {
        lines[lines.count - 1] = last + separator + part
      } else {
        lines.append(String(part.prefix(width)))
      }
    }
    return lines
  }

  private func walk(width: Int) -> [String] {
    [
      "walk of μ, from −5 to 5",
      row("without baseline", plainSteps.map(\.mean), from: -5, to: 5, state: state(plain), width: width),
      row("running mean", baselineSteps.map(\.mean), from: -5, to: 5, state: state(baseline), width: width),
    ]
  }

  private func updates(width: Int) -> [String] {
    let largest = (plainSteps + baselineSteps).map { abs($0.update) }.max() ?? 1
    return [
      "size of the updates, from 0 to \(Format.number(largest))",
      row("without baseline", plainSteps.map { abs($0.update) }, from: 0, to: largest, width: width),
      row("running mean", baselineSteps.map { abs($0.update) }, from: 0, to: largest, width: width),
    ].map { String($0.prefix(width)) }
  }

  private func ratio(width: Int) -> [String] {
    let ratio = Self.variance(plainSteps) / Self.variance(baselineSteps)
    guard ratio.isFinite else { return [] }
    let words = "variance of the updates: \(Format.number(ratio)) times as large without a baseline"
    return [
      words.count <= width ? words : String("variance without a baseline: \(Format.number(ratio)) times".prefix(width))
    ]
  }

  private func state(_ bandit: Bandit) -> String {
    bandit.hasDiverged ? "  diverged" : (bandit.isRailed ? "  stuck at the rail" : "")
  }

  // MARK: Drawing

  private func place(_ x: Double, width: Int) -> Int? {
    let place = Int(((x + 5) / 10 * Double(width - 1)).rounded())
    return (0..<width).contains(place) ? place : nil
  }

  private func curve(mean: Double, width: Int, levels: Int) -> [String] {
    let heights = (0..<width).map { index -> Double in
      let z = (Double(index) / Double(width - 1) * 10 - 5 - mean) / options.deviation
      return sinew_exp(-0.5 * z * z) * Double(levels)
    }
    let blocks: [Character] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    return (0..<levels).reversed().map { level in
      String(heights.map { blocks[Int(min(max(($0 - Double(level)) * 8, 0), 8))] })
    }
  }

  private func samples(_ steps: ArraySlice<BanditStep>, colors: Bool, width: Int) -> String {
    var cells = [String](repeating: " ", count: width)
    for step in steps {
      guard let place = place(min(max(step.action, -5), 5), width: width) else { continue }
      let mark = step.weight > 0 ? "o" : "x"
      cells[place] = colors ? "\u{1b}[38;5;\(step.weight > 0 ? 34 : 208)m\(mark)\u{1b}[0m" : mark
    }
    return cells.joined()
  }

  private func axis(mean: Double, width: Int) -> String {
    var cells = [Character](repeating: "─", count: width)
    for tick in -5...5 { place(Double(tick), width: width).map { cells[$0] = "┴" } }
    place(options.target, width: width).map { cells[$0] = "*" }
    // A mean beyond the picture has no place in it.
    if (-6...6).contains(mean) { place(mean, width: width).map { cells[$0] = "μ" } }
    return String(cells)
  }

  /// The newest values, as many as fit between the label and the state.
  private func row(
    _ label: String, _ values: [Double], from low: Double, to high: Double, state: String = "", width: Int
  ) -> String {
    let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    let start = "  " + label + String(repeating: " ", count: max(1, 18 - label.count))
    let shown = values.suffix(min(60, max(0, width - start.count - state.count)))
    return start + String(shown.map { blocks[Int(min(max(($0 - low) / max(high - low, 1e-12) * 8, 0), 7))] }) + state
  }

  private static func variance(_ steps: [BanditStep]) -> Double {
    guard steps.count > 1 else { return .nan }
    let mean = steps.reduce(0) { $0 + $1.update } / Double(steps.count)
    return steps.reduce(0) { $0 + ($1.update - mean) * ($1.update - mean) } / Double(steps.count - 1)
  }
}
