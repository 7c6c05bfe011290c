import ArgumentParser

/// `sinew demo`: small demonstrations in the terminal.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Watch how a policy gradient learns.",
    discussion: """
      Examples:
        sinew demo bandit
        sinew demo bandit --sweep
      """,
    subcommands: [DemoBanditCommand.self])
}
