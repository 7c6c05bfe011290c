import ArmModel
import ArmProfiles
import CSystem
import Control
import Glibc
import LoopTestSupport
import RealTime
import Safety
import ServoBus
import Synchronization
import Testing
import VirtualServos

/// How host and servos are joined.
enum Line: String, Sendable, CaseIterable, CustomTestStringConvertible {
  case socketPair = "socket pair"
  case terminal = "pseudo-terminal"

  var testDescription: String { rawValue }
}

/// An arm of virtual servos with real threads around it: the servos' own, a control thread that reads, asks the safety core
/// and writes in a fixed period, a policy's that proposes, and the test's, which is the operator and whatever goes wrong.
///
/// The control thread does in each tick what the control loop does in each of its ticks, and leaves a look at it behind.
final class LiveArm: Sendable {
  /// What is left of a tick.
  struct Look: Sendable {
    /// When it began and ended, ns.
    var began: Int64
    var ended: Int64
    var decision: Decision
    var inputs: SafetyInputs
    var counters: BusCounters
    /// Readings so far that the arm itself did not believe.
    var implausible: UInt64
  }

  /// What the test wants of the control thread.
  struct Orders: Sendable {
    var person = OperatorState()
    /// Whether the device's events have stopped coming.
    var isSilent = false
    /// Where the stick points, −1 … 1; nil for no proposals of a person.
    var stick: Double?
    /// A goal of the person's that stands, rad.
    var personGoal: [Double]?
    /// Asked for in the next tick only.
    var requests = OperatorRequests.none
    var remoteRequests = OperatorRequests.none
    /// Done at the beginning of every tick, with the number of ticks since it was set.
    var hook: (@Sendable (Int) -> Void)?
    var hookStart: Int?
    var isOver = false
  }

  /// The control period, and the policy's, ns: long, since the machine may be busy.
  static let period: Int64 = 20_000_000
  static let policyPeriod: Int64 = 60_000_000
  /// Of the threads of servos, loop and policy, where the system grants it: they sleep most of the time, and a machine that
  /// is busy with other tests then disturbs them little.
  static let priority = 40
  static var seconds: Double { Double(period) * 1e-9 }

  let server: ServoBusServer
  /// The host's end of a socket pair; -1 for none.
  let host: Int32
  let configuration: SafetyConfiguration
  private let folder: TemporaryFolder
  /// Where the control thread keeps its black box.
  var blackBox: String { folder.file("run.blackbox") }
  private let orders = Mutex(Orders())
  private let looks = Mutex<[Look]>([])
  private let policy = Mutex(LivePolicy())
  private let proposal = Mutex<Proposal?>(nil)
  private let failure = Mutex<String?>(nil)
  private let isPlugged = Mutex(true)
  private let threads = Mutex(Threads())

  /// - Parameter starts: where the shafts are, rad.
  init(
    _ line: Line, starts: [Double] = [0, 0.1, -0.1], setUp: (inout SafetyConfiguration) -> Void = { _ in }
  ) throws {
    folder = try TemporaryFolder()
    let arm = try LiveSetup(joints: starts.count, period: Self.period)
    var configuration = arm.safety(proposalPeriod: Self.policyPeriod)
    setUp(&configuration)
    self.configuration = configuration
    let servoConfiguration = arm.configuration
    let bus = try VirtualServoBus(arm.bus, physics: LiveJoints(starts))
    let connect: @Sendable () throws -> ServoArm
    switch line {
    case .socketPair:
      let (server, host) = try ServoBusServer.socketPair(bus, priority: Self.priority)
      self.server = server
      connect = {
        let copy = dup(host)
        return try ServoArm.connect(Transport(descriptor: copy), configuration: servoConfiguration)
      }
      self.host = host
    case .terminal:
      let server = try ServoBusServer.pseudoTerminal(bus, priority: Self.priority)
      self.server = server
      let name = server.portName
      connect = { try ServoArm.connect(path: name, baud: 1_000_000, configuration: servoConfiguration) }
      host = -1
    }
    try threads.withLock { threads in
      threads.control = try ControlThread { [self] in
        _ = sinew_thread_set_fifo(Int32(Self.priority))
        do { try self.control(Self.surely(connect)) } catch { self.failure.withLock { $0 = "\(error)" } }
      }
      threads.policy = try ControlThread { [self] in
        _ = sinew_thread_set_fifo(Int32(Self.priority))
        self.propose()
      }
    }
  }

  /// A machine that is late now and then is no reason to give up.
  private static func surely(_ connect: () throws -> ServoArm) throws -> ServoArm {
    for _ in 0..<9 { if let arm = try? connect() { return arm } }
    return try connect()
  }

  private struct Threads {
    var control: ControlThread?
    var policy: ControlThread?
  }

  /// Takes the servos' end of the line away.
  func unplug() {
    let isFirst = isPlugged.withLock { isPlugged in
      defer { isPlugged = false }
      return isPlugged
    }
    if isFirst { server.stop() }
  }

  /// Ends the threads; call once.
  func end() {
    orders.withLock { $0.isOver = true }
    threads.withLock {
      $0.control?.join()
      $0.policy?.join()
    }
    if host >= 0 { close(host) }
    unplug()
  }

  // MARK: The control thread

  private func control(_ connected: consuming ServoArm) throws {
    var arm = connected
    var core = SafetyCore(configuration)
    var box = try BlackBox(path: blackBox, period: Self.period, jointCount: arm.jointCount)
    var inputs = SafetyInputs(count: arm.jointCount, mode: .position)
    var clock = TickClock(.monotonic)
    var schedule = TickSchedule(period: Self.period)
    schedule.start(at: clock.now())
    var before = arm.counters
    var tick = 0
    while true {
      clock.sleep(until: schedule.nextDeadline)
      let now = clock.now()
      let timing = schedule.begin(at: now)
      inputs.lateness = timing.lateness
      inputs.sincePrevious = timing.sincePrevious
      inputs.suspended = sinew_suspended_ns()
      let orders = takeOrders(tick)
      if orders.isOver { break }
      orders.hook?(tick - (orders.hookStart ?? tick))
      do throws(ArmError) {
        try arm.read(into: &inputs.joints, now: now)
        inputs.readSucceeded = true
      } catch {
        inputs.readSucceeded = false
        if error.code == .disconnected || error.code == .internalFailure { inputs.armFailed = true }
      }
      inputs.power = arm.power
      inputs.health = arm.health
      inputs.bus = Safety.BusCounts(from: before, to: arm.counters)
      before = arm.counters
      listen(orders, core.commandedGoal, &inputs, now)
      let decision = core.step(inputs, now: now)
      box.note(inputs, decision, now: now)
      let seen = inputs
      inputs.armFailed = false
      inputs.writeFailed = false
      do throws(ArmError) {
        if decision.power == .energise { try arm.energise(now: now) }
        if decision.power == .release { try arm.release(now: now) }
      } catch { inputs.writeFailed = true }
      if decision.writes {
        do throws(ArmError) { try arm.write(decision.command) } catch { inputs.writeFailed = true }
      }
      let look = Look(
        began: now, ended: clock.now(), decision: decision, inputs: seen, counters: arm.counters,
        implausible: arm.implausibleReadings)
      looks.withLock { $0.append(look) }
      tick += 1
    }
    try? arm.finish(as: .release, deadline: clock.now() + 1_000_000_000)
  }

  private func takeOrders(_ tick: Int) -> Orders {
    orders.withLock { orders in
      if orders.hook != nil && orders.hookStart == nil { orders.hookStart = tick }
      defer {
        orders.requests = .none
        orders.remoteRequests = .none
      }
      return orders
    }
  }

  private func listen(_ orders: Orders, _ commanded: JointVector, _ inputs: inout SafetyInputs, _ now: Int64) {
    let last = inputs.person.lastEvent
    inputs.person = orders.person
    inputs.person.lastEvent = orders.isSilent ? last : now
    inputs.requests = orders.requests
    inputs.remoteRequests = orders.remoteRequests
    if let stick = orders.stick {
      let goal = JointVector(commanded.array.map { $0 + 0.2 * stick })
      inputs.personProposal = Proposal(source: .person, mode: .position, goal: goal, stamp: now)
    } else if let goal = orders.personGoal {
      inputs.personProposal = Proposal(source: .person, mode: .position, goal: JointVector(goal), stamp: now)
    }
    // What has never been proposed has no source.
    if let newest = proposal.withLock({ $0 }) { inputs.proposal = newest }
  }

  // MARK: The policy's thread

  /// Looks at the newest tick and proposes, as a policy on a thread of its own does.
  private func propose() {
    var next = sinew_now_ns()
    while !orders.withLock({ $0.isOver }) {
      next = max(next + Self.policyPeriod, sinew_now_ns())
      _ = sinew_sleep_until_ns(next)
      guard let look = looks.withLock({ $0.last }) else { continue }
      let count = look.decision.command.goal.count
      guard count > 0 else { continue }
      let made = policy.withLock { policy in
        policy.propose(from: look.decision.command.goal, stamp: sinew_now_ns())
      }
      switch made {
      case .nothing: continue
      case .death: return
      case .proposal(let made): proposal.withLock { $0 = made }
      }
    }
  }

  // MARK: For the test's thread

  /// From now on the policy does something else.
  func setPolicy(_ manner: LivePolicy.Manner) { policy.withLock { $0.manner = manner } }

  /// Changes what the control thread sees from its next tick on.
  func order(_ edit: (inout Orders) -> Void) { orders.withLock { edit(&$0) } }

  var count: Int { looks.withLock { $0.count } }
  func look(_ index: Int) -> Look { looks.withLock { $0[index] } }
  var last: Look? { looks.withLock { $0.last } }
  func all(from index: Int = 0) -> [Look] { looks.withLock { Array($0[index...]) } }
  var whyNotConnected: String? { failure.withLock { $0 } }
  var joints: @Sendable ((LiveJoints) -> Void) -> Void {
    { body in
      nonisolated(unsafe) let body = body
      self.server.withBus { if let joints = $0.physics as? LiveJoints { body(joints) } }
    }
  }
  /// The number of the first tick in which the hook ran.
  var hookStart: Int? { orders.withLock { $0.hookStart } }
}

extension Safety.BusCounts {
  /// What a bus's counters have counted between two looks.
  init(from before: BusCounters, to after: BusCounters) {
    self.init()
    func damaged(_ counters: BusCounters) -> UInt64 {
      counters.checksum &+ counters.short &+ counters.length &+ counters.foreign
    }
    errors = Int(damaged(after) &- damaged(before))
    replies = Int(after.answers &- before.answers) + errors
  }
}
