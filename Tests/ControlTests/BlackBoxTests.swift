import ArmModel
import Foundation
import LoopTestSupport
import Safety
import TestSupport
import Testing

@testable import Control

/// The black box: what it holds after a fault, after a crash, and when it is damaged.
@Suite struct BlackBoxTests {
  private let folder: TemporaryFolder
  private var path: String { folder.file("run.blackbox") }

  init() throws { folder = try TemporaryFolder() }

  @Test func `It ends with the tick that latched a fault, and has the two seconds before it`() throws {
    let rig = try LoopRig(.init(.ramp))
    rig.loop.attach(try BlackBox(path: path, period: LoopRig.period, jointCount: 2))
    #expect(rig.begin())
    rig.arm.readFailures[450] = .disconnected
    rig.tick(500)
    let box = try BlackBoxFile(path: path)
    #expect(box.period == LoopRig.period && box.jointCount == 2 && box.process == Int(getpid()))
    #expect(box.records.count == 400)
    let last = try #require(box.records.last)
    #expect(last.number == 451 && last.now == 451 * LoopRig.period)
    #expect(last.state == .fault && last.latched.conditions == [.armFailed] && !last.writes && !last.readSucceeded)
    #expect(box.records.dropLast().allSatisfy { $0.latched == .none })
    #expect(box.records.map(\.number) == Array(52...451))
    // The first episode of 64 steps of 4 ticks is over at tick 257; in its midst the policy was obeyed.
    let early = try #require(box.records.first { $0.number == 100 })
    #expect(early.state == .policy && early.source == .policy && early.writes)
    #expect(early.command == early.policy && early.command == rig.arm.goals[99])
    #expect(early.human.allSatisfy { $0.isNaN })
  }

  @Test func `It names the joints, and says which of them a condition was about`() throws {
    var box = try BlackBox(
      path: path, period: 5_000_000, jointCount: 2, jointNames: ["shoulder (servo 1)", "elbow (servo 7)"])
    var configuration = SafetyConfiguration(
      limits: JointLimits(unlimited: 2), mode: .position, period: 5_000_000, proposalPeriod: 20_000_000,
      armingTicks: 0, judgesTiming: false)
    configuration.monitors.watchesArm = true
    var core = SafetyCore(configuration)
    var inputs = SafetyInputs(count: 2, mode: .position)
    inputs.health.setFaults(.overload, of: 1)
    box.note(inputs, core.step(inputs, now: 5_000_000), now: 5_000_000)
    let file = try BlackBoxFile(path: path)
    #expect(file.jointNames == ["shoulder (servo 1)", "elbow (servo 7)"])
    let last = try #require(file.records.last)
    #expect(last.conditionJoints[.servoOverload] == 0b10 && last.conditionJoints[.servoVoltage] == 0)
  }

  @Test func `After a reset it goes on`() throws {
    let rig = try LoopRig(.init(.ramp))
    rig.loop.attach(try BlackBox(path: path, period: LoopRig.period, jointCount: 2))
    #expect(rig.begin())
    rig.arm.readFailures[10] = .disconnected
    rig.tick(100)
    #expect(try BlackBoxFile(path: path).records.last?.number == 11)
    rig.loop.request(.reset)
    rig.tick(3)
    let records = try BlackBoxFile(path: path).records
    #expect(records.suffix(3).map(\.state) == [.disarmed, .disarmed, .disarmed])
    #expect(records.suffix(3).first?.requests == .reset)
  }

  @Test func `A process that is killed leaves it behind`() async throws {
    let place: String = path
    await #expect(processExitsWith: .signal(SIGKILL)) { [place = place as String] in
      var box = try BlackBox(path: place, seconds: 0.1, period: 5_000_000, jointCount: 2)
      var core = SafetyCore(
        SafetyConfiguration(
          limits: JointLimits(unlimited: 2), mode: .position, period: 5_000_000, proposalPeriod: 20_000_000,
          armingTicks: 0, judgesTiming: false))
      var inputs = SafetyInputs(count: 2, mode: .position)
      inputs.readSucceeded = true
      for tick in 1...30 {
        inputs.lateness = Int64(tick)
        let decision = core.step(inputs, now: Int64(tick) * 5_000_000)
        box.note(inputs, decision, now: Int64(tick) * 5_000_000)
      }
      kill(getpid(), SIGKILL)
    }
    let box = try BlackBoxFile(path: path)
    #expect(box.records.map(\.lateness) == Array(11...30))
    #expect(box.process != Int(getpid()))
  }

  @Test func `A record that was being written is left out`() throws {
    var box = try BlackBox(path: path, seconds: 0.05, period: 5_000_000, jointCount: 1)
    var inputs = SafetyInputs(count: 1, mode: .position)
    var core = SafetyCore(
      SafetyConfiguration(
        limits: JointLimits(unlimited: 1), mode: .position, period: 5_000_000, proposalPeriod: 5_000_000,
        armingTicks: 0, judgesTiming: false))
    for tick in 1...10 {
      inputs.lateness = Int64(tick)
      let decision = core.step(inputs, now: Int64(tick))
      box.note(inputs, decision, now: Int64(tick))
    }
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let size = (bytes.count - 4096) / 10
    // The slot of tick 7, with its number taken away; and one with a state that there is none.
    bytes.replaceSubrange((4096 + 7 * size)..<(4096 + 7 * size + 8), with: Data(count: 8))
    bytes[4096 + 3 * size + 56] = 200
    let other = folder.file("torn")
    try bytes.write(to: URL(fileURLWithPath: other))
    #expect(try BlackBoxFile(path: other).records.map(\.number) == [1, 2, 4, 5, 6, 8, 9, 10])
  }

  @Test func `What is no black box is refused with one line`() throws {
    let none = folder.file("none")
    #expect(throws: BlackBoxError.self) { try BlackBoxFile(path: none) }
    for (name, bytes) in [
      ("empty", Data()), ("short", Data(count: 100)), ("zeros", Data(count: 8192)),
    ] {
      let file = folder.file(name)
      try bytes.write(to: URL(fileURLWithPath: file))
      let error = #expect(throws: BlackBoxError.self) { try BlackBoxFile(path: file) }
      #expect(error?.description.contains("no black box") == true && error?.description.contains("\n") == false)
    }
    _ = try BlackBox(path: path, period: 5_000_000, jointCount: 2)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[16] = 3
    try bytes.write(to: URL(fileURLWithPath: path))
    #expect(throws: BlackBoxError.self) { try BlackBoxFile(path: path) }
  }

  @Test func `A place where nothing can be made is refused`() {
    #expect(throws: BlackBoxError.self) {
      _ = try BlackBox(path: "/nowhere/at/all.blackbox", period: 5_000_000, jointCount: 2)
    }
  }
}
