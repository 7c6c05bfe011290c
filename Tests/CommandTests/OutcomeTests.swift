import Foundation
import Glibc
import Testing

@testable import sinew

/// What commands say of how they ended: nothing is called a success, or known, that is not.
struct OutcomeTests {
  @Test("an evaluation whose log the disk refuses does not end as a success")
  func fullDisk() throws {
    let outcome = try Command.run(
      ["evaluate", "--task", "reacher-v5", "--episodes", "2", "--log", "/dev/full"], in: ScratchFolder())
    #expect(outcome.code == 1)
    #expect(outcome.errorLines.last?.contains("incomplete") == true)
    #expect(outcome.output.contains("mean return"))
  }

  @Test("one episode has no standard error; two have one")
  func standardError() throws {
    let folder = try ScratchFolder()
    func evaluate(_ episodes: Int) throws -> [String: Any] {
      let words = ["evaluate", "--task", "reacher-v5", "--episodes", "\(episodes)", "--json"]
      return try #require(try Command.run(words, in: folder).json)
    }
    let one = try evaluate(1)
    #expect(one["standard_error"] == nil && one["mean_return"] != nil && one["success_rate"] != nil)
    #expect(try evaluate(2)["standard_error"] is Double)
  }

  @Test("a task without a success has no success rate")
  func successRate() throws {
    let folder = try ScratchFolder()
    let task = try Command.run(["list", "tasks", "--show", "reacher-v5"], in: folder).output
    let lines = task.split(separator: "\n", omittingEmptySubsequences: false)
    try folder.write(lines.filter { !$0.hasPrefix("success:") }.joined(separator: "\n"), to: "task.yaml")
    let words = ["--task", "task.yaml", "--policy", "reacher-sb3", "--episodes", "2"]
    let json = try #require(try Command.run(["evaluate"] + words + ["--json"], in: folder).json)
    #expect(json["success_rate"] == nil && json["mean_return"] != nil)
    let run = try Command.run(["run", "--virtual", "--no-log"] + words, in: folder)
    #expect(run.code == 0 && !run.output.contains("success rate"))
  }

  @Test("runs that begin in the same second have logs of their own")
  func logNames() throws {
    let folder = try ScratchFolder()
    for _ in 0..<4 {
      let words = ["run", "--task", "reacher-v5", "--virtual", "--episodes", "1"]
      #expect(try Command.run(words, in: folder).code == 0)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("logs")).count == 4)
  }

  @Test("Ctrl-C ends the benchmark of the loop, which then compares nothing")
  func stoppedBenchmark() throws {
    let folder = try ScratchFolder()
    let command = try Command(["bench", "loop", "--ticks", "10000000", "--priority", "0"], in: folder.root)
    command.sendOnceHandled(SIGINT)
    let outcome = try command.finish()
    #expect(outcome.code == 1)
    #expect(outcome.output.isEmpty && outcome.errorLines.last?.contains("nothing to compare") == true)
  }

  @Test("a run without a finished episode has no mean return: null, and its log counts none")
  func noEpisode() throws {
    let folder = try ScratchFolder()
    let outcome = try Command.run(
      ["run", "--task", "reacher-v5", "--virtual", "--duration", "0.1", "--json", "--log", "run.mcap"], in: folder)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.json?["episodes"] as? Int == 0)
    #expect(outcome.json?["mean_return"] is NSNull && outcome.json?["success_rate"] is NSNull)
    let info = try Command.run(["log", "info", "run.mcap"], in: folder)
    #expect(info.output.contains("0 episodes and 1 that did not come to an end"), "\(info.output)")
  }

  @Test("a log of steps that last several ticks is sound")
  func interleavedLog() throws {
    let folder = try ScratchFolder()
    let run = try Command.run(
      ["run", "--task", "reach", "--virtual", "--episodes", "2", "--log", "run.mcap"], in: folder)
    #expect(run.code == 0, "\(run.errors)")
    let doctor = try Command.run(["log", "doctor", "run.mcap"], in: folder)
    #expect(doctor.code == 0 && doctor.output == "run.mcap: sound\n", "\(doctor.output)")
  }

  @Test("an empty log that a full disk left is replaced, one with anything in it never")
  func emptyLog() throws {
    let folder = try ScratchFolder()
    let arguments = ["run", "--task", "reacher-v5", "--virtual", "--duration", "0.1", "--log", "run.mcap"]
    try folder.write("", to: "run.mcap")
    #expect(try Command.run(arguments, in: folder).code == 0)
    #expect(try Command.run(["log", "doctor", "run.mcap"], in: folder).code == 0)
    let before = try folder.snapshot()
    let again = try Command.run(arguments, in: folder)
    #expect(again.code == 2 && again.errors.contains("run.mcap: exists already"))
    #expect(try folder.snapshot() == before)
  }

  @Test(
    "Ctrl-C while a run is being prepared ends it with its report, not without a word", arguments: [SIGINT, SIGTERM])
  func stoppedEarly(signal: Int32) throws {
    let folder = try ScratchFolder()
    let command = try Command(["run", "--task", "reach", "--json", "--log", "run.mcap"], in: folder.root)
    command.sendOnceHandled(signal)
    let outcome = try command.finish()
    #expect(outcome.code == 0 && outcome.json?["ending"] as? String == "stopped", "\(outcome)")
    #expect(try Command.run(["log", "doctor", "run.mcap"], in: folder).code == 0)
  }

  @Test("a log's provenance is that of the program, not of the folder it runs in")
  func provenance() throws {
    let folder = try ScratchFolder()
    let foreign = String(repeating: "f", count: 40)
    try folder.makeFolder(".git")
    try folder.write(foreign, to: ".git/HEAD")
    let executable = URL(fileURLWithPath: Command.executable)
    let outcome = try Command.run(
      ["run", "--task", "reacher-v5", "--virtual", "--episodes", "1", "--log", "run.mcap"], in: folder,
      environment: ["PATH": executable.deletingLastPathComponent().path], executable: executable.lastPathComponent)
    #expect(outcome.code == 0)
    let info = try Command.run(["log", "info", "run.mcap"], in: folder)
    #expect(info.output.contains("git_revision:") && !info.output.contains(foreign))
    for limit in ["lower (rad)", "velocity (rad/s)", "effort (N·m)"] {
      #expect(info.output.contains("    \(limit): "), "a limit names its unit")
    }
  }
}

extension Command {
  /// Sends a signal as soon as the process handles it.
  func sendOnceHandled(_ signal: Int32) {
    let deadline = Date(timeIntervalSinceNow: 20)
    while Date() < deadline {
      let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
      let caught = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }
      let mask = caught.flatMap { UInt64($0.dropFirst(7).trimmingCharacters(in: .whitespaces), radix: 16) } ?? 0
      if mask >> UInt64(signal - 1) & 1 == 1 { break }
      usleep(2000)
    }
    send(signal)
  }
}

struct OutputFormTests {
  @Test("a number that is none, or endless, is null in JSON, in an object and in a line of a stream")
  func nullNumbers() throws {
    struct Row: Encodable {
      let meanReturn: Double
      let limits: [Double]
      let note: String
    }
    let row = Row(meanReturn: .nan, limits: [1.5, .infinity, -.infinity], note: "nan and \"inf\"")
    #expect(
      try JSONText.line(row)
        == #"{"limits":[1.5,null,null],"mean_return":null,"note":"nan and \"inf\""}"#)
    #expect(try JSONText.pretty(row).contains("\"mean_return\" : null,"))
  }

  @Test("log info's JSON is laid out as that of the other commands, and the same object")
  func indented() throws {
    let folder = try ScratchFolder()
    let run = ["run", "--task", "reacher-v5", "--virtual", "--episodes", "1", "--log", "run.mcap"]
    #expect(try Command.run(run, in: folder).code == 0)
    let info = try Command.run(["log", "info", "run.mcap", "--json"], in: folder)
    #expect(info.output.hasPrefix("{\n  \"path\" : \"run.mcap\",\n  \"size\" : "))
    #expect(info.json?["episodes"] as? Int == 1 && info.json?["attachments"] is [Any])
    let text = try Command.run(["log", "info", "run.mcap"], in: folder)
    #expect(text.output.contains("\n1 episode,") && !text.output.contains("1 episodes"))
    let evaluation = try Command.run(["evaluate", "--task", "reacher-v5", "--episodes", "1"], in: folder)
    #expect(evaluation.output.contains(", 1 episode, seed"))
  }

  @Test("errors about files that ship name them, and not where they lie")
  func shippedFiles() throws {
    let folder = try ScratchFolder()
    let outcome = try Command.run(
      ["evaluate", "--task", "reach", "--policy", "reacher-sb3", "--episodes", "1"], in: folder)
    #expect(outcome.code == 2)
    #expect(outcome.errors.hasPrefix("error: shipped policy reacher-sb3: the policy takes 10 observations, "))
    let own = try Command.run(
      ["evaluate", "--task", "reach", "--policy", Shipped.bundle.path, "--episodes", "1"], in: folder)
    #expect(own.errors.hasPrefix("error: \(Shipped.bundle.path): the policy takes 10 observations, "))
  }
}
