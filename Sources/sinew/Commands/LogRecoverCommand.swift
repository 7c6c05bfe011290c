import ArgumentParser
import ArmProfiles
import Recording

/// `sinew log recover`: a sound log of what can be read of a broken one.
struct LogRecoverCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recover",
    abstract: "Make a complete, sound log of a damaged or unfinished one.",
    discussion: """
      Whatever can be read goes into a new file, with indexes, checksums and summary made anew; the input is only read. \
      The output appears when it is complete; an existing file is never overwritten. The counts go to standard error.

      Examples:
        sinew log recover killed.mcap -o mended.mcap
        sinew log recover killed.mcap -o mended.mcap --compression lz4

      Exit codes: 0 everything in the file was recovered; 3 recovered, but parts of the file were lost; 1 nothing could \
      be recovered or the output could not be written; 2 wrong input (missing file, existing output).
      """)

  @Argument(help: "The log (MCAP).")
  var file: String

  @Option(name: .shortAndLong, help: "The new log; it must not exist.")
  var output: String

  @Option(help: "Compression of the new log: zstd, lz4 or none. Default: that of the old one.")
  var compression: RobotConfiguration.Compression?

  func validate() throws { try refuseEmpty(["output": output]) }

  mutating func run() throws {
    var progress = ProgressLine()
    let (source, target, choice) = (file, output, compression.map { Compression($0) })
    _ = try checkingInput { try LogRecovery.check(from: source, to: target) }
    let report: RecoveryReport
    do {
      report = try LogRecovery.recover(from: source, to: target, compression: choice) {
        progress.show($0, "recovering \(source)")
      }
    } catch {
      progress.finish()
      throw RunFailure("\(error)")
    }
    progress.finish()
    printError(report.text)
    printError("\(target): " + (report.isLossy ? "written, with losses" : "written, with all that the file held"))
    if report.exitCode != 0 { throw ExitCode(report.exitCode) }
  }
}

extension RobotConfiguration.Compression: ExpressibleByArgument {}

extension Compression {
  /// The same choice in the recorder's words.
  init(_ choice: RobotConfiguration.Compression) {
    switch choice {
    case .none: self = .none
    case .lz4: self = .lz4
    case .zstd: self = .zstd
    }
  }
}
