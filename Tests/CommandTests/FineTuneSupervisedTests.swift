import ArmModel
import Foundation
import Recording
import Testing

/// A supervised run: a policy moves a simulated arm while a recorded person holds enable, and the person takes over once
/// in every episode. Made once.
// Nothing in it changes after `init`.
private final class SupervisedScene: @unchecked Sendable {
  let folder: ScratchFolder
  var log: String { folder.path("supervised.mcap") }
  let steps: [Transition]
  /// Episodes that the person threw away.
  static let discarded: Set<UInt32> = [4, 9]
  static let episodes = 14

  static let shared: Result<SupervisedScene, any Error> = Result { try SupervisedScene() }

  init() throws {
    folder = try ScratchFolder()
    var pad = try PadScript()
    pad.wait(1)
    pad.press(.start)
    pad.wait(0.5)
    pad.hold(.enable)
    pad.wait(0.5)
    for episode in 0..<Self.episodes {
      pad.press(.start)
      pad.wait(1.5)
      // Longer than the task's time limit of 4 s: a person ends these episodes.
      pad.push(right: episode % 2 == 0 ? 0.6 : -0.6, back: -0.4, seconds: 0.6)
      pad.letGo(.enable)
      pad.wait(0.3)
      pad.hold(.enable)
      pad.wait(0.3)
      pad.press(.start)
      pad.wait(2.2)
      pad.press(Self.discarded.contains(UInt32(episode)) ? .discard : .success)
      pad.wait(0.5)
    }
    pad.letGo(.enable)
    pad.wait(1)
    try folder.write(pad.text, to: "person.evemu")
    let played = try Command.run(
      [
        "run", "--supervised", "--task", "reach", "--policy", "reach", "--sample", "--recording", "person.evemu",
        "--virtual", "--log", "supervised.mcap", "--json",
      ], in: folder, patience: 300)
    guard played.code == 0 else { throw Command.Failure(description: played.errors) }
    steps = try TransitionLog.read(path: folder.path("supervised.mcap")).transitions
  }

  /// Arguments of every fine-tuning here: seconds in a debug build.
  var arguments: [String] {
    ["finetune", "--policy", "reach", "--log", log, "--altered", "keep"] + FineTuneUpdateTests.small
      + ["--set", "n_epochs=2"]
  }
}

/// `sinew finetune` on the logs of `sinew run --supervised`.
@Suite("Fine-tuning: supervised runs") struct FineTuneSupervisedTests {
  @Test("a person's rows are apart from the policy's, and thrown-away episodes are left out")
  func examined() throws {
    let scene = try SupervisedScene.shared.get()
    let kept = scene.steps.filter { !SupervisedScene.discarded.contains($0.episode) }
    #expect(Set(scene.steps.map(\.episode)).count == SupervisedScene.episodes)
    #expect(kept.contains { $0.stepInEpisode >= 200 }, "the person's episodes are longer than the task's")
    let outcome = try Command.run(scene.arguments + ["--check", "--json"], in: ScratchFolder(), patience: 60)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let figures = try #require(outcome.json)
    let kinds = try #require(figures["rows_by_kind"] as? [String: Int])
    let persons = kept.count { $0.flags.contains(.intervention) || $0.source == .person || $0.source == .blend }
    #expect(kinds["person"] == persons && persons > 12 * 20)
    let policys = kept.count { $0.source == .policy && !$0.flags.contains(.intervention) }
    let counted = try ["ratio", "altered", "offGrid"].reduce(0) { $0 + (try #require(kinds[$1])) }
    #expect(counted == policys && policys > 12 * 50)
    #expect(figures["episodes"] as? Int == SupervisedScene.episodes - SupervisedScene.discarded.count)
    let logs = try #require(figures["logs"] as? [[String: Any]])
    #expect(logs[0]["discarded_episodes"] as? Int == SupervisedScene.discarded.count)
  }

  @Test("a person's rows change the critic and, where imitation is asked for, the policy; their actions have no ratio")
  func imitated() throws {
    let scene = try SupervisedScene.shared.get()
    let folder = try ScratchFolder()
    var figures: [[String: Any]] = []
    for weight in ["0", "1"] {
      let outcome = try Command.run(
        scene.arguments + [
          "-o", "new\(weight)", "--json", "--set", "imitation=\(weight)", "--set", "target_kl=10", "--set", "min_ess=0",
        ],
        in: folder, patience: 300)
      #expect(outcome.code == 0 || outcome.errors.contains("refused"), "\(outcome.errors)")
      figures.append(try #require(outcome.json))
    }
    let kinds = try #require(figures[0]["rows_by_kind"] as? [String: Int])
    #expect(try #require(kinds["person"]) > 0)
    // Imitation moves the policy towards the person, which may be nearer to the one that made the data than where it goes
    // without.
    let distances = try figures.map { try #require($0["kl"] as? Double) }
    #expect(distances[1] != distances[0])
    let likelihoods = try figures.map { try #require($0["person_log_likelihood"] as? Double) }
    #expect(likelihoods[1] > likelihoods[0])
  }

  @Test("an end that no person's word and no rule of the task explains is still refused")
  func forgedEnd() throws {
    let scene = try SupervisedScene.shared.get()
    let folder = try ScratchFolder()
    var log = try LogForgery(of: scene.log)
    // The events that say who ended the episodes are gone.
    log.events = []
    try log.write(to: folder.path("silent.mcap"))
    let outcome = try Command.run(
      ["finetune", "--policy", "reach", "--log", "silent.mcap", "--check"], in: folder, patience: 60)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("episode 0, step"), "\(outcome.errors)")
    #expect(outcome.errors.contains("never terminates"), "\(outcome.errors)")
  }
}
