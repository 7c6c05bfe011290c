import Foundation
import Testing

/// What `sinew train` says about settings, and what it makes of them.
@Suite("Training settings") struct TrainSettingsTests {
  @Test(
    "a mistake in the user's file is named with its own line, whatever options say besides",
    arguments: [
      ("seed: 3\nparameters:\n  # a comment\n  gamma: 2\ntask: pendulum-v1\n", [], "b.yaml:4:10: "),
      ("seed: 3\nn_env: 4\n", ["--task", "pendulum-v1"], "b.yaml:2:1: unknown key 'n_env'"),
      ("task: pendulum-v1\n\nseed: x\n", ["--set", "gamma=0.9", "--algorithm", "a2c"], "b.yaml:3:7: seed"),
      ("task: reacher-v5\nperturbations:\n  - latency=x\n", [], "b.yaml:3:5: perturbations[0]: "),
    ])
  func places(_ text: String, _ options: [String], _ expected: String) throws {
    let folder = try ScratchFolder()
    try folder.write(text, to: "b.yaml")
    let outcome = try Command.run(["train", "--config", "b.yaml", "--output", "run"] + options, in: folder)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("error: " + expected), "\(outcome.errors)")
    #expect((try? folder.bytes("run/settings.yaml")) == nil)
  }

  @Test(
    "an option's mistake is named by the option",
    arguments: [
      (["--set", "gamma=2"], "--set gamma=2: gamma"), (["--set", "net_arch=["], "--set net_arch=[: "),
      (["--envs", "5000"], "--envs 5000: n_envs"), (["--set", "eval_freq=-1"], "--set eval_freq=-1: eval_freq"),
      (["--perturb", "payload=[0,0.2]"], "--perturb 'payload=[0,0.2]': "),
      (["--perturb", "backlash=0.01", "--perturb", "nosuch=1"], "--perturb 'nosuch=1': "),
      (["--set", "seed=3"], "--seed"),
    ])
  func options(_ options: [String], _ expected: String) throws {
    let folder = try ScratchFolder()
    try folder.write("task: reacher-v5\n\nparameters: {gamma: 0.9}\nseed: 4\n", to: "a.yaml")
    let outcome = try Command.run(["train", "--config", "a.yaml", "--output", "run"] + options, in: folder)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains(expected) && !outcome.errors.contains("a.yaml:"), "\(outcome.errors)")
  }

  @Test("perturbations of options and of a file are merged by name, options win")
  func perturbations() throws {
    let folder = try ScratchFolder()
    try folder.write("task: reacher-v5\nperturbations: [payload=0.1, backlash=0.01]\n", to: "a.yaml")
    let outcome = try Command.run(
      [
        "train", "--config", "a.yaml", "--output", "run", "--steps", "256", "--perturb", "payload=0.2", "--perturb",
        "sensor_noise=0.001",
      ] + TrainTests.small, in: folder, patience: 60)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(
      try folder.text("run/settings.yaml").contains(
        "perturbations: [\"backlash=0.01\", payload=0.2, sensor_noise=0.001]\n"))
  }

  @Test("settings of the run that have no option are taken by --set")
  func settingsOfRun() throws {
    let folder = try ScratchFolder()
    let outcome = try Command.run(
      [
        "train", "--task", "pendulum-v1", "--output", "run", "--steps", "768", "--set", "eval_freq=256", "--set",
        "n_eval_episodes=2", "--set", "normalize_reward=false", "--json",
      ] + TrainTests.small, in: folder, patience: 60)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.json?["evaluation_episodes"] as? Int == 2)
    // The last row has the evaluation of the policy that was kept.
    let evaluations = try Columns(try folder.text("run/curve.csv")).values("eval_return")
    let last = try #require(outcome.json?["evaluation_mean_return"] as? Double)
    #expect(evaluations.count == 3)
    #expect(abs(try #require(evaluations.last) - last) <= 1e-4 * abs(last))
    // Lines of the help break anywhere.
    let help = try Command.run(["train", "--help"], in: folder).output.split(whereSeparator: \.isWhitespace)
      .joined(separator: " ")
    for name in ["eval_freq", "n_eval_episodes", "checkpoint_interval", "normalize_observation", "--episodes 50"] {
      #expect(help.contains(name), "\(name)")
    }
  }

  @Test(
    "settings that need more memory than there is are refused before anything is written",
    arguments: ["ppo", "a2c"])
  func memory(_ algorithm: String) throws {
    let folder = try ScratchFolder()
    let outcome = try Command.run(
      [
        "train", "--task", "pendulum-v1", "--output", "run", "--algorithm", algorithm, "--envs", "4096", "--set",
        "n_steps=1000000",
      ], in: folder)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("GiB of memory") && outcome.errors.contains("n_steps"), "\(outcome.errors)")
    #expect(try folder.snapshot().isEmpty)
  }

  @Test("a size of the recurrent layer without its kind is refused, with the remedy")
  func idleSetting() throws {
    let outcome = try Command.run(
      ["train", "--task", "pendulum-v1", "--set", "rnn_hidden_dim=64", "--output", "run"], in: ScratchFolder())
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("rnn_hidden_dim") && outcome.errors.contains("rnn_type"), "\(outcome.errors)")
  }

  @Test("the pendulum is named among what can be trained, and as nothing that an arm can play")
  func pendulum() throws {
    let folder = try ScratchFolder()
    let unknown = try Command.run(["train", "--task", "nosuch"], in: folder)
    #expect(unknown.code == 2)
    for name in ["pendulum-v1", "reach", "reacher-v5"] { #expect(unknown.errors.contains(name), "\(unknown.errors)") }
    for command in ["evaluate", "run"] {
      let outcome = try Command.run([command, "--task", "pendulum-v1"], in: folder)
      #expect(outcome.code == 2)
      #expect(outcome.errors.contains("sinew train"), "\(outcome.errors)")
    }
  }

  @Test("continuing a finished run says that it is finished and where its policy is, and changes nothing")
  func finished() throws {
    let folder = try ScratchFolder()
    let first = try Command.run(
      ["train", "--task", "pendulum-v1", "--steps", "1024", "--output", "run", "--json"] + TrainTests.small, in: folder,
      patience: 60)
    #expect(first.code == 0, "\(first.errors)")
    let before = try folder.snapshot()
    let text = try Command.run(["train", "--resume", "run"], in: folder, patience: 60)
    #expect(text.code == 0)
    #expect(text.output.contains("finished") && text.output.contains("run/policy"), "\(text.output)")
    #expect(text.output.contains("1024 steps") && !text.output.contains("nan"), "\(text.output)")
    let again = try Command.run(["train", "--resume", "run", "--json"], in: folder, patience: 60)
    #expect(again.json?["evaluation_mean_return"] as? Double == first.json?["evaluation_mean_return"] as? Double)
    #expect(again.json?["steps"] as? Int == 1024)
    #expect(try folder.snapshot() == before)
  }
}
