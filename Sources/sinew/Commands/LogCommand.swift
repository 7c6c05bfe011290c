import ArgumentParser

/// `sinew log`: what is in a log, whether it is sound, and how to mend it.
struct LogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log",
    abstract: "Look into logs, check them, mend them, print them.",
    discussion: """
      Logs are MCAP files: Foxglove, Rerun, PlotJuggler and 'ros2 bag' open them as they are.

      Examples:
        sinew log info run.mcap
        sinew log doctor run.mcap
        sinew log recover killed.mcap -o mended.mcap
        sinew log cat run.mcap --topic /events
        sinew log blackbox run.blackbox
      """,
    subcommands: [
      LogInfoCommand.self, LogDoctorCommand.self, LogRecoverCommand.self, LogCatCommand.self, LogBlackBoxCommand.self,
    ])
}
