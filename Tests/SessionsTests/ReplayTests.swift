import ArmModel
import Control
import LoopTestSupport
import Recording
import Sessions
import Testing

/// A recorded episode, done again.
@Suite struct ReplayTests {
  /// A log of `reach` in simulation, two episodes of 50 steps.
  private func record(_ folder: TemporaryFolder) throws -> String {
    let path = folder.file("recorded.mcap")
    var plan = try plan(task: "reach", policy: DensePolicy.reach().write(to: folder), episodes: 2, log: path)
    plan.task.timeLimitSteps = 50
    plan.profile = "so101"
    plan.interpolation = .linear
    #expect(try run(plan).ending == .completed)
    return path
  }

  @Test func `A replay in simulation goes where the recording went`() throws {
    let folder = try TemporaryFolder()
    let replay = try ReplayLog(path: record(folder), episode: 1)
    #expect(replay.stepCount == 50 && replay.joints.count == 6 && replay.model == "so101")
    let report = try run(replay.plan(speed: 1))
    let errors = try #require(report.playback)
    #expect(report.ending == .completed)
    for joint in 0..<6 {
      #expect(errors.fromRecording(joint).most < 0.02, "joint \(joint): \(errors.fromRecording(joint))")
      #expect(errors.fromCommand(joint).most < 0.4)
    }
  }

  @Test func `At half the speed it takes twice as long and lags less`() throws {
    let folder = try TemporaryFolder()
    let replay = try ReplayLog(path: record(folder), episode: 0)
    let full = try run(replay.plan(speed: 1))
    let half = try run(replay.plan(speed: 0.5))
    #expect(abs(half.loopSeconds - 2 * full.loopSeconds) < 0.2)
    let (fast, slow) = (try #require(full.playback), try #require(half.playback))
    #expect(slow.fromCommand(0).rms < fast.fromCommand(0).rms)
  }

  @Test func `The commands of a replay are those of the recording`() throws {
    let folder = try TemporaryFolder()
    let path = try record(folder)
    var plan = try ReplayLog(path: path, episode: 0).plan(speed: 1)
    plan.profile = "so101"
    plan.log = folder.file("again.mcap")
    #expect(try run(plan).ending == .completed)
    let wanted = try LogContents(path: path).transitions.filter { $0.episode == 0 }
    let found = try LogContents(path: folder.file("again.mcap")).transitions
    #expect(found.count == wanted.count + 1)
    for (one, other) in zip(wanted, found) {
      for (a, b) in zip(one.command, other.proposal) { #expect(abs(a - b) < 1e-5) }
    }
  }

  @Test(arguments: [(0.0, "speed"), (3, "speed")])
  func `A speed that is none is refused`(speed: Double, word: String) throws {
    let folder = try TemporaryFolder()
    let replay = try ReplayLog(path: record(folder), episode: nil)
    let error = #expect(throws: SessionError.self) { _ = try replay.plan(speed: speed) }
    #expect(error?.description.contains(word) == true)
  }

  @Test func `An episode that is not there, and a log without its end, are refused`() throws {
    let folder = try TemporaryFolder()
    let path = try record(folder)
    let missing = #expect(throws: SessionError.self) { _ = try ReplayLog(path: path, episode: 7) }
    #expect(missing?.description.contains("0 to 1") == true)
    let bytes = try #require(try? folder.bytes("recorded.mcap"))
    try folder.write("cut.mcap", bytes.prefix(bytes.count - 200))
    let cut = #expect(throws: SessionError.self) { _ = try ReplayLog(path: folder.file("cut.mcap"), episode: 0) }
    #expect(cut?.description.contains("sinew log recover") == true)
  }
}
