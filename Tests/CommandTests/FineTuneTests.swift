import ArmModel
import Configuration
import Foundation
import Recording
import Testing

/// A small policy for Reacher and the log of its own runs, made once.
// Nothing in it changes after `init`.
final class FineTuningScene: @unchecked Sendable {
  let folder: ScratchFolder
  var policy: String { folder.path("base/policy") }
  var other: String { folder.path("other/policy") }
  var log: String { folder.path("log.mcap") }

  static let shared: Result<FineTuningScene, any Error> = Result { try FineTuningScene() }

  init() throws {
    folder = try ScratchFolder()
    for (name, seed) in [("base", "1"), ("other", "2")] {
      let trained = try Command.run(
        ["train", "--task", "reacher-v5", "--steps", "2048", "--seed", seed, "--output", name] + TrainTests.small,
        in: folder, patience: 180)
      guard trained.code == 0 else { throw Command.Failure(description: trained.errors) }
    }
    let played = try Command.run(
      [
        "evaluate", "--task", "reacher-v5", "--policy", "base/policy", "--sample", "--episodes", "60", "--seed", "7",
        "--log", "log.mcap",
      ], in: folder, patience: 120)
    guard played.code == 0 else { throw Command.Failure(description: played.errors) }
  }
}

/// `sinew finetune` from outside: what the examination of logs catches.
@Suite("Fine-tuning: examination of logs") struct FineTuneExaminationTests {
  /// A fault in a log, and what the refusal must say.
  struct Fault: Sendable, CustomTestStringConvertible {
    let name: String
    /// Episode and step that the refusal must name; nil where it concerns the whole log.
    let place: (Int, Int)?
    let words: [String]
    let plant: @Sendable (inout LogForgery) throws -> Void
    var testDescription: String { name }
  }

  /// The first row from `start` on whose sampled action lies outside the box.
  private static func clipped(_ log: LogForgery, from start: Int) -> Int {
    log.rows.indices.first { $0 >= start && log.rows[$0].rawAction != log.rows[$0].action } ?? start
  }

  static let faults: [Fault] = [
    Fault(
      name: "the clamped action stored for the sampled one", place: nil, words: ["clamped", "log π", "before the clip"]
    ) { log in
      for row in log.rows.indices { log.rows[row].rawAction = log.rows[row].action }
    },
    Fault(
      name: "the clamped action stored with its own log-probability", place: nil,
      words: ["exactly on the edge of the action box", "before the clip"]
    ) { log in
      for row in log.rows.indices {
        log.rows[row].rawAction = log.rows[row].action
        var sum = 0.0
        for index in log.rows[row].action.indices {
          let sigma = Double(log.rows[row].actionLogStandardDeviation[index])
          let z = Double(log.rows[row].action[index] - log.rows[row].actionMean[index]) * exp(-sigma)
          sum -= 0.5 * z * z + sigma + 0.5 * log_2π
        }
        log.rows[row].logProbability = Float(sum)
      }
    },
    Fault(
      name: "another normaliser on the same weights", place: nil, words: ["the same weights with another normaliser"]
    ) { log in
      for index in log.attachments.indices where log.attachments[index].name == "policy.yaml" {
        let text = String(decoding: log.attachments[index].data, as: UTF8.self).replacing(
          "epsilon: 1e-08", with: "epsilon: 0.01")
        log.attachments[index].data = Array(text.utf8)
        log.metadata["policy", default: [:]]["sha256"] = ContentHash.sha256(text)
      }
    },
    Fault(
      name: "another normaliser under the right hash", place: (0, 0),
      words: ["another distribution", "give the policy that made the log"]
    ) { log in
      for row in log.rows.indices {
        for index in log.rows[row].rawAction.indices {
          log.rows[row].actionMean[index] += 0.2
          log.rows[row].rawAction[index] += 0.2
        }
      }
    },
    Fault(name: "another policy", place: nil, words: ["another policy made it"]) { log in
      log.metadata["policy", default: [:]]["sha256"] = String(repeating: "0", count: 64)
      log.attachments.removeAll { $0.name == "policy.yaml" }
    },
    Fault(
      name: "the time limit marked as a termination", place: (3, 49), words: ["time limit of 50 steps", "truncation"]
    ) { log in log.rows[log.place(3, 49)].flags = [.terminated] },
    Fault(name: "a termination in a task without one", place: (3, 49), words: ["never terminates"]) { log in
      log.rows[log.place(3, 49)].flags = [.terminated, .truncated]
    },
    Fault(
      name: "the proposal stored for an intervention", place: (2, 10),
      words: ["a person commanded", "store the executed command"]
    ) { log in
      for step in 10..<20 {
        let row = log.place(2, step)
        log.rows[row].source = .person
        log.rows[row].flags.insert(.intervention)
      }
    },
    Fault(
      name: "an intervention that the rows do not mark", place: (2, 10), words: ["not the proposed", "must say so"]
    ) { log in
      for step in 10..<20 { log.rows[log.place(2, step)].command[0] += 5 }
    },
    Fault(
      name: "an intervention that only the events know", place: (2, 10),
      words: ["by the log's events a person commanded"]
    ) { log in
      let stamp = log.rows[log.place(2, 10)].stamp
      log.events = [
        (.sourceChanged, stamp, Int64(CommandSource.person.rawValue), Int64(CommandSource.policy.rawValue)),
        (.sourceChanged, stamp + 100_000_000, 1, 2),
      ]
    },
    Fault(name: "rows shuffled within an episode", place: nil, words: ["random order", "shuffled", "episode 4, step"]) {
      log in
      let first = log.place(4, 0)
      let rows = Array(log.rows[first..<(first + 49)])
      for (index, other) in rows.indices.map({ ($0, ($0 * 23 + 7) % 49) }) {
        var row = rows[other]
        (row.step, row.stamp) = (rows[index].step, rows[index].stamp)
        row.stepInEpisode = rows[index].stepInEpisode
        log.rows[first + index] = row
      }
    },
    Fault(name: "actions shuffled among the rows", place: (0, 0), words: ["log π of the stored action"]) { log in
      let raw = log.rows.map(\.rawAction)
      for row in log.rows.indices { log.rows[row].rawAction = raw[(row * 7 + 3) % raw.count] }
    },
    Fault(name: "a lost row", place: (2, 18), words: ["1 rows before this one are missing", "--skip-lossy"]) { log in
      log.rows.remove(at: log.place(2, 17))
    },
    Fault(name: "a log that says it is lossy", place: nil, words: ["the log is lossy", "--skip-lossy"]) { log in
      log.metadata["session", default: [:]]["lossy"] = "true"
      log.metadata["session", default: [:]]["dropped"] = "3"
    },
    Fault(name: "joints in another order", place: nil, words: ["joint2, joint1", "order"]) { log in
      log.joints.reverse()
    },
    Fault(
      name: "action names in the metadata in another order", place: nil,
      words: [
        "number 1 of 2 is 'joint2' in its metadata (task.action_names), 'joint1' in its task, 'joint1' in the policy",
        "as it was recorded",
      ]
    ) { log in
      let names = log.metadata["task"]?["action_names"]?.split(separator: ",") ?? []
      log.metadata["task", default: [:]]["action_names"] = names.reversed().joined(separator: ",")
    },
    Fault(
      name: "observation names in the metadata in another order", place: nil,
      words: ["observations do not agree", "task.observation_names", "'fingertip-target.y' in its metadata"]
    ) { log in
      let names = log.metadata["task"]?["observation_names"]?.split(separator: ",") ?? []
      log.metadata["task", default: [:]]["observation_names"] = names.reversed().joined(separator: ",")
    },
    Fault(
      name: "observation names in the metadata without the last", place: nil,
      words: ["number 10 of 10 is missing in its metadata", "'fingertip-target.y' in its task"]
    ) { log in
      let names = log.metadata["task"]?["observation_names"]?.split(separator: ",") ?? []
      log.metadata["task", default: [:]]["observation_names"] = names.dropLast().joined(separator: ",")
    },
    Fault(
      name: "another policy rate in the metadata", place: nil,
      words: ["the policy ran at 25.0 Hz, by its task at 50.0, the policy's is 50.0", "as it was recorded"]
    ) { log in log.metadata["session", default: [:]]["policy_rate_hz"] = "25.0" },
    Fault(
      name: "a control rate in the metadata at which the task cannot be played", place: nil,
      words: ["the loop ran at 30.0 Hz, which is no multiple of its task's 50.0 Hz"]
    ) { log in log.metadata["session", default: [:]]["control_rate_hz"] = "30.0" },
    Fault(name: "columns in another joint order", place: (0, 0), words: ["joint_velocity.joint1", "joint orders"]) {
      log in
      for row in log.rows.indices { log.rows[row].velocity.reverse() }
    },
    Fault(name: "the mean action", place: nil, words: ["mean action", "--sample"]) { log in
      log.metadata["session", default: [:]]["selection"] = "mean"
    },
    Fault(name: "an observation that is not a number", place: (5, 6), words: ["observation is not finite"]) { log in
      log.rows[log.place(5, 6)].observation[0] = .nan
    },
    Fault(name: "another reward", place: (5, 6), words: ["its terms sum to"]) { log in
      log.rows[log.place(5, 6)].reward += 1
    },
    Fault(name: "the observation after the reset", place: (5, 49), words: ["first one of the next episode"]) { log in
      log.rows[log.place(5, 49)].finalObservation = log.rows[log.place(6, 0)].observation
    },
    Fault(name: "no final observation", place: (5, 49), words: ["without its final observation"]) { log in
      log.rows[log.place(5, 49)].finalObservation = []
    },
  ]

  @Test("a planted fault is refused by name, with the row and the remedy, and nothing is written", arguments: faults)
  func refused(_ fault: Fault) throws {
    let scene = try FineTuningScene.shared.get()
    let folder = try ScratchFolder()
    var log = try LogForgery(of: scene.log)
    try fault.plant(&log)
    try log.write(to: folder.path("bad.mcap"))
    let before = try folder.snapshot()
    let outcome = try Command.run(
      ["finetune", "--policy", scene.policy, "--log", "bad.mcap", "-o", "new"], in: folder, patience: 60)
    #expect(outcome.code == 2, "\(outcome.errors)")
    #expect(outcome.errorLines.count == 1)
    for word in fault.words { #expect(outcome.errors.contains(word), "'\(word)' in: \(outcome.errors)") }
    #expect(outcome.errors.contains("bad.mcap"))
    if let place = fault.place {
      #expect(outcome.errors.contains("episode \(place.0), step \(place.1):"), "\(outcome.errors)")
    }
    #expect(try folder.snapshot() == before)
  }

  @Test("a log that was only written again is sound")
  func faithful() throws {
    let scene = try FineTuningScene.shared.get()
    let folder = try ScratchFolder()
    try LogForgery(of: scene.log).write(to: folder.path("same.mcap"))
    let outcome = try Command.run(
      ["finetune", "--policy", scene.policy, "--log", "same.mcap", "--check", "--json"], in: folder, patience: 60)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let kinds = try #require(outcome.json?["rows_by_kind"] as? [String: Int])
    #expect(kinds["ratio"] == 3000)
  }

  @Test("the policy that did not make the log is refused")
  func wrongPolicy() throws {
    let scene = try FineTuningScene.shared.get()
    let outcome = try Command.run(
      ["finetune", "--policy", scene.other, "--log", scene.log, "-o", "new"], in: ScratchFolder(), patience: 60)
    #expect(outcome.code == 2 && outcome.errors.contains("another policy made it"))
  }

  @Test("broken episodes are left out when that is asked for, and only those")
  func skipLossy() throws {
    let scene = try FineTuningScene.shared.get()
    let folder = try ScratchFolder()
    var log = try LogForgery(of: scene.log)
    log.rows.remove(at: log.place(2, 17))
    try log.write(to: folder.path("lossy.mcap"))
    let outcome = try Command.run(
      ["finetune", "--policy", scene.policy, "--log", "lossy.mcap", "--check", "--json", "--skip-lossy"], in: folder,
      patience: 60)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.json?["episodes"] as? Int == 59)
    let logs = try #require(outcome.json?["logs"] as? [[String: Any]])
    #expect(logs[0]["skipped_episodes"] as? Int == 1)
  }

  @Test("a person's rows, stored as executed, pass and have no ratio")
  func person() throws {
    let scene = try FineTuningScene.shared.get()
    let folder = try ScratchFolder()
    var log = try LogForgery(of: scene.log)
    for episode in 0..<10 {
      for step in 10..<20 {
        let row = log.place(episode, step)
        log.rows[row].source = .person
        log.rows[row].flags.insert(.intervention)
        log.rows[row].command = [50, -20 - Float(step)]
      }
    }
    try log.write(to: folder.path("helped.mcap"))
    let outcome = try Command.run(
      ["finetune", "--policy", scene.policy, "--log", "helped.mcap", "--check", "--json"], in: folder, patience: 60)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let kinds = try #require(outcome.json?["rows_by_kind"] as? [String: Int])
    #expect(kinds["person"] == 100 && kinds["ratio"] == 2900)
  }

  @Test("a log that was cut off is refused with the way to mend it; the same log twice is refused")
  func cutAndTwice() throws {
    let scene = try FineTuningScene.shared.get()
    let folder = try ScratchFolder()
    let bytes = try scene.folder.bytes("log.mcap")
    try folder.write(bytes.prefix(bytes.count * 2 / 3), to: "cut.mcap")
    let cut = try Command.run(
      ["finetune", "--policy", scene.policy, "--log", "cut.mcap", "-o", "new"], in: folder, patience: 60)
    #expect(cut.code == 2 && cut.errors.contains("sinew log recover"), "\(cut.errors)")
    try folder.write(bytes, to: "copy.mcap")
    let twice = try Command.run(
      ["finetune", "--policy", scene.policy, "--log", scene.log, "copy.mcap", "-o", "new"], in: folder, patience: 60)
    #expect(twice.code == 2 && twice.errors.contains("would count twice"), "\(twice.errors)")
  }

  @Test("a log that was cut off and recovered is refused with what became of it, and its whole episodes can be taken")
  func recovered() throws {
    let scene = try FineTuningScene.shared.get()
    let folder = try ScratchFolder()
    let bytes = try scene.folder.bytes("log.mcap")
    try folder.write(bytes.prefix(bytes.count * 2 / 3), to: "cut.mcap")
    let mending = try Command.run(["log", "recover", "cut.mcap", "-o", "mended.mcap"], in: folder, patience: 60)
    #expect(mending.code == 3, "\(mending.errors)")
    let check = ["finetune", "--policy", scene.policy, "--log", "mended.mcap", "--check"]
    let refused = try Command.run(check, in: folder, patience: 60)
    #expect(refused.code == 2)
    let found = try #require(
      refused.errors.firstMatch(
        of: /recovered after it was cut off, .*; its (\d+) whole episodes can be used: --skip-lossy/),
      "\(refused.errors)")
    #expect(!refused.errors.contains("0 records") && !refused.errors.contains("ring"))
    let taken = try Command.run(check + ["--skip-lossy", "--json"], in: folder, patience: 60)
    #expect(taken.code == 0, "\(taken.errors)")
    #expect(taken.json?["episodes"] as? Int == Int(found.1))
  }
}

private let log_2π = 1.8378770664093453
