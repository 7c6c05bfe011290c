import Configuration
import Foundation
import Testing

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
