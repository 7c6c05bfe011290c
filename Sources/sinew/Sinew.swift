import ArgumentParser
import Foundation

/// The command: parses, runs a subcommand, and ends with a documented exit code.
@main
enum Main {
  static func main() {
    do {
      var command = try Sinew.parseAsRoot()
      try command.run()
    } catch let error as InputError {
      printError("error: \(error)")
      Foundation.exit(ExitStatus.badInput.rawValue)
    } catch let error as RunFailure {
      printError("error: \(error)")
      Foundation.exit(ExitStatus.failure.rawValue)
    } catch {
      let code = Sinew.exitCode(for: error)
      let message = Sinew.fullMessage(for: error)
      if code.isSuccess {
        if !message.isEmpty { print(message) }
        Foundation.exit(0)
      }
      if !message.isEmpty { printError(message) }
      // The parser's own code for a wrong command line is 64; ours is 2.
      Foundation.exit(code == .validationFailure ? ExitStatus.badInput.rawValue : code.rawValue)
    }
  }
}

/// The root command.
struct Sinew: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sinew",
    abstract: "Simulate, run and record a robot arm under a trained policy.",
    discussion: """
      First steps:
        sinew run --task reacher-v5 --policy reacher-sb3 --duration 10
        sinew evaluate --task reacher-v5 --policy reacher-sb3 --episodes 100
        sinew log info logs/RUN.mcap
        sinew doctor

      Exit codes: 0 success; 1 the run failed (a fault was latched, a disk or device failed, a check found errors);
      2 wrong input (argument, file, configuration), nothing written; 3 success with a loss (lossy log, partial recovery).
      """,
    version: ProgramVersion.version,
    subcommands: [RunCommand.self, EvaluateCommand.self, BenchCommand.self]
  )
}
