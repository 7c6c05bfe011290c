import ArgumentParser

/// `sinew policy`: what a policy file is, and what it does.
struct PolicyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy",
    abstract: "Look into policies and run them over observations.",
    discussion: """
      Examples:
        sinew policy inspect policy.onnx
        sinew policy eval reacher-sb3 --observations observations.csv
      """,
    subcommands: [PolicyInspectCommand.self, PolicyEvalCommand.self])
}
