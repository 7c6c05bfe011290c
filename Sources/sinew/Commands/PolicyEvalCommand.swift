import ArgumentParser
import Policies

/// `sinew policy eval`: a policy's mean actions for the observations of a CSV file.
struct PolicyEvalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Compute a policy's actions for the observations of a CSV file.",
    discussion: """
      Reads the columns obs[0], obs[1], … of the file, in any order, ignores all others, and prints CSV with the columns \
      action[0], action[1], … : the mean action, a line per row, with every digit that single precision holds. Each row \
      starts from the initial recurrent state; with --sequence the state is carried from row to row.

      Examples:
        sinew policy eval policy.onnx --observations golden.csv
        sinew policy eval gru.onnx --observations rows.csv --sequence > out.csv

      Exit codes: 0 success; 1 the output could not be written; 2 wrong input (the error names file, line and column).
      """)

  @OptionGroup var options: ModelOptions

  @Option(help: ArgumentHelp("CSV file with the columns obs[i].", valueName: "file"))
  var observations: String

  @Flag(help: "The rows are one sequence: carry recurrent state from row to row.")
  var sequence = false

  mutating func run() throws {
    let policy = try options.load()
    let result = try checkingInput {
      try PolicyEvaluation.run(model: policy, csv: observations, sequence: sequence)
    }
    let output = DataOutput()
    _ = output.write(result.csv)
    try output.finish()
  }
}
