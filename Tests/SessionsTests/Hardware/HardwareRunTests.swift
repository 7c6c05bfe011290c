import ArmModel
import Control
import LoopTestSupport
import Recording
import Safety
import Testing

@testable import Sessions

/// Runs on an arm that nobody resets: when torque comes on, how episodes begin, how it all ends.
@Suite struct HardwareRunTests {
  @Test func `Nothing is written and no torque asked for until the operator agrees`() throws {
    var rig = try HardwareRig(episodes: 1)
    rig.turn(500)
    let (energised, attempts, state) = (
      rig.run.device.arm.energiseCount, rig.run.device.arm.attemptCount, rig.run.core.loop.decision.state
    )
    #expect(energised == 0 && attempts == 0)
    #expect(state == .disarmed)
    let question = rig.run.core.question
    #expect(question == .switchOn)
  }

  @Test func `A consent from before the question is none`() throws {
    var rig = try HardwareRig(episodes: 1)
    rig.consents = 3
    rig.turn(200)
    let energised = rig.run.device.arm.energiseCount
    #expect(energised == 0)
  }

  @Test func `An episode begins with a slow move to its start, and the arm is parked and released in the end`() throws {
    var rig = try HardwareRig(episodes: 2, start: [0.8, -1, 1, 0, 0.5, 0.3])
    rig.switchOn()
    rig.turnToTheEnd()
    let ending = rig.run.core.ending
    #expect(ending == .completed)
    #expect(rig.lastStep == .over)
    #expect(
      rig.states == [
        .disarmed, .arming, .hold, .moving, .hold, .policy, .hold, .moving, .hold, .policy, .hold, .park,
        .disarmed,
      ] || rig.states.contains(.stopping), "\(rig.states)")
    #expect(rig.states.last == .disarmed)
    let power = rig.run.device.arm.power
    #expect(power == .off)
    let last = try #require(rig.goals.last)
    for (goal, park) in zip(last, HardwareRig.park) { #expect(abs(goal - park) < 1e-9) }
    let count = rig.run.core.statistics.count
    #expect(count == 2)
  }

  @Test func `Moves of the core keep to half a radian per second, and no goal leaps`() throws {
    var rig = try HardwareRig(episodes: 1, start: [1.5, -1, 1, 0, 0.5, 0.3])
    rig.switchOn()
    rig.turn { $0.core.loop.episode.isRunning }
    let goals = rig.goals
    #expect(goals.count > 100)
    let period = 1e-9 * Double(rig.run.core.loop.configuration.controlPeriod)
    for (before, after) in zip(goals, goals.dropFirst()) {
      for (a, b) in zip(before, after) { #expect(abs(b - a) <= 0.5 * period + 1e-9) }
    }
  }

  @Test func `The first goal under torque is where the arm was measured`() throws {
    let start = [0.31, -0.9, 1.1, -0.2, 0.4, 0.25]
    var rig = try HardwareRig(episodes: 1, start: start)
    rig.switchOn()
    rig.turn { !$0.device.arm.writes.isEmpty }
    #expect(rig.goals.first == start)
  }

  @Test(arguments: [ArmExit.park, .release, .hold])
  func `A stop brings the arm to rest and ends as the exit policy says`(exit: ArmExit) throws {
    var rig = try HardwareRig(exit: exit, limitSteps: nil)
    rig.switchOn()
    rig.turn { $0.core.loop.episode.steps > 10 }
    rig.signals = 1
    rig.turnToTheEnd()
    let ending = rig.run.core.ending
    #expect(ending == .stopped && rig.lastStep == .over)
    let power = rig.run.device.arm.power
    let goal = try #require(rig.goals.last)
    let isParked = zip(goal, HardwareRig.park).allSatisfy { abs($0 - $1) < 1e-9 }
    switch exit {
    case .park: #expect(power == .off && isParked)
    case .release: #expect(power == .off && !isParked)
    case .hold: #expect(power == .on && !isParked)
    }
    // From the stop to the end, and parking included, within its budget.
    #expect(rig.turns < 100 * 15)
  }

  @Test func `A second stop leaves out the parking, never the release`() throws {
    var rig = try HardwareRig(limitSteps: nil)
    rig.switchOn()
    rig.turn { $0.core.loop.episode.steps > 10 }
    rig.signals = 1
    rig.turn { $0.core.loop.decision.state == .park }
    rig.turn(20)
    rig.signals = 2
    let before = rig.turns
    rig.turnToTheEnd()
    #expect(rig.turns - before < 50)
    let (power, ending) = (rig.run.device.arm.power, rig.run.core.ending)
    #expect(power == .off && ending == .stopped)
    let goal = try #require(rig.goals.last)
    #expect(!zip(goal, HardwareRig.park).allSatisfy { abs($0 - $1) < 1e-3 })
  }

  @Test(arguments: [false, true])
  func `While a run that is over parks the arm, a person's stop leaves that out, and a closed terminal does not`(
    arePressed: Bool
  ) throws {
    var rig = try HardwareRig(episodes: 1)
    rig.switchOn()
    rig.turn { $0.core.loop.decision.state == .park }
    rig.turn(20)
    rig.arePressed = arePressed
    rig.signals = 1
    rig.turnToTheEnd()
    let power = rig.run.device.arm.power
    #expect(power == .off && rig.lastStep == .over)
    let goal = try #require(rig.goals.last)
    #expect(zip(goal, HardwareRig.park).allSatisfy { abs($0 - $1) < 1e-9 } == !arePressed)
  }

  @Test(arguments: [ArmExit.park, .release])
  func `From a stop to torque off no more than five seconds pass, however far the park pose is`(exit: ArmExit) throws {
    var rig = try HardwareRig(exit: exit, start: [1.8, 1, -1, -1, 1.5, 1], limitSteps: nil)
    rig.switchOn()
    rig.turn { $0.core.loop.decision.state == .moving }
    rig.turn(10)
    rig.signals = 1
    let before = rig.turns
    rig.turnToTheEnd()
    let power = rig.run.device.arm.power
    #expect(power == .off && rig.turns - before <= 500)
    if exit == .park { #expect(rig.states.contains(.park)) }
  }

  @Test(arguments: [ArmExit.park, .release, .hold])
  func `A stop while torque comes on switches it off again, and nothing moves`(exit: ArmExit) throws {
    var rig = try HardwareRig(exit: exit)
    rig.switchOn()
    rig.turn { $0.core.loop.decision.state == .arming && $0.device.arm.power == .on }
    rig.signals = 1
    rig.turnToTheEnd(atMost: 100)
    let (ending, power) = (rig.run.core.ending, rig.run.device.arm.power)
    #expect(ending == .stopped && rig.lastStep == .over && power == .off)
    #expect(!rig.states.contains(.hold) && !rig.states.contains(.park), "\(rig.states)")
    for goal in rig.goals { #expect(goal == HardwareRig.home) }
  }

  @Test func `A fault that holds the arm is left by a person's word only, and the arm is not parked`() throws {
    var rig = try HardwareRig(limitSteps: nil)
    try rig.runIntoHeldFault()
    rig.turn(300)
    let (question, power) = (rig.run.core.question, rig.run.device.arm.power)
    #expect(question == .letGo && power == .on && rig.lastStep == .goOn)
    rig.consents += 1
    rig.turnToTheEnd(atMost: 50)
    let (ending, after) = (rig.run.core.ending, rig.run.device.arm.power)
    #expect(ending == .fault && rig.lastStep == .over && after == .off)
    #expect(rig.states.last == .fault && !rig.states.contains(.park))
    let leaves = rig.run.sequence.leavesHolding(state: .fault, latched: rig.run.core.loop.decision.latched)
    #expect(!leaves)
  }

  @Test func `A stop lets go of an arm that is held in a fault`() throws {
    var rig = try HardwareRig(limitSteps: nil)
    try rig.runIntoHeldFault()
    rig.turn(10)
    rig.signals = 1
    rig.turnToTheEnd(atMost: 50)
    let (ending, power) = (rig.run.core.ending, rig.run.device.arm.power)
    #expect(ending == .fault && power == .off)
  }

  @Test(arguments: [ArmExit.park, .release, .hold])
  func `With nobody to ask, an arm that is held in a fault stays so unless the exit is release`(exit: ArmExit) throws {
    var rig = try HardwareRig(exit: exit, asks: false, limitSteps: nil)
    try rig.runIntoHeldFault()
    rig.turnToTheEnd(atMost: 50)
    let (ending, power, decision) = (rig.run.core.ending, rig.run.device.arm.power, rig.run.core.loop.decision)
    #expect(ending == .fault && rig.lastStep == .over)
    #expect(power == (exit == .release ? .off : .on))
    let leaves = rig.run.sequence.leavesHolding(state: decision.state, latched: decision.latched)
    #expect(leaves == (exit != .release))
  }

  @Test(arguments: [0, 1])
  func `An arm that gives way while it is held in a fault is parked, and the run ends by the fault whoever stops it`(
    signals: Int32
  ) throws {
    var rig = try HardwareRig(limitSteps: nil)
    try rig.runIntoHeldFault()
    rig.turn { $0.core.question == .letGo }
    let next = rig.run.device.arm.readCount
    let sagging = try #require(rig.goals.last).map { $0 - 0.08 }
    for index in 0..<40 { rig.run.device.arm.measuredInstead[next + index] = sagging }
    rig.turn(atMost: 60) { $0.core.loop.decision.latched.has(.standstillLost) }
    rig.turn(atMost: 100) { $0.core.loop.decision.state == .park }
    let (state, question) = (rig.run.core.loop.decision.state, rig.run.core.question)
    #expect(state == .park && question == .none, "\(rig.states)")
    rig.signals = signals
    rig.turnToTheEnd(atMost: 1000)
    let (ending, power, latched) = (
      rig.run.core.ending, rig.run.device.arm.power, rig.run.core.loop.decision.latched
    )
    #expect(ending == .fault && power == .off && rig.lastStep == .over)
    #expect(latched.has(.measurementInvalid) && latched.has(.standstillLost), "a fault is left by a reset only")
    #expect(rig.states.last == .fault, "\(rig.states)")
  }

  @Test func `A fault on the way to the end that was asked for is a fault`() throws {
    var rig = try HardwareRig(limitSteps: nil)
    rig.switchOn()
    rig.turn { $0.core.loop.episode.steps > 5 }
    rig.signals = 1
    rig.turn { $0.core.loop.decision.state == .park }
    rig.run.device.arm.readFailures[rig.run.device.arm.readCount] = .disconnected
    rig.turnToTheEnd(atMost: 10)
    let ending = rig.run.core.ending
    #expect(ending == .fault && rig.lastStep == .over)
  }

  @Test func `A stop while disarmed ends at once and leaves the arm as it was found`() throws {
    var rig = try HardwareRig()
    rig.turn(20)
    rig.signals = 1
    rig.turnToTheEnd()
    let (ending, released) = (rig.run.core.ending, rig.run.device.arm.releaseCount)
    #expect(ending == .stopped && released == 0)
    #expect(rig.turns < 30)
  }

  @Test func `After an episode that was cut short the run waits for its operator`() throws {
    var rig = try HardwareRig(limitSteps: nil)
    rig.switchOn()
    rig.turn { $0.core.loop.episode.steps > 5 }
    rig.run.core.loop.request(.stop)
    rig.turn { $0.core.question == .goOn }
    rig.turn(200)
    let (waiting, state) = (rig.run.core.question, rig.run.core.loop.decision.state)
    #expect(waiting == .goOn && state == .hold)
    rig.consents += 1
    rig.turn { $0.core.loop.episode.isRunning }
    let index = rig.run.core.loop.episode.index
    #expect(index == 1)
  }

  @Test func `Without anybody to ask, three interruptions in a row end the run`() throws {
    var rig = try HardwareRig(asks: false, limitSteps: nil)
    rig.switchOn()
    for _ in 0..<3 {
      rig.turn { $0.core.loop.episode.isRunning && $0.core.loop.episode.steps > 5 }
      rig.run.core.loop.request(.stop)
      rig.turn { !$0.core.loop.episode.isRunning }
    }
    rig.turnToTheEnd()
    let (ending, power) = (rig.run.core.ending, rig.run.device.arm.power)
    #expect(ending == .interrupted && power == .off)
  }

  @Test func `A servo that is not heard three times in a row is a fault, and the arm is held`() throws {
    var rig = try HardwareRig(limitSteps: nil)
    rig.switchOn()
    rig.turn { $0.core.loop.episode.steps > 5 }
    let next = rig.run.device.arm.readCount
    for index in 0..<4 { rig.run.device.arm.readFailures[next + index] = .timedOut }
    rig.turn { $0.core.question == .letGo }
    let decision = rig.run.core.loop.decision
    #expect(decision.state == .faultHold && decision.latched.has(.jointSilent))
  }

  @Test func `What servos say of themselves stops the arm`() throws {
    var rig = try HardwareRig(limitSteps: nil)
    rig.switchOn()
    rig.turn { $0.core.loop.episode.steps > 5 }
    rig.run.device.arm.health.setFaults(.voltage, of: 1)
    rig.turn { $0.core.loop.decision.latched.has(.servoVoltage) }
    let latched = rig.run.core.loop.decision.latched
    #expect(latched.has(.servoVoltage))
  }

  @Test func `More than a twentieth of damaged answers within a second stops the arm`() throws {
    var rig = try HardwareRig(limitSteps: nil)
    rig.switchOn()
    rig.turn { $0.core.loop.episode.steps > 5 }
    rig.run.device.damagedFrom = rig.run.device.arm.readCount
    rig.turn(atMost: 200) { $0.core.loop.decision.active.has(.busErrors) }
    let (active, source) = (rig.run.core.loop.decision.active, rig.run.core.loop.decision.source)
    #expect(active.conditions == [.busErrors] && source == .stop)
  }

  @Test func `The time of a run begins when the arm first holds`() throws {
    var rig = try HardwareRig(duration: 3, limitSteps: nil)
    rig.turn(1000)
    rig.switchOn()
    rig.turnToTheEnd()
    let ending = rig.run.core.ending
    #expect(ending == .completed)
    #expect(rig.turns > 1300 && rig.states.contains(.policy))
  }

  // MARK: The port

  @Test func `A lost port ends the run as a fault`() throws {
    var rig = try HardwareRig(limitSteps: nil)
    rig.switchOn()
    rig.turn { $0.core.loop.episode.steps > 5 }
    rig.run.device.arm.readFailures[rig.run.device.arm.readCount] = .disconnected
    let writes = rig.run.device.arm.attemptCount
    rig.turnToTheEnd(atMost: 5)
    let (ending, after) = (rig.run.core.ending, rig.run.device.arm.attemptCount)
    #expect(ending == .fault && rig.lastStep == .over && after == writes)
  }

  @Test func `A port that comes back leads to disarmed, and torque waits for the operator`() throws {
    var rig = try HardwareRig(onUnplug: .wait, limitSteps: nil)
    rig.switchOn()
    rig.turn { $0.core.loop.episode.steps > 5 }
    let next = rig.run.device.arm.readCount
    for index in 0..<1_000 { rig.run.device.arm.readFailures[next + index] = .disconnected }
    rig.turn(300)
    let (attempts, energised, writes) = (
      rig.run.device.reopenAttempts, rig.run.device.arm.energiseCount, rig.run.device.arm.attemptCount
    )
    #expect(attempts >= 4 && rig.states.last == .fault)
    rig.run.device.canReopen = true
    rig.turn { $0.core.question == .switchOn }
    rig.turn(500)
    let (energisedAfter, writesAfter) = (rig.run.device.arm.energiseCount, rig.run.device.arm.attemptCount)
    #expect(energisedAfter == energised && writesAfter == writes)
    #expect(rig.states.last == .disarmed)
    rig.consents += 1
    rig.turn { $0.core.loop.episode.isRunning }
    let running = rig.run.core.loop.episode.isRunning
    #expect(running)
  }

  @Test func `After a port has come back, another fault is not taken for a lost port and not reset by itself`() throws {
    var rig = try HardwareRig(onUnplug: .wait, limitSteps: nil)
    rig.switchOn()
    rig.turn { $0.core.loop.episode.steps > 5 }
    let next = rig.run.device.arm.readCount
    for index in 0..<1_000 { rig.run.device.arm.readFailures[next + index] = .disconnected }
    rig.turn(100)
    rig.run.device.canReopen = true
    rig.turn { $0.core.question == .switchOn }
    rig.consents += 1
    rig.turn { $0.core.loop.episode.isRunning && $0.core.loop.episode.steps > 5 }
    let attempts = rig.run.device.reopenAttempts
    rig.run.device.arm.health.setFaults(.sensor, of: 1)
    rig.turnToTheEnd(atMost: 200)
    let (ending, latched) = (rig.run.core.ending, rig.run.core.loop.decision.latched)
    #expect(ending == .fault && rig.lastStep == .over && latched.has(.servoSensor))
    #expect(rig.run.device.reopenAttempts == attempts)
  }

  @Test func `A stop while waiting for the port ends the run`() throws {
    var rig = try HardwareRig(onUnplug: .wait, limitSteps: nil)
    rig.switchOn()
    rig.turn { $0.core.loop.episode.steps > 5 }
    let next = rig.run.device.arm.readCount
    for index in 0..<1_000 { rig.run.device.arm.readFailures[next + index] = .disconnected }
    rig.turn(100)
    rig.signals = 1
    rig.turnToTheEnd(atMost: 5)
    let ending = rig.run.core.ending
    #expect(ending == .stopped && rig.lastStep == .over)
  }

  // MARK: The log

  @Test func `The log tells the bus and the servos besides what a simulated run tells`() throws {
    let path: String
    do {
      var rig = try HardwareRig(episodes: 1)
      path = rig.folder.file("run.mcap")
      rig.switchOn()
      rig.turnToTheEnd()
      let summary = rig.finishLog()
      #expect(summary?.isLossy == false && summary?.messageCounts["/bus"] ?? 0 > 10)
      let log = try LogReader(path: path)
      #expect(log.topics == ["/bus", "/events", "/joint_states", "/loop", "/robot_description", "/transition"])
      var power: [String] = []
      _ = try log.forEachMessage(topics: ["/bus"]) { _, schema, message in
        let fields = schema.flatMap { try? RosSchema($0).decode(message.data) } ?? []
        power.append("\(fields.first { $0.name == "power" }.map { "\($0.value)" } ?? "none")")
        return true
      }
      #expect(power.first?.contains("1") == true && power.contains { $0.contains("3") })
    }
  }
}
