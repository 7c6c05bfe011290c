import ArmModel
import Safety
import Testing

/// One row of the project's list of injected faults, as far as the pure core is concerned: what is done, what must come of
/// it, and within how many ticks.
struct Injection: CustomTestStringConvertible, Sendable {
  /// The row's number in the list.
  let number: Int
  let name: String
  /// What the core must do.
  let reaction: String
  /// The most ticks from the injection to the first decision that shows the reaction; nil where nothing may happen.
  let bound: Int?
  /// Injects, expects, and gives the ticks it took.
  let run: @Sendable () -> Int?

  init(_ number: Int, _ name: String, reaction: String, bound: Int?, run: @escaping @Sendable () -> Int?) {
    self.number = number
    self.name = name
    self.reaction = reaction
    self.bound = bound
    self.run = run
  }

  var testDescription: String { "injection \(number < 10 ? "0" : "")\(number): \(name)" }

  /// Every row that the pure core can show, in the order of the list.
  static var all: [Injection] {
    (operatorRows + proposalRows + servoRows + motionRows + loopRows + sequenceRows).sorted {
      ($0.number, $0.name) < ($1.number, $1.name)
    }
  }
}

extension HardwareRig {
  /// Ticks until the core no longer lets anybody move the arm; expects that the first stop frame slows the arm down.
  func ticksToStop(atMost limit: Int = 50, _ edit: (inout SafetyInputs) -> Void = { _ in }) -> Int? {
    ticks(atMost: limit, edit) { $0.source != .policy && $0.source != .person && $0.source != .blend }
  }

  /// Whether the arm comes to rest in a state within a time; nothing on the wire may break a limit on the way.
  func comesToRest(in state: SafetyState, within limit: Int = 200, _ edit: (inout SafetyInputs) -> Void = { _ in })
    -> Bool
  {
    ticks(atMost: limit, edit) { $0.state == state } != nil && finding == nil
  }
}
