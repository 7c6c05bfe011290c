import ServoBus
import VirtualServos

/// A bus master against virtual servos with one kind of fault, on virtual time: cycles as a control loop makes them, in
/// blocks that end with a few clean cycles. Every value that is believed is compared with what the servos said.
///
/// The bus: six servos at 1 Mbit/s without return delay, 20 µs turnaround, an adaptor that adds 250 µs; a cycle every
/// 10 ms that must end within 6 ms.
public struct BusTrial: Sendable {
  /// The protocol and the way the servos are read.
  public enum Bus: String, CaseIterable, Sendable {
    case feetech = "feetech sync"
    case dynamixel = "dynamixel2 sync"
    case dynamixelFast = "dynamixel2 fast"

    var wire: WireProtocol { self == .feetech ? .feetechSTS : .dynamixel2 }
    var method: CyclePlan.Method { self == .dynamixelFast ? .fast : .sync }
  }

  public var bus: Bus
  public var fault: TrialFault
  public var cycles: Int
  public var seed: UInt64

  public init(_ bus: Bus, _ fault: TrialFault, cycles: Int, seed: UInt64 = 1) {
    self.bus = bus
    self.fault = fault
    self.cycles = cycles
    self.seed = seed
  }

  static let servos: [UInt8] = [1, 2, 3, 4, 5, 6]
  /// ns.
  static let period: Int64 = 10_000_000
  static let budget: Int64 = 6_000_000
  /// Cycles of a block, and how many of them at its end are clean.
  static let block = 500
  static let cleanEnd = 10
  /// How long the cable is out, in cycles.
  static let unplugged = 20

  /// Runs the trial.
  public func run() throws -> TrialResult {
    var running = try RunningTrial(self)
    return try running.run()
  }

  func makeBus() throws(VirtualServoError) -> VirtualServoBus {
    let model = try ServoModel.named(bus == .feetech ? "sts3215-7v4" : "xl330-m288")
    let servos = try ServoSetup.servos(model, ids: Self.servos, baud: 1_000_000, returnDelay: 0)
    let timing = VirtualServos.BusTiming(
      baud: 1_000_000, turnaround: 20_000, usbLatency: 250_000, echoes: fault.echoes)
    let configuration = VirtualBusConfiguration(
      servos: servos, timing: timing, faults: TrialFault.none.settings, seed: seed)
    // The shafts stand still: nothing is lost by moving them in long steps.
    let physics = IndependentJoints(
      Self.servos.map { _ in IndependentJoints.Joint() }, stepNanoseconds: 100_000_000)
    return try VirtualServoBus(configuration, physics: physics)
  }

  private typealias ServoModel = VirtualServos.ServoModel
}

/// The state of a trial under way.
private struct RunningTrial: ~Copyable {
  let trial: BusTrial
  let line: VirtualLine
  var master: BusMaster
  var result: TrialResult
  var history = SpokenHistory()
  var filter: PlausibilityFilter
  /// Cycles since the fault ended; -1 while it lasts, and after the first whole one.
  var sinceEnd = -1

  init(_ trial: BusTrial) throws {
    let line = VirtualLine(try trial.makeBus())
    var master = BusMaster(
      line.makeTransport(), wire: trial.bus.wire, timing: ServoBus.BusTiming(baud: 1_000_000))
    let plan = ServoBenchmark(ids: BusTrial.servos, cycles: 1, method: trial.bus.method).plan(on: trial.bus.wire)
    _ = try master.measureLatency(1, address: plan.readAddress)
    try master.prepareCycle(plan)
    line.bus.keepsAnswers = true
    self.trial = trial
    self.line = line
    self.master = master
    result = TrialResult(bus: trial.bus.rawValue, fault: trial.fault)
    filter = PlausibilityFilter(trial.bus.wire, servos: BusTrial.servos.count, period: BusTrial.period)
  }

  mutating func run() throws -> TrialResult {
    let before = master.counters
    var calls: UInt64 = 0
    let start = (line.now / BusTrial.period + 1) * BusTrial.period
    for cycle in 0..<trial.cycles {
      let began = start + Int64(cycle) * BusTrial.period
      line.advance(to: began)
      let place = cycle % BusTrial.block
      if place == 0 { line.bus.faults = trial.fault.settings }
      if place == BusTrial.block - BusTrial.cleanEnd {
        line.bus.faults = TrialFault.none.settings
        sinceEnd = 0
      }
      // Somewhere in the cycle: in a request, in an answer, or in the pause.
      if trial.fault.unplugs, place == 200 {
        line.unplug(at: began + Int64((UInt64(cycle) &* 2_654_435_761) % 4_000_000))
      }
      if trial.fault.unplugs, place == 200 + BusTrial.unplugged { plug() }
      if trial.fault.brownsOut, place == 50 {
        line.bus.cutPower((cycle / BusTrial.block) % 6, for: 200_000_000, at: line.now)
      }
      if trial.fault.brownsOut, place == 70 { faultEnds() }
      let callsBefore = master.systemCalls
      step(began)
      calls += master.systemCalls - callsBefore
    }
    let after = master.counters
    result.cycles = trial.cycles
    result.lost = after.timeouts - before.timeouts
    result.retries = after.retries - before.retries
    result.damaged = after.checksum + after.short - before.checksum - before.short
    result.stale = after.stale - before.stale
    result.late = after.late - before.late
    result.duplicates = after.duplicates - before.duplicates
    result.systemCalls = Double(calls) / Double(max(1, trial.cycles))
    return result
  }

  /// One fault of a block is over; where there are others, only the block's end counts.
  private mutating func faultEnds() {
    if trial.fault != .all { sinceEnd = 0 }
  }

  private mutating func plug() {
    line.plug()
    master.replaceTransport(line.makeTransport())
    faultEnds()
  }

  private mutating func step(_ began: Int64) {
    let deadline = began + BusTrial.budget
    var answered: UInt32 = 0
    var isComplete = false
    do throws(TransportError) {
      let report = try master.cycle(writes: true, deadline: deadline)
      answered = report.answered | report.belated
      isComplete = report.isComplete
    } catch {
      // Unplugged: the cycle is lost.
    }
    result.overrun = max(result.overrun, line.now - deadline)
    if isComplete { result.complete += 1 }
    if sinceEnd >= 0 {
      sinceEnd += 1
      result.recovery = max(result.recovery, isComplete ? sinceEnd : sinceEnd + 1)
      if isComplete { sinceEnd = -1 }
    }
    history.add(line.bus.takeSpoken(), now: line.now)
    for servo in 0..<BusTrial.servos.count where answered & (1 << UInt32(servo)) != 0 { judge(servo) }
  }

  /// Compares what is believed of a servo with what it said.
  private mutating func judge(_ servo: Int) {
    let id = BusTrial.servos[servo]
    let bytes = UnsafeBufferPointer(start: master.data(of: servo), count: 8)
    let stamp = master.stamp(of: servo)
    let said = history.time(of: id, status: master.status(of: servo), bytes)
    let isAccepted = filter.accepts(bytes, of: servo, at: stamp)
    if let said {
      if said < stamp { result.older += 1 }
      return
    }
    result.collisions += 1
    guard isAccepted, let truth = history.latest(of: id) else { return }
    truth.data.withUnsafeBufferPointer { truth in
      for field in filter.fields where field.distance(field.value(bytes), field.value(truth)) > 2 * field.bound {
        result.implausible += 1
        return
      }
    }
  }
}
