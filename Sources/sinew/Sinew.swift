import ArgumentParser
import Glibc

/// The command: parses, runs a subcommand, and ends with a documented exit code.
@main
enum Main {
  static func main() {
    // A reader that goes away must never end a run: the arm is brought to rest by the loop alone.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try Sinew.parseAsRoot(NegativeNumbers.joined(Array(CommandLine.arguments.dropFirst())))
      try command.run()
      try flushOutput()
    } catch let error as InputError {
      end(error.description, ExitStatus.badInput)
    } catch let error as RunFailure {
      end(error.description, ExitStatus.failure)
    } catch {
      endParsing(error)
    }
  }

  /// Prints what is still buffered. That somebody stopped reading is no failure; a full disk is.
  private static func flushOutput() throws {
    guard fflush(nil) != 0, errno != EPIPE else { return }
    throw RunFailure("standard output: \(String(cString: strerror(errno)))")
  }

  private static func end(_ message: String, _ code: ExitCode) -> Never {
    fflush(nil)
    printError("error: " + oneLine(namingShippedFiles(message)))
    exit(code.rawValue)
  }

  /// The parser's message in our form, on one line: the error, and where the options are explained. Sentences of our own
  /// end with a full stop, and say themselves what to do.
  private static func usageError(_ message: String) -> String {
    guard message.hasPrefix("Error: ") else { return message }
    let lines = message.dropFirst(7).split(separator: "\n")
    let end = lines.firstIndex { $0.hasPrefix("Help: ") || $0.hasPrefix("Usage: ") } ?? lines.endIndex
    // The parser lists allowed values line by line.
    let error = oneLine(lines[..<end].joined(separator: "\n")).replacing(":, - ", with: ": ").replacing(
      ", - ", with: ", ")
    if error.hasSuffix(".") { return "error: " + error }
    let help = lines[end...].compactMap { $0.firstMatch(of: /'(sinew[^']* --help)'/)?.1 }.first
    return "error: " + error + (help.map { "; '\($0)' explains the options" } ?? "")
  }

  /// Ends with what the parser says: help and version are a success, a wrong command line is wrong input.
  private static func endParsing(_ error: any Error) -> Never {
    let code = Sinew.exitCode(for: error)
    let message = Sinew.fullMessage(for: error)
    if code.isSuccess {
      if !message.isEmpty { print(message) }
      fflush(nil)
      exit(0)
    }
    fflush(nil)
    if !message.isEmpty { printError(usageError(message)) }
    // The parser's own code for a wrong command line is 64; ours is 2.
    exit(code == .validationFailure ? ExitStatus.badInput.rawValue : code.rawValue)
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
        sinew list
        sinew doctor

      Exit codes: 0 success; 1 the run failed (a fault was latched, a disk or device failed, servos do not answer or are
      not as they should be, a check found errors); 2 wrong input (argument, file, configuration, a port that cannot be
      opened), nothing written; 3 success with a loss (lossy log, partial recovery);
      128 and a signal's number where a signal ended the process at once, such as 130 after the third Ctrl-C on hardware.
      """,
    version: ProgramVersion.version,
    subcommands: [
      RunCommand.self, TeleopCommand.self, ReplayCommand.self, EvaluateCommand.self, TrainCommand.self,
      FineTuneCommand.self, CalibrateCommand.self,
      PortCommand.self, ServoCommand.self, FirmwareCommand.self, EmulateCommand.self, PolicyCommand.self,
      LogCommand.self, ListCommand.self, InitCommand.self,
      GamepadCommand.self, DemoCommand.self, BenchCommand.self, DoctorCommand.self,
    ]
  )
}
