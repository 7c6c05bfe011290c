import ArmModel
import Configuration
import Foundation
import Recording
import Testing

/// A small policy for Reacher and the log of its own runs, made once.
// Nothing in it changes after `init`.
private final class FineTuningScene: @unchecked Sendable {
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

/// `sinew finetune` from outside: the update, the gate, the new bundle.
@Suite("Fine-tuning: update and gate") struct FineTuneUpdateTests {
  /// Seconds in a debug build.
  static let small = [
    "--set", "n_epochs=5", "--set", "folds=2", "--set", "gate_iterations=12", "--set", "critic_epochs=10", "--set",
    "learning_rate=0.001", "--set", "batch_size=64",
  ]

  @Test("the new policy is better, is a bundle that loads, knows its parents, and is the same for the same seed")
  func improves() throws {
    let scene = try FineTuningScene.shared.get()
    let folder = try ScratchFolder()
    for name in ["new", "again"] {
      let outcome = try Command.run(
        ["finetune", "--policy", scene.policy, "--log", scene.log, "-o", name, "--json"] + Self.small, in: folder,
        patience: 300)
      #expect(outcome.code == 0, "\(outcome.errors)")
      let figures = try #require(outcome.json)
      #expect(figures["accepted"] as? Bool == true && figures["calibrated"] as? Bool == true)
      #expect(try #require(figures["first_order_low"] as? Double) > 0)
      #expect(try #require(figures["kl"] as? Double) <= 0.02)
    }
    for name in ["policy.yaml", "weights.safetensors", "golden.csv"] {
      #expect(try folder.bytes("new/\(name)") == folder.bytes("again/\(name)"), "\(name)")
    }
    let manifest = try folder.text("new/policy.yaml")
    #expect(manifest.contains(ContentHash.sha256(try scene.folder.text("base/policy/policy.yaml"))))
    #expect(manifest.contains(try ContentHash.sha256(contentsOf: scene.log)))
    let page = try folder.text("new.report.html")
    #expect(page.contains("<svg") && page.contains("accepted") && !page.contains("http-equiv"))
    #expect(page.components(separatedBy: "src=").count == 1, "the page needs nothing else")
    func meanReturn(_ policy: String) throws -> Double {
      let played = try Command.run(
        [
          "evaluate", "--task", "reacher-v5", "--policy", policy, "--sample", "--episodes", "200", "--seed", "9",
          "--json",
        ], in: folder, patience: 120)
      #expect(played.code == 0, "\(played.errors)")
      return try #require(played.json?["mean_return"] as? Double)
    }
    // The same resets and the same noise for both.
    #expect(try meanReturn("new") > meanReturn(scene.policy))
  }

  @Test("what the data do not show is refused with its interval; the report stays, and no policy is written")
  func gate() throws {
    let scene = try FineTuningScene.shared.get()
    var accepted = 0
    // Rewards that have nothing to do with what was done: there is nothing to learn from them. An interval of 95 % lies above
    // 0 once in forty such logs.
    // SINEW_NOISE_LOGS of them; docs/fine-tuning.md has the figure for 48.
    let logs = ProcessInfo.processInfo.environment["SINEW_NOISE_LOGS"].flatMap { UInt64($0) } ?? 6
    for seed in 101...100 + logs {
      let folder = try ScratchFolder()
      var log = try LogForgery(of: scene.log)
      var state = seed &* 0xD134_2543_DE82_EF95
      for row in log.rows.indices {
        // SplitMix64.
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        let noise = Float((mixed ^ (mixed >> 31)) >> 40) / Float(1 << 23) - 1
        log.rows[row].rewardTerms = log.rows[row].rewardTerms.indices.map { $0 == 0 ? noise : 0 }
        log.rows[row].reward = noise
      }
      try log.write(to: folder.path("noise.mcap"))
      let outcome = try Command.run(
        ["finetune", "--policy", scene.policy, "--log", "noise.mcap", "-o", "new"] + Self.small, in: folder,
        patience: 300)
      guard outcome.code != 0 else {
        accepted += 1
        continue
      }
      #expect(outcome.code == 1)
      #expect(
        outcome.errors.contains("refused") && outcome.errors.contains("no policy was written"), "\(outcome.errors)")
      #expect((try? folder.bytes("new/policy.yaml")) == nil)
      #expect(try folder.text("new.report.html").contains("refused"))
    }
    if logs != 6 { print("of \(logs) logs without a signal \(accepted) were accepted") }
    #expect(accepted <= max(1, logs / 10))
  }

  @Test("the limits of KL and of the effective sample size end the update")
  func limits() throws {
    let scene = try FineTuningScene.shared.get()
    for (setting, words) in [("target_kl=0.0005", "KL limit"), ("min_ess=0.999", "effective sample size fell")] {
      let outcome = try Command.run(
        ["finetune", "--policy", scene.policy, "--log", scene.log, "-o", "new", "--json"] + Self.small
          + ["--set", setting], in: ScratchFolder(), patience: 300)
      let figures = try #require(outcome.json)
      #expect(try #require(figures["ending"] as? String).contains(words))
      #expect(try #require(figures["kl"] as? Double) <= 0.0005 || setting.hasPrefix("min_ess"))
      #expect(try #require(figures["effective_sample_size"] as? Double) >= 0.999 || setting.hasPrefix("target"))
    }
  }

  @Test("numbers that are not finite end it with the layer's name, and nothing is written")
  func notFinite() throws {
    let scene = try FineTuningScene.shared.get()
    let folder = try ScratchFolder()
    let outcome = try Command.run(
      ["finetune", "--policy", scene.policy, "--log", scene.log, "-o", "new"] + Self.small
        + ["--set", "learning_rate=1e30"], in: folder, patience: 300)
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("not finite"), "\(outcome.errors)")
    #expect((try? folder.bytes("new/policy.yaml")) == nil)
  }

  @Test(
    "data or settings that cannot serve are refused",
    arguments: [
      (["--set", "min_rows=100000"], "3000 of 3000 rows have an importance ratio"),
      (["--set", "min_episodes=61"], "60 episodes"), (["--set", "target_kl=x"], "target_kl=x"),
      (["--set", "gate=none"], "gate=none: must be first_order or both"),
      (["--set", "log_std=2"], "log_std=2: must be free or fixed"),
      (["--set", "parameters=some"], "parameters=some: must be all, last or bias"),
      (["--set", "learning_rat=1"], "there are: gamma"), (["--memory", "0"], "--memory"),
      (["--report", "there.html"], "there.html: exists already"), (["-o", "taken"], "error: taken: exists already"),
    ])
  func refused(_ arguments: [String], _ expected: String) throws {
    let scene = try FineTuningScene.shared.get()
    let folder = try ScratchFolder()
    try folder.write("", to: "there.html")
    try folder.makeFolder("taken")
    try folder.write("", to: "taken.report.html")
    var all = ["finetune", "--policy", scene.policy, "--log", scene.log] + arguments
    if !arguments.contains("-o") { all += ["-o", "new"] }
    let outcome = try Command.run(all, in: folder, patience: 60)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains(expected), "\(outcome.errors)")
  }

  @Test(
    "a place that cannot be written to is refused before a log is read, and nothing stays of the attempt",
    arguments: [
      (["-o", "new", "--report", "/proc/x/y.html"], "/proc/x/y.html: cannot be written"),
      (["-o", "new", "--report", "no/such/folder.html"], "no/such/folder.html: cannot be written"),
      (["-o", "new", "--report", "new/page.html"], "name a --report outside of it"),
      (["-o", "new", "--report", "new"], "name a --report outside of it"),
      (["-o", "new", "--report", "file/page.html"], "file/page.html: cannot be written"),
      (["-o", "new", "--report", "nowhere.html"], "nowhere.html: exists already"),
      (["-o", "/proc/x/new"], "/proc/x: cannot be made"), (["-o", "/proc/new"], "/proc/new: cannot be made"),
      (["-o", "file/new"], "file/new: cannot be made"),
    ])
  func unwritable(_ arguments: [String], _ expected: String) throws {
    let scene = try FineTuningScene.shared.get()
    let folder = try ScratchFolder()
    try folder.write("", to: "file")
    try folder.makeLink("nowhere.html", to: "gone")
    let before = try folder.snapshot()
    // There is no such log: what is said is about the place.
    let outcome = try Command.run(
      ["finetune", "--policy", scene.policy, "--log", "missing.mcap"] + arguments, in: folder, patience: 60)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains(expected), "\(outcome.errors)")
    #expect(try folder.snapshot() == before)
  }

  @Test("where only the report fails in the end, it says so and what was written")
  func reportFails() throws {
    let scene = try FineTuningScene.shared.get()
    let folder = try ScratchFolder()
    // Files may have 6 or 12 kB, as the shell counts: enough for the bundle, not for the page.
    let outcome = try Command.run(
      [
        "-c", "trap '' XFSZ; ulimit -f 12; exec \"$0\" \"$@\"", Command.executable, "finetune", "--policy",
        scene.policy,
        "--log", scene.log, "-o", "in/new", "--json",
      ] + Self.small, in: folder, executable: "/bin/sh", patience: 300)
    #expect(outcome.code == 3, "\(outcome.errors)")
    #expect(outcome.errors.contains("in/new.report.html: cannot be written: File too large"), "\(outcome.errors)")
    #expect(outcome.errors.contains("the new policy is written all the same, to in/new; only its report is missing"))
    let figures = try #require(outcome.json)
    #expect(figures["policy"] as? String == "in/new" && figures["report"] == nil)
    #expect(try folder.text("in/new/policy.yaml").contains("offline-ppo"))
    #expect(try folder.snapshot().allSatisfy { !$0.contains("report") })
  }

  @Test("where the estimator has not looked far enough ahead, the refusal names the setting that mends it")
  func calibration() throws {
    let scene = try FineTuningScene.shared.get()
    let folder = try ScratchFolder()
    // With 12 rounds the same log is calibrated: see above.
    let outcome = try Command.run(
      ["finetune", "--policy", scene.policy, "--log", scene.log, "-o", "new"] + Self.small
        + ["--set", "gate_iterations=1", "--set", "n_epochs=1", "--set", "critic_epochs=2"], in: folder, patience: 300)
    #expect(outcome.code == 1)
    for words in ["no verdict", "raise gate_iterations, now 1", "far enough ahead for gamma 0.99"] {
      #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }
    #expect(!outcome.errors.contains("record more"))
  }

  @Test(
    "a policy of 'sinew train' that cannot be fine-tuned is refused for what it is, with those that can be",
    arguments: [
      (
        ["--algorithm", "td3", "--set", "net_arch=[16]", "--set", "learning_starts=100"],
        ["made by td3", "deterministic"]
      ),
      (
        TrainTests.small + ["--set", "rnn_type=gru", "--set", "rnn_hidden_dim=8"],
        ["made by ppo", "memory (GRU or LSTM)"]
      ),
    ])
  func unfitTraining(_ settings: [String], _ words: [String]) throws {
    let scene = try FineTuningScene.shared.get()
    let folder = try ScratchFolder()
    let trained = try Command.run(
      ["train", "--task", "reacher-v5", "--steps", "512", "--output", "run"] + settings, in: folder, patience: 180)
    try #require(trained.code == 0, "\(trained.errors)")
    let outcome = try Command.run(
      ["finetune", "--policy", "run/policy", "--log", scene.log, "-o", "new"], in: folder, patience: 60)
    #expect(outcome.code == 2)
    for words in words + ["a Gaussian policy without memory", "ppo, trpo, a2c, actor-critic or reinforce"] {
      #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }
  }

  @Test("a deterministic policy and a graph are refused: they have no density, or cannot learn")
  func unfit() throws {
    let scene = try FineTuningScene.shared.get()
    let outcome = try Command.run(
      ["finetune", "--policy", "reacher-sb3", "--log", scene.log, "-o", "new"], in: ScratchFolder(), patience: 60)
    #expect(outcome.code == 2, "\(outcome.errors)")
    #expect(outcome.errors.contains("cannot go on learning") || outcome.errors.contains("density"), "\(outcome.errors)")
  }
}
