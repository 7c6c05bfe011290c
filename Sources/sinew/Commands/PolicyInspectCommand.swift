import ArgumentParser

/// `sinew policy inspect`: loads and checks a policy, and says what it is.
struct PolicyInspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Load a policy, check it, and show what it is made of.",
    discussion: """
      Shows inputs and outputs, layers as they will run, parameters, distribution, normaliser, recurrent state, hash and \
      provenance. A bundle's golden vectors must reproduce.

      Examples:
        sinew policy inspect reacher-sb3
        sinew policy inspect policy.onnx --json

      Exit codes: 0 success; 2 the policy cannot be loaded (the error names file, node and cause).
      """)

  @OptionGroup var options: ModelOptions

  @Flag(help: "Print one JSON object.")
  var json = false

  mutating func run() throws {
    let inspection = try options.load().inspection
    if json { try printJSON(inspection) } else { print(inspection.text) }
  }
}
