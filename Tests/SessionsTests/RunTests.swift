import ArmModel
import CSystem
import Control
import Foundation
import Glibc
import LoopTestSupport
import RealTime
import Recording
import Safety
import Sessions
import Simulation
import Tasks
import TestSupport
import Testing

/// How runs end, and what their reports say.
@Suite struct RunTests {
  @Test func `A log says when the run and its sources began and ended`() throws {
    let folder = try TemporaryFolder()
    let report = try run(plan(episodes: 2, log: folder.file("run.mcap")))
    let log = try LogContents(path: folder.file("run.mcap"))
    #expect(log.events.first?.name == "run_started")
    #expect(log.events(named: "run_started").first?.text == "run started, ordinary scheduling, memory not locked")
    let changes = log.events(named: "source_changed").map { [$0.second, $0.first] }
    let (none, policy, stop) = (
      Int64(CommandSource.none.rawValue), Int64(CommandSource.policy.rawValue), Int64(CommandSource.stop.rawValue)
    )
    #expect(changes == [[none, policy], [policy, stop], [stop, policy], [policy, stop]])
    #expect(log.events.last?.name == "run_stopped")
    #expect(log.events.last?.first == Int64(report.loop?.tickCount ?? -1))
  }

  @Test func `A policy that is always too slow ends the run after three attempts`() throws {
    let folder = try TemporaryFolder()
    // Four million multiplications a step at 4 kHz: an answer takes several of the policy's periods.
    let slow = DensePolicy.random(
      observations: 10, hidden: [2048, 2048], jointNames: ["joint1", "joint2"], seed: 1, rate: 4000)
    let report = try run(
      plan(policy: slow.write(to: folder), duration: 60) {
        $0.task.stepDuration = 0.00025
        $0.physicsTimestep = 0.00025
        $0.clock = .monotonic
        $0.policyPlacement = .thread
      })
    #expect(report.ending == .interrupted)
    // On a busy machine the loop itself may be late too, and be stopped for that first.
    #expect(report.causes.has(.proposalLate) || report.causes.has(.overrunBudgetSpent) || report.causes.has(.timeGap))
    #expect(report.statistics.count == 0)
    #expect(report.loopSeconds < 30)
  }

  @Test func `A number of episodes ends the run after exactly these`() throws {
    let folder = try TemporaryFolder()
    let report = try run(plan(episodes: 3, log: folder.file("run.mcap")))
    let log = try LogContents(path: folder.file("run.mcap"))
    #expect(report.ending == .completed)
    #expect(report.statistics.count == 3 && report.statistics.stepCount == 150)
    #expect(report.loop?.tickCount == 3 * 51)
    #expect(abs(report.loopSeconds - 3 * 1.02) < 1e-9)
    #expect(log.transitions.count == 150)
    #expect(log.events(named: "episode_ended").count == 3)
    #expect(report.recording?.messageCounts["/transition"] == 150)
  }

  @Test func `An episode that ends with the run's last tick counts`() throws {
    // Fifty steps and the tick that sees where the last one led: 51 ticks of 20 ms.
    let report = try run(plan(duration: 1.02))
    #expect(report.statistics.count == 1)
    #expect(report.loop?.tickCount == 51)
  }

  @Test func `A duration that ends in mid-episode does not count what was cut short`() throws {
    let folder = try TemporaryFolder()
    let report = try run(plan(duration: 1.5, log: folder.file("run.mcap")))
    let log = try LogContents(path: folder.file("run.mcap"))
    let last = try #require(log.transitions.last)
    #expect(report.ending == .completed)
    #expect(report.statistics.count == 1)
    #expect(last.episode == 1 && last.isTruncated && last.duration == 0.02)
    #expect(last.finalObservation.count == 10)
    #expect(abs(report.loopSeconds - 1.5) < 0.05)
  }

  @Test func `Of duration and episodes the first to be reached ends the run`() throws {
    #expect(try run(plan(episodes: 2, duration: 100)).statistics.count == 2)
    let short = try run(plan(episodes: 1000, duration: 3))
    #expect(short.statistics.count == 2)
    #expect(abs(short.loopSeconds - 3) < 0.05)
  }

  @Test func `Status goes out while a run lasts, and the last one is its end`() throws {
    var seen: [LoopStatus] = []
    let report = try SimulatedSession(plan(episodes: 50)).runBlocking { seen.append($0) }
    let last = try #require(seen.last)
    #expect(last.statistics.count == report.statistics.count)
    #expect(last.tickCount == report.loop?.tickCount)
    #expect(zip(seen, seen.dropFirst()).allSatisfy { $0.tickCount <= $1.tickCount })
    #expect(last.droppedRecords == 0 && last.latched == .none)
  }

  @Test func `A policy that turns into no number ends the run as a fault, with the cause in report and log`() throws {
    let folder = try TemporaryFolder()
    // The target's x in the observation decides: some episodes are fine, one is not.
    var policy = DensePolicy(
      layers: [
        .init(weights: [[0, 0, 0, 0, 1e20, 0, 0, 0, 0, 0]], bias: [-1e19], activation: "relu"),
        .init(weights: [[1e30]], bias: [0]),
        .init(weights: [[1], [1]], bias: [0, 0]),
      ], jointNames: ["joint1", "joint2"])
    policy.goldenObservations = (0..<5).map { row in (0..<10).map { Float(row + $0) / 1000 } }
    let path = folder.file("run.mcap")
    let report = try run(plan(policy: policy.write(to: folder), episodes: 1000, log: path))
    let log = try LogContents(path: path)
    let last = try #require(log.transitions.last)
    #expect(report.ending == .fault)
    #expect(report.latched.conditions == [.proposalsInvalid])
    #expect(report.statistics.count < 1000)
    #expect(report.statistics.meanReturn.isFinite)
    #expect(last.observation[4] > 0.1)
    #expect(last.flags == [.truncated, .altered] && last.command == [0, 0])
    #expect(log.events(named: "fault_latched").map(\.text) == ["fault latched: proposals invalid"])
    for row in log.transitions { #expect(row.command.allSatisfy { $0.isFinite }) }
  }

  @Test func `A simulation that diverges ends the run as a fault, with the arm's own words`() throws {
    let folder = try TemporaryFolder()
    let model = try folder.write(
      "wild.xml",
      """
      <mujoco model="wild">
        <option timestep="0.01"/>
        <worldbody>
          <body>
            <joint name="joint1" type="hinge" axis="0 0 1"/>
            <geom type="capsule" fromto="0 0 0 0.1 0 0" size="0.01"/>
            <body name="fingertip" pos="0.1 0 0">
              <joint name="joint2" type="hinge" axis="0 0 1"/>
              <geom type="capsule" fromto="0 0 0 0.1 0 0" size="0.01"/>
            </body>
          </body>
        </worldbody>
        <actuator><motor joint="joint1"/><motor joint="joint2"/></actuator>
      </mujoco>
      """)
    let task = try folder.write(
      "wild.yaml",
      """
      name: wild
      model: \(model)
      joints: [joint1, joint2]
      points: {tip: {body: fingertip}}
      point_source: last_physics_step
      step_duration: 0.02
      time_limit: 100
      variables: {target: {distribution: {fixed: [0.1, 0.1, 0]}}}
      observation: [{term: joint_position}, {term: point, point: tip}, {term: time_fraction, scale: 100}]
      action: {mode: effort, scale: 1e9}
      reward: [{term: distance, point: tip, to: target, weight: -1}, {term: action_squared, weight: -1}]
      """)
    // Nothing for five steps, then far too much.
    let policy = DensePolicy(
      layers: [
        .init(weights: [[0, 0, 0, 0, 0, 1]], bias: [-5], activation: "relu"),
        .init(weights: [[10], [-10]], bias: [0, 0]),
      ], jointNames: ["joint1", "joint2"])
    let path = folder.file("run.mcap")
    let report = try run(plan(task: task, policy: policy.write(to: folder), episodes: 10, log: path))
    let log = try LogContents(path: path)
    let last = try #require(log.transitions.last)
    #expect(report.ending == .fault)
    #expect(report.latched.conditions == [.armFailed])
    #expect(report.armError?.code == .diverged)
    #expect(report.statistics.count == 0)
    #expect(last.stepInEpisode == 6)
    #expect(last.flags == [.truncated, .altered])
    #expect(last.source == .policy && last.command == last.proposal && last.command != [0, 0])
    #expect(last.finalObservation.count == 6)
    #expect(last.finalObservation.allSatisfy { $0.isFinite })
    #expect(last.reward.isFinite)
  }

  @Test func `Nobody runs a session twice`() throws {
    let session = try SimulatedSession(plan(episodes: 1))
    let first = try session.runBlocking { _ in }
    #expect(first.statistics.count == 1)
    let error = #expect(throws: SessionError.self) { try session.runBlocking { _ in } }
    #expect(error?.description.contains("once") == true)
  }

  @Test func `A stop signal ends the run in good order`() async throws {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      let path = folder.file("run.mcap")
      var plan = try plan(
        task: "reach", policy: DensePolicy.reach().write(to: folder), log: path
      ) { $0.clock = .monotonic }
      plan.duration = 60
      let session = try SimulatedSession(plan)
      var isSent = false
      let report = try session.runBlocking { status in
        if !isSent && status.tickCount > 10 {
          isSent = true
          kill(getpid(), SIGTERM)
        }
      }
      #expect(report.ending == .stopped)
      #expect(report.signal == SIGTERM)
      #expect(report.loopSeconds < 30)
      #expect(report.latched == .none)
      let log = try LogContents(path: path)
      #expect(log.transitions.last?.isTruncated == true)
      #expect(log.transitions.last?.finalObservation.count == 29)
      #expect(log.events(named: "condition_raised").contains { $0.text == "raised: stop requested" })
      #expect(log.events(named: "safety_state_changed").last?.text.hasSuffix("-> hold") == true)
    }
  }

  @Test func `In real time every tick lies on the grid, nothing is lost, and rights are as granted`() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("run.mcap")
    let report = try run(
      plan(duration: 1, log: path) {
        $0.clock = .monotonic
        $0.controlRate = 200
        $0.physicsTimestep = 0.005
        $0.realTime = RealTimeSettings(priority: 80, locksMemory: false, holdsLatency: false)
        $0.recorderOptions.jointStateRate = 1_000_000
      })
    let loop = try #require(report.loop)
    let grant = try #require(report.grant)
    let recording = try #require(report.recording)
    let times = try LogContents(path: path).jointTimes
    if grant.isStrict {
      #expect(grant.priority == 80)
    } else {
      #expect(grant.refusals.allSatisfy { !$0.remedy.isEmpty })
    }
    #expect(!recording.isLossy && recording.error == nil)
    #expect(times.count == loop.tickCount)
    // A machine under load may freeze the loop for more than ten periods, which the safety core rightly stops for; what
    // may never happen is a tick before its time, or a grid that drifts.
    #expect(loop.lateness.minimum >= 0)
    let grid = loop.tickCount + loop.missedCount
    #expect(grid >= 200)
    let first = try #require(times.first)
    let last = try #require(times.last)
    // From the first tick to the last it is a whole number of periods, but for how late these two were.
    let drift = Int64(last - first) - Int64(grid - 1) * 5_000_000
    #expect(drift.magnitude <= UInt64(2 * loop.lateness.maximum + 1))
    for (index, time) in times.enumerated() {
      #expect(Int64(time - first) >= Int64(index) * 5_000_000 - loop.lateness.maximum)
    }
    #expect(report.loopSeconds >= 1 && report.loopSeconds < 10)
    #expect(report.ending == .completed)
  }

  @Test func `In real time a policy may have a thread of its own, and the log is as sound`() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("run.mcap")
    let session = try SimulatedSession(
      plan(duration: 1.5, log: path) {
        $0.clock = .monotonic
        $0.controlRate = 100
        $0.physicsTimestep = 0.005
        $0.policyPlacement = .thread
        $0.selection = .sample
      })
    #expect(session.summary.policyHasThread)
    let report = try session.runBlocking { _ in }
    let rows = try LogContents(path: path).transitions
    #expect(report.ending == .completed)
    #expect(report.recording?.isLossy == false)
    #expect(!rows.isEmpty)
    for (index, row) in rows.enumerated() {
      #expect(row.step == UInt64(index))
      // A busy machine may cost a step its action, but then the row says so.
      if row.flags.contains(.altered) { continue }
      #expect(row.command == row.proposal && row.source == .policy)
      var density = 0.0
      for joint in 0..<2 {
        let logDeviation = Double(row.actionLogStandardDeviation[joint])
        let score = Double(row.rawAction[joint] - row.actionMean[joint]) / exp(logDeviation)
        density += -0.5 * score * score - logDeviation - 0.5 * log(2 * Double.pi)
        #expect(row.proposal[joint] == Float(200 * Double(row.action[joint])))
      }
      #expect(abs(Double(row.logProbability) - density) < 1e-3)
    }
  }

  @Test func `Strict real time refuses to start where the rights are missing, and says what grants them`() async throws
  {
    await #expect(processExitsWith: .success) {
      var limit = rlimit(rlim_cur: 0, rlim_max: 0)
      setrlimit(__rlimit_resource_t(14), &limit)  // RLIMIT_RTPRIO
      if getuid() == 0 { precondition(setgid(65534) == 0 && setuid(65534) == 0) }
      let folder = try TemporaryFolder()
      let session = try SimulatedSession(
        plan(duration: 1, log: folder.file("run.mcap")) {
          $0.clock = .monotonic
          $0.realTime = RealTimeSettings(priority: 80, locksMemory: false, holdsLatency: false)
          $0.allowsNonRealTime = false
        })
      let error = #expect(throws: SessionError.self) { try session.runBlocking { _ in } }
      let text = error?.description ?? ""
      #expect(text.contains("SCHED_FIFO priority 80") && text.contains("rtprio"))
      #expect(text.contains("--allow-non-realtime"))
      #expect(!text.contains("\n"))
      #expect(access(folder.file("run.mcap"), F_OK) != 0, "a refused run leaves a log")
    }
  }
}
