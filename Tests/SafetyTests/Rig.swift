import ArmModel
import Safety

/// A `SafetyBench` by reference, so that an expectation may hold the tick that it judges.
@dynamicMemberLookup
final class Rig {
  var bench: SafetyBench

  init(_ bench: SafetyBench) { self.bench = bench }

  convenience init(
    limits: JointLimits = SafetyBench.limits(), mode: CommandMode = .position, armingTicks: Int = 0,
    judgesTiming: Bool = true, period: Int64 = 5_000_000, proposalPeriod: Int64? = nil
  ) {
    self.init(
      SafetyBench(
        limits: limits, mode: mode, armingTicks: armingTicks, judgesTiming: judgesTiming, period: period,
        proposalPeriod: proposalPeriod))
  }

  subscript<Value>(dynamicMember path: WritableKeyPath<SafetyBench, Value>) -> Value {
    get { bench[keyPath: path] }
    set { bench[keyPath: path] = newValue }
  }
  subscript<Value>(dynamicMember path: KeyPath<SafetyBench, Value>) -> Value { bench[keyPath: path] }

  @discardableResult
  func tick(_ requests: OperatorRequests = .none, _ edit: (inout SafetyInputs) -> Void = { _ in }) -> Decision {
    bench.tick(requests, edit)
  }
  @discardableResult
  func ticks(_ number: Int, _ edit: (inout SafetyInputs) -> Void = { _ in }) -> Decision { bench.ticks(number, edit) }
  func propose(_ goal: [Double], source: CommandSource = .policy, mode: CommandMode? = nil) {
    bench.propose(goal, source: source, mode: mode)
  }
  @discardableResult
  func arm() -> Decision { bench.arm() }
  @discardableResult
  func move(toward goal: [Double] = [1, -1], ticks number: Int = 10) -> Decision {
    bench.move(toward: goal, ticks: number)
  }
  func adopt(_ position: JointVector) -> Bool { bench.core.adopt(position) }
}
