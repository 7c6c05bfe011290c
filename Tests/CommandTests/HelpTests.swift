import Foundation
import Testing

/// All commands by their words.
private let commands = [
  [], ["run"], ["teleop"], ["evaluate"], ["train"], ["finetune"], ["demo"], ["demo", "bandit"], ["list"], ["init"],
  ["doctor"], ["policy"],
  ["policy", "inspect"],
  ["policy", "eval"],
  ["log"], ["log", "info"], ["log", "doctor"], ["log", "recover"], ["log", "cat"], ["bench"], ["bench", "loop"],
  ["bench", "inference"], ["bench", "log"], ["bench", "bus-faults"], ["bench", "train"], ["emulate"],
  ["bench", "stop-latency"],
  ["port"], ["port", "list"], ["port", "find"], ["servo"], ["servo", "scan"], ["servo", "info"], ["servo", "read"],
  ["servo", "write"], ["servo", "set-id"], ["servo", "set-baud"], ["servo", "reboot"], ["servo", "monitor"],
  ["servo", "watch"], ["servo", "bench"], ["firmware"], ["firmware", "info"], ["firmware", "config"],
  ["firmware", "stats"], ["firmware", "monitor"], ["firmware", "disarm"], ["firmware", "calibration"],
  ["firmware", "emulate"],
  ["replay"], ["calibrate"], ["calibrate", "guided"], ["calibrate", "import"],
  ["gamepad"], ["gamepad", "list"], ["gamepad", "test"], ["gamepad", "map"],
]

struct HelpTests {
  @Test("every command explains itself with an example whose options exist", arguments: commands)
  func help(_ words: [String]) throws {
    let folder = try ScratchFolder()
    let outcome = try Command.run(words + ["--help"], in: folder)
    #expect(outcome.code == 0)
    #expect(outcome.errors.isEmpty)
    let command = (["sinew"] + words).joined(separator: " ")
    let examples = outcome.output.split(separator: "\n").map { $0.drop { $0 == " " } }
      .filter { $0.hasPrefix(command + " ") || $0 == command }
    #expect(!examples.isEmpty, "no example of '\(command)'")
    guard outcome.output.contains("SUBCOMMANDS:") == false else { return }
    // Options may stand in several groups.
    let options = try #require(outcome.output.components(separatedBy: "\nUSAGE:").last)
    for option in examples.flatMap({ $0.split(separator: " ") }) where option.hasPrefix("--") {
      #expect(options.contains(option), "\(command): the example's option \(option) does not exist")
    }
  }

  @Test(
    "every command that ends in its own way says which exit codes it has", arguments: commands.filter { $0.count > 0 })
  func exitCodes(_ words: [String]) throws {
    let text = try Command.run(words + ["--help"], in: ScratchFolder()).output
    // A group does nothing itself.
    #expect(text.contains("Exit codes:") || text.contains("SUBCOMMANDS:"))
  }

  // Examples of servos and arms need their ports' names, and break where the terminal is no wider.
  @Test(
    "examples that are to be copied stand on one line each", arguments: [["finetune"], ["demo", "bandit"], ["train"]])
  func unbroken(_ words: [String]) throws {
    let lines = try Command.run(words + ["--help"], in: ScratchFolder()).output
      .split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex(of: "Examples:"))
    let examples = lines[(start + 1)...].prefix { !$0.isEmpty }
    #expect(!examples.isEmpty)
    for line in examples { #expect(line.hasPrefix("  sinew "), "a broken example goes on with '\(line)'") }
  }

  @Test("the version is a version")
  func version() throws {
    let outcome = try Command.run(["--version"], in: ScratchFolder())
    #expect(outcome.code == 0)
    #expect(outcome.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
  }

  @Test("without a command there is help")
  func bare() throws {
    let outcome = try Command.run([], in: ScratchFolder())
    #expect(outcome.code == 0)
    #expect(outcome.output.contains("SUBCOMMANDS:"))
  }
}
