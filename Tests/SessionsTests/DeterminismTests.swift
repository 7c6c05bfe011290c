import Foundation
import LoopTestSupport
import Sessions
import Simulation
import TestSupport
import Testing

/// On the virtual clock a run is a function of its plan.
@Suite struct DeterminismTests {
  private func log(_ plan: (String) throws -> SessionPlan, in folder: TemporaryFolder, _ name: String) throws -> Data {
    let path = folder.file(name)
    let report = try run(plan(path))
    #expect(report.ending == .completed)
    #expect(report.recording?.isLossy == false)
    return try Data(contentsOf: URL(fileURLWithPath: path))
  }

  /// Runs a plan three times: twice with one seed, once with another.
  private func expectDeterminism(
    transitions: Int, sourceLocation: SourceLocation = #_sourceLocation,
    _ plan: (_ log: String, _ seed: UInt64) throws -> SessionPlan
  ) throws {
    let folder = try TemporaryFolder()
    let first = try log({ try plan($0, 11) }, in: folder, "a.mcap")
    let second = try log({ try plan($0, 11) }, in: folder, "b.mcap")
    _ = try log({ try plan($0, 12) }, in: folder, "c.mcap")
    let a = try LogContents(path: folder.file("a.mcap"))
    let b = try LogContents(path: folder.file("b.mcap"))
    let c = try LogContents(path: folder.file("c.mcap"))
    #expect(a.transitions.count >= transitions, sourceLocation: sourceLocation)
    #expect(a.transitionPayloads == b.transitionPayloads, sourceLocation: sourceLocation)
    #expect(a.events == b.events, sourceLocation: sourceLocation)
    // Not only the transitions: the whole file.
    #expect(first == second, sourceLocation: sourceLocation)
    #expect(a.transitionPayloads != c.transitionPayloads, sourceLocation: sourceLocation)
    #expect(zip(a.transitions, c.transitions).contains { $0.observation != $1.observation })
  }

  @Test func `The mean action repeats with the seed and differs with another`() throws {
    try expectDeterminism(transitions: 500) { try plan(episodes: 10, seed: $1, log: $0) }
  }

  @Test func `Sampled actions and every perturbation of a torque arm repeat with the seed`() throws {
    try expectDeterminism(transitions: 500) { log, seed in
      try plan(episodes: 10, seed: seed, log: log) {
        $0.selection = .sample
        $0.perturbations = try perturbed([
          (.payload, 0.1), (.friction, 1.5), (.gain, 0.8), (.latency, 0.02), (.statusLatency, 0.01), (.backlash, 0.01),
          (.sensorNoise, 0.01), (.velocityNoise, 0.1), (.droppedPackets, 0.1), (.torqueLimit, 0.9),
        ])
      }
    }
  }

  @Test func `Servos, interpolation and every perturbation of a position arm repeat with the seed`() throws {
    let folder = try TemporaryFolder()
    let policy = try DensePolicy.reach(isGaussian: true).write(to: folder)
    try expectDeterminism(transitions: 200) { log, seed in
      try plan(task: "reach", policy: policy, episodes: 2, seed: seed, log: log) {
        $0.selection = .sample
        $0.interpolation = .linear
        $0.perturbations = try perturbed([
          (.payload, 0.05), (.friction, 1.2), (.gain, 0.9), (.latency, 0.01), (.statusLatency, 0.004),
          (.backlash, 0.01), (.sensorNoise, 0.002), (.velocityNoise, 0.02), (.droppedPackets, 0.05), (.voltage, 7),
        ])
      }
    }
  }

  @Test(.enabled(if: Fixtures.areAvailable)) func `A recurrent policy repeats with the seed`() throws {
    try expectDeterminism(transitions: 250) {
      try plan(policy: fixture("rsl_rl_gru_reacher.onnx"), episodes: 5, seed: $1, log: $0)
    }
  }

  @Test func `The log does not change the run`() throws {
    let folder = try TemporaryFolder()
    let with = try run(plan(episodes: 20, log: folder.file("a.mcap")) { $0.selection = .sample })
    let without = try run(plan(episodes: 20) { $0.selection = .sample })
    #expect(with.statistics.meanReturn == without.statistics.meanReturn)
    #expect(with.statistics.standardDeviation == without.statistics.standardDeviation)
    #expect(with.loopSeconds == without.loopSeconds)
  }

  @Test func `How actions are drawn does not change where episodes start`() throws {
    let folder = try TemporaryFolder()
    try run(plan(episodes: 5, log: folder.file("a.mcap")))
    try run(plan(episodes: 5, log: folder.file("b.mcap")) { $0.selection = .sample })
    let starts = try ["a.mcap", "b.mcap"].map { name in
      try LogContents(path: folder.file(name)).transitions.filter { $0.stepInEpisode == 0 }.map(\.observation)
    }
    #expect(starts[0].count == 5)
    #expect(starts[0] == starts[1])
  }
}
