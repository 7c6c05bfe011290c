import ArgumentParser
import Policies

/// Which policy a command looks at.
struct ModelOptions: ParsableArguments {
  @Argument(help: "A shipped name (reacher-sb3), a bundle folder or an .onnx file.")
  var model: String

  @Option(
    name: .customLong("output-name"),
    help: ArgumentHelp("The ONNX output that is the action, where its name does not say so.", valueName: "name"))
  var outputName: String?

  @Option(
    name: .customLong("recurrent"),
    help: ArgumentHelp(
      "Recurrent state of an ONNX file, as input=output; may be repeated. Default: by name.", valueName: "in=out"))
  var recurrent: [String] = []

  func validate() throws {
    for pair in recurrent where Self.pair(pair) == nil {
      throw ValidationError("--recurrent takes input=output, found '\(pair)'.")
    }
  }

  /// Loads it; anything wrong with it is wrong input.
  func load() throws -> LoadedPolicy {
    if outputName == nil && recurrent.isEmpty { return try checkingInput { try PolicyLoader.named(model) } }
    let options = PolicyOptions(actionOutput: outputName, recurrentPairs: recurrent.compactMap(Self.pair))
    let policy = try checkingInput { try PolicyLoader.load(path: model, options: options) }
    guard policy.description.format == .onnx else {
      throw InputError(
        "\(model): --output-name and --recurrent are for bare .onnx files; a bundle's policy.yaml says both")
    }
    return policy
  }

  private static func pair(_ text: String) -> RecurrentPair? {
    let parts = text.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    return RecurrentPair(input: String(parts[0]), output: String(parts[1]))
  }
}
