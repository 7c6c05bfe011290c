import ArgumentParser
import Networks

/// `sinew bench inference`: time of one step of three typical policies, per instruction set.
struct BenchInferenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inference",
    abstract: "Time one inference of three typical policies, per instruction set.",
    discussion: """
      Runs each network on every instruction set of this processor and on a plain scalar loop, in turns. The minimum is \
      the best batch's mean: what the machine can do; the median is what it did while others used it, too. The ratio is \
      to the scalar loop's minimum in the same run. Meaningful in a release build only.

      Aims, best of many batches on one core with AVX2 or better:
        A  11-64-64-2 tanh           at most 400 ns
        B  26-256-128-64-6 elu       at most 3 µs
        C  48-512-256-128-12 elu     at most 11 µs

      Examples:
        sinew bench inference
        sinew bench inference --batches 1000 --json

      Exit codes: 0 success; 2 wrong input.
      """)

  @Option(help: "Batches per network and variant; more find a better minimum.")
  var batches = 300

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard (1...100_000).contains(batches) else {
      throw ValidationError("--batches must be between 1 and 100000, found \(batches).")
    }
  }

  mutating func run() throws {
    var progress = ProgressLine()
    let count = batches
    let rows = try checkingInput {
      try InferenceBenchmark.run(batches: count) { progress.show($0, "timing networks") }
    }
    progress.finish()
    let output = InferenceOutput(rows)
    if json { try printJSON(output) } else { print(output.text) }
  }
}

/// The figures, as JSON and as a table.
struct InferenceOutput: Encodable {
  struct Row: Encodable {
    let network: String
    let sizes: String
    let instructions: String
    let min_ns: Double
    let median_ns: Double
    let gigabytes_per_second: Double
    /// How many times as fast as the scalar loop.
    let ratio_to_scalar: Double
    /// The aim with AVX2 or better; nil for the other variants.
    let aim_ns: Double?
    let largest_deviation: Float
  }

  /// The most ns per network.
  static let aims = ["A": 400.0, "B": 3000, "C": 11_000]

  let rows: [Row]
  let isOptimized: Bool
  /// The set that policies use here.
  let instructionSet: String

  init(_ rows: [InferenceBenchmark.Row]) {
    instructionSet = InstructionSet.current.rawValue
    isOptimized = ProgramVersion.isOptimized
    self.rows = rows.map { row in
      let scalar = rows.first { $0.name == row.name && $0.instructionSet == nil }?.minimum ?? .nan
      return Row(
        network: row.name, sizes: row.network, instructions: row.instructionSet?.rawValue ?? "scalar",
        min_ns: row.minimum, median_ns: row.median, gigabytes_per_second: row.gigabytesPerSecond,
        ratio_to_scalar: scalar / row.minimum,
        aim_ns: row.instructionSet.flatMap { $0 == .baseline ? nil : Self.aims[row.name] },
        largest_deviation: row.deviation)
    }
  }

  var text: String {
    var table = TextTable(header: ["network", "instructions", "min", "median", "GB/s", "x scalar", "aim"])
    for row in rows {
      table.add([
        "\(row.network) \(row.sizes)", row.instructions, Format.duration(Int64(row.min_ns.rounded())),
        Format.duration(Int64(row.median_ns.rounded())), Format.number(row.gigabytes_per_second),
        Format.fixed(row.ratio_to_scalar, 1),
        row.aim_ns.map { "\(Format.duration(Int64($0))) \(row.min_ns <= $0 ? "met" : "missed")" } ?? "",
      ])
    }
    let note = isOptimized ? "" : "\nnote: this is a debug build; only a release build's figures mean anything"
    return table.text + "\npolicies run on \(instructionSet) here" + note
  }
}
