import ArgumentParser

@main
struct Sinew: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "sinew", abstract: "A robot-arm control stack.")
}
