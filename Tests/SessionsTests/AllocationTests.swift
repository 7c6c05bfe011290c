import ArmModel
import Control
import Foundation
import LoopTestSupport
import Policies
import RealTime
import ServoBus
import Synchronization
import TestSupport
import Testing

@testable import Sessions

/// From the first tick to the last the control thread asks the allocator for nothing: the whole run, with what happens
/// between ticks.
@Suite(.enabled(if: AllocationCount.isAvailable)) struct AllocationTests {
  /// Runs a plan on this thread and counts.
  private func expectNone(
    ticks: Int = 10_000, sourceLocation: SourceLocation = #_sourceLocation, _ make: (String) throws -> SessionPlan
  ) throws {
    let folder = try TemporaryFolder()
    var parts = try SessionParts(make(folder.file("run.mcap")))
    var worker: PolicyWorker?
    var run = try parts.makeRun(worker: &worker)
    defer { withExtendedLifetime(worker) {} }
    let recorder = try #require(parts.recorder)
    let status = TripleBuffer(initial: LoopStatus())
    run.warmUp()
    let count = AllocationCount.during { run.run(status) }
    let ending = run.leave()
    #expect(count == AllocationCount(allocations: 0, frees: 0), sourceLocation: sourceLocation)
    #expect(ending == .completed, sourceLocation: sourceLocation)
    let tickCount = run.core.loop.tickCount
    #expect(tickCount >= ticks, sourceLocation: sourceLocation)
    let episodes = run.core.statistics.count
    #expect(episodes > 1, sourceLocation: sourceLocation)
    let summary = recorder.finish()
    #expect(!summary.isLossy, sourceLocation: sourceLocation)
    #expect(summary.messageCounts["/transition"] ?? 0 > ticks / 5, sourceLocation: sourceLocation)
  }

  @Test func `Sampling, recording and resetting`() throws {
    try expectNone { log in
      try plan(duration: 200, log: log) {
        $0.selection = .sample
        $0.perturbations = try perturbed([
          (.latency, 0.02), (.statusLatency, 0.02), (.sensorNoise, 0.01), (.droppedPackets, 0.05), (.backlash, 0.01),
        ])
      }
    }
  }

  @Test(
    .enabled(if: Fixtures.areAvailable), arguments: ["sb3_ppo_reacher.with_norm_clip.onnx", "rsl_rl_gru_reacher.onnx"])
  func `Policies that run on the interpreter or remember`(name: String) throws {
    let policy = try PolicyLoader.load(path: fixture(name))
    #expect(policy.inspection.interpreterSteps > 0)
    #expect(policy.description.isRecurrent == name.contains("gru"))
    try expectNone { log in try plan(policy: fixture(name), duration: 200.1, log: log) }
  }

  @Test func `The SO-101 with its servos, four control ticks to a policy step`() throws {
    let folder = try TemporaryFolder()
    let policy = try DensePolicy.reach(isGaussian: true).write(to: folder)
    try expectNone { log in
      try plan(task: "reach", policy: policy, duration: 50.1, log: log) {
        $0.selection = .sample
        $0.interpolation = .linear
        $0.controlRate = 200
        $0.physicsTimestep = 0.001
      }
    }
  }

  @Test func `A session counts its own thread's allocations where somebody counts`() throws {
    let report = try run(plan(episodes: 20))
    // The counter is looked up by name, which not every test program exports.
    #expect(report.allocationCount == nil || report.allocationCount == 0)
  }

  @Test func `Nor does a run on servos, from the first look to torque off`() throws {
    let folder = try TemporaryFolder()
    let emulated = try EmulatedArm(.feetech, in: folder)
    defer { emulated.server.stop() }
    let patience = Date(timeIntervalSinceNow: 120)
    var ending: HardwareSequence.Step?
    // A machine that is busy with something else may not find the arm at first.
    while ending == nil, Date() < patience {
      let path = folder.file("run-\(UUID().uuidString).mcap")
      var parts = try SessionParts(emulated.plan(in: folder, episodes: 2, log: path))
      let setup = try HardwareSetup(parts, emulated.settings)
      guard
        let arm = try? ServoArm.connect(path: emulated.settings.port, baud: nil, configuration: setup.configuration)
      else { continue }
      var worker: PolicyWorker?
      let port = OperatorPort()
      let loop = try parts.makeLoop(
        twin: parts.setup.makeTwin(), armingTicks: 10, worker: &worker,
        about: setup.logged(arm.report, emulated.settings))
      var run = HardwareRun(
        loop: loop, device: arm, bounds: parts.bounds, settings: emulated.settings, ear: port.ear)
      let status = TripleBuffer(initial: LoopStatus())
      run.warmUp()
      run.core.begin(RunRights())
      try withConsents(port) {
        var step = HardwareSequence.Step.goOn
        let count = AllocationCount.during { step = ticks(&run, status) }
        // The testing library looks at every error that is thrown, which takes one allocation each: these are not ours.
        // That there are no others, `allocation-probe` and `tools/check-allocations` show without that library.
        let report = run.core.loop.report
        let thrown = report.readFailureCount + report.writeFailureCount
        #expect(count.allocations <= thrown && count.frees <= thrown, "\(count), \(thrown) thrown")
        ending = step
      }
      let (armed, tickCount) = (run.sequence.hasArmed, run.core.loop.tickCount)
      #expect(armed && tickCount > 50)
      _ = parts.recorder?.finish()
    }
    #expect(ending == .over)
  }

  /// Consents ten times a second on another thread while `body` runs.
  private func withConsents(_ port: OperatorPort, _ body: () throws -> Void) throws {
    let done = Done()
    let thread = try ControlThread {
      while !done.flag.load(ordering: .acquiring) {
        port.consent()
        usleep(100_000)
      }
    }
    defer {
      done.flag.store(true, ordering: .releasing)
      thread.join()
    }
    try body()
  }

  private final class Done: Sendable {
    let flag = Atomic<Bool>(false)
  }
}
