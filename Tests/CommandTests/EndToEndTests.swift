import Foundation
import Testing

/// Waits until `condition` holds, at most 20 s.
private func wait(until condition: () -> Bool) throws {
  let deadline = Date(timeIntervalSinceNow: 20)
  while !condition() {
    guard Date() < deadline else { throw Command.Failure(description: "waited for 20 s in vain") }
    usleep(10_000)
  }
}

private func size(_ path: String) -> Int {
  (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
}

struct EndToEndTests {
  static let run = ["run", "--task", "reacher-v5", "--policy", "reacher-sb3"]

  @Test("three episodes in simulated time: run, info, doctor and cat tell the same story")
  func consistent() throws {
    let folder = try ScratchFolder()
    let run = try Command.run(Self.run + ["--virtual", "--episodes", "3", "--log", "x.mcap", "--json"], in: folder)
    #expect(run.code == 0, "\(run.errors)")
    let report = try #require(run.json)
    #expect(report["ending"] as? String == "completed")
    #expect(report["episodes"] as? Int == 3)
    #expect(report["transitions"] as? Int == 150)
    #expect(report["dropped_records"] as? Int == 0)

    let info = try #require(try Command.run(["log", "info", "--json", "x.mcap"], in: folder).json)
    #expect(info["episodes"] as? Int == 3)
    #expect(info["size"] as? Int == size(folder.path("x.mcap")))
    #expect(info["lossy"] as? Bool == false)
    #expect(info["problem"] is NSNull)
    let channels = try #require(info["channels"] as? [[String: Any]])
    let transitions = try #require(channels.first { $0["topic"] as? String == "/transition" })
    #expect(transitions["messages"] as? Int == 150)

    let doctor = try Command.run(["log", "doctor", "x.mcap", "--strict-message-order"], in: folder)
    #expect(doctor.code == 0)
    #expect(doctor.output == "x.mcap: sound\n")

    let cat = try Command.run(["log", "cat", "x.mcap", "--limit", "5"], in: folder)
    #expect(cat.code == 0 && cat.errors.isEmpty)
    #expect(cat.output.split(separator: "\n").count == 5)
    let all = try Command.run(["log", "cat", "x.mcap"], in: folder).output.split(separator: "\n")
    #expect(all.count == info["messages"] as? Int)
    for line in all.prefix(40) {
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(object?["topic"] is String && object?["log_time"] is NSNumber)
    }

    let table = Columns(try Command.run(["log", "cat", "x.mcap", "--format", "csv"], in: folder).output)
    #expect(table.rows.count == 150)
    let rewards = try table.values("reward").reduce(0, +) / 3
    #expect(abs(rewards - (try #require(report["mean_return"] as? Double))) < 1e-5)
    #expect(try table.values("episode").max() == 2)
    #expect(try table.values("truncated").reduce(0, +) == 3)
    let some = try Command.run(["log", "cat", "x.mcap", "--format", "csv", "--limit", "2"], in: folder)
    #expect(some.output.split(separator: "\n").count == 3)
    let events = try Command.run(["log", "cat", "x.mcap", "--topic", "/events", "--limit", "3"], in: folder)
    #expect(events.output.split(separator: "\n").allSatisfy { $0.contains("\"/events\"") })
  }

  @Test("the same seed gives the same transitions, byte for byte; another seed others")
  func deterministic() throws {
    let folder = try ScratchFolder()
    for (name, seed) in [("a", "7"), ("b", "7"), ("c", "8")] {
      let run = try Command.run(
        Self.run + ["--virtual", "--episodes", "2", "--sample", "--seed", seed, "--log", "\(name).mcap"], in: folder)
      #expect(run.code == 0)
    }
    let tables = try ["a", "b", "c"].map {
      try Command.run(["log", "cat", "\($0).mcap", "--topic", "/transition"], in: folder).output
    }
    #expect(tables[0] == tables[1] && !tables[0].isEmpty)
    #expect(tables[0] != tables[2])
  }

  @Test("SIGINT and SIGTERM end a run in real time well: exit code 0, and a sound log", arguments: [SIGINT, SIGTERM])
  func stopped(_ signal: Int32) throws {
    let folder = try ScratchFolder()
    let command = try Command(Self.run + ["--duration", "60", "--log", "logs/x.mcap", "--json"], in: folder.root)
    let log = folder.path("logs/x.mcap")
    // The first chunk of transitions comes after the metadata.
    try wait { size(log) > 0 }
    let start = size(log)
    try wait { size(log) > start }
    command.send(signal)
    let outcome = try command.finish()
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.json?["ending"] as? String == "stopped")
    let transitions = try #require(outcome.json?["transitions"] as? Int)
    #expect(transitions > 0)
    let doctor = try Command.run(["log", "doctor", "logs/x.mcap"], in: folder)
    #expect(doctor.code == 0, "\(doctor.output)")
    let cat = try Command.run(["log", "cat", "logs/x.mcap", "--format", "csv"], in: folder)
    #expect(Columns(cat.output).rows.count == transitions)
  }

  @Test("after SIGKILL a log is recovered; what a torn end loses is said by exit code 3")
  func killed() throws {
    let folder = try ScratchFolder()
    let command = try Command(Self.run + ["--duration", "60", "--log", "x.mcap"], in: folder.root)
    let log = folder.path("x.mcap")
    try wait { size(log) > 0 }
    let start = size(log)
    try wait { size(log) > start + 3000 }
    command.send(SIGKILL)
    #expect(try command.finish().code == nil)

    let broken = try Command.run(["log", "doctor", "x.mcap"], in: folder)
    #expect(broken.code == 1)
    #expect(broken.output.contains("footer-missing"))
    let before = try folder.bytes("x.mcap")
    let mend = try Command.run(["log", "recover", "x.mcap", "-o", "mended.mcap"], in: folder)
    #expect(mend.code == 0 || mend.code == 3, "\(mend.errors)")
    #expect(mend.output.isEmpty && mend.errors.contains("recovered: "))
    #expect(try folder.bytes("x.mcap") == before)
    #expect(try Command.run(["log", "doctor", "mended.mcap"], in: folder).code == 0)
    let whole = Columns(try Command.run(["log", "cat", "mended.mcap", "--format", "csv"], in: folder).output)
    #expect(whole.rows.count > 0)

    // Torn in its last chunk; wherever that is, it ends in the beginning of a record.
    try folder.write(before.dropLast(1500) + Data([6, 255, 255, 255]), to: "torn.mcap")
    let torn = try Command.run(["log", "cat", "torn.mcap", "--format", "csv"], in: folder)
    #expect(torn.code == 3)
    #expect(torn.errorLines.count == 1 && torn.errors.contains("torn.mcap"))
    let lossy = try Command.run(["log", "recover", "torn.mcap", "-o", "less.mcap", "--compression", "lz4"], in: folder)
    #expect(lossy.code == 3, "\(lossy.errors)")
    #expect(lossy.errors.contains("with losses"))
    #expect(try Command.run(["log", "doctor", "less.mcap"], in: folder).code == 0)
    let less = Columns(try Command.run(["log", "cat", "less.mcap", "--format", "csv"], in: folder).output)
    #expect(less.rows.count < whole.rows.count)
    #expect(less.rows.elementsEqual(whole.rows.prefix(less.rows.count)))
    let info = try Command.run(["log", "info", "--json", "less.mcap"], in: folder)
    #expect(info.json?["compression"] as? [String] == ["lz4"])
  }

  @Test("a reader that stops early ends cat quietly; a full disk is a failure")
  func readers() throws {
    let folder = try ScratchFolder()
    _ = try Command.run(Self.run + ["--virtual", "--episodes", "3", "--log", "x.mcap"], in: folder)
    func shell(_ script: String) throws -> Outcome {
      try Command.run(
        ["-c", "set -o pipefail; " + script, "bash", Command.executable], in: folder, executable: "/bin/bash")
    }
    let head = try shell("\"$1\" log cat x.mcap | head -n 1 | wc -l")
    #expect(head.code == 0)
    #expect(head.output.trimmingCharacters(in: .whitespaces) == "1\n")
    #expect(head.errors.isEmpty)
    let full = try shell("\"$1\" log cat x.mcap > /dev/full")
    #expect(full.code == 1)
    #expect(full.errorLines.count == 1 && full.errors.contains("standard output"))
    #expect(try shell("\"$1\" log info x.mcap --json > /dev/full").code == 1)
    let fullLog = try shell("\"$1\" run --task reacher-v5 --virtual --episodes 1 --log /dev/full")
    #expect(fullLog.code == 1)
    #expect(fullLog.errors.contains("error: the log /dev/full is incomplete: "))
  }

  @Test("a file that is no log has findings")
  func junk() throws {
    let folder = try ScratchFolder()
    try folder.writeJunk("x.mcap")
    let outcome = try Command.run(["log", "doctor", "x.mcap", "--json"], in: folder)
    #expect(outcome.code == 1)
    #expect((outcome.json?["errors"] as? Int ?? 0) > 0)
  }

  @Test("what init writes, run reads")
  func initialised() throws {
    let folder = try ScratchFolder()
    let made = try Command.run(["init", "--output", "robot.yaml"], in: folder)
    #expect(made.code == 0)
    #expect(made.output.contains("sinew run --config robot.yaml"))
    let run = try Command.run(["run", "--config", "robot.yaml", "--virtual", "--episodes", "1", "--json"], in: folder)
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.json?["task"] as? String == "reacher-v5")
    let logs = try FileManager.default.contentsOfDirectory(atPath: folder.path("logs"))
    #expect(logs.count == 1 && logs.allSatisfy { $0.hasPrefix("reacher-v5-") && $0.hasSuffix(".mcap") })
    let before = try folder.bytes("robot.yaml")
    #expect(try Command.run(["init", "--arm", "so101", "--force"], in: folder).code == 0)
    #expect(try folder.bytes("robot.yaml") != before)
    #expect(try folder.text("robot.yaml").contains("arm: so101"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.root).sorted() == ["logs", "robot.yaml"])
  }

  @Test("doctor finds this installation fit for simulation, and names a remedy for all that is not good")
  func doctor() throws {
    let folder = try ScratchFolder()
    let outcome = try Command.run(["doctor", "--json"], in: folder)
    #expect(outcome.code == 0)
    let findings = try #require(outcome.json?["findings"] as? [[String: Any]])
    #expect(findings.count > 15)
    for finding in findings where finding["grade"] as? String == "bad" { #expect(finding["remedy"] is String) }
    let subjects = findings.compactMap { $0["subject"] as? String }
    for subject in ["MuJoCo", "zstd", "lz4", "zlib", "libmd", "tasks", "disk", "kernel", "real-time scheduling"] {
      #expect(subjects.contains(subject))
    }
    let isSound = try #require(outcome.json?["is_sound"] as? Bool)
    #expect(try Command.run(["doctor", "--strict"], in: folder).code == (isSound ? 0 : 1))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.root).isEmpty)
  }

  @Test("list names everything that ships, and --show gives a file to start from")
  func list() throws {
    let folder = try ScratchFolder()
    let outcome = try Command.run(["list", "--json"], in: folder)
    let entries = try #require(outcome.json?["entries"] as? [[String: String]])
    for name in ["reacher-v5", "reach", "reach-hobby6", "reacher-sb3", "so101", "sts3215-7v4", "payload"] {
      #expect(entries.contains { $0["name"] == name })
    }
    let shown = try Command.run(["list", "tasks", "--show", "reacher-v5"], in: folder)
    try folder.write(shown.output, to: "mine.yaml")
    #expect(try Command.run(WrongInput.evaluate(task: "mine.yaml"), in: folder).code == 0)
  }

  @Test("the benches measure and say so as JSON")
  func benches() throws {
    let folder = try ScratchFolder()
    let inference = try Command.run(["bench", "inference", "--batches", "1", "--json"], in: folder)
    #expect(inference.code == 0)
    let rows = try #require(inference.json?["rows"] as? [[String: Any]])
    #expect(Set(rows.compactMap { $0["network"] as? String }) == ["A", "B", "C"])
    #expect(rows.allSatisfy { ($0["min_ns"] as? Double ?? 0) > 0 })
    let log = try Command.run(["bench", "log", "--duration", "0.5", "--folder", ".", "--json"], in: folder)
    #expect(log.code == 0 || log.code == 3, "\(log.errors)")
    #expect((log.json?["transitions"] as? Int ?? 0) > 100)
    #expect((log.json?["replayed_transitions_per_second"] as? Double ?? 0) > 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.root).isEmpty)
  }
}
