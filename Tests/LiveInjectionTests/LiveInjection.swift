import ArmModel
import Safety
import Testing

/// One row of the project's list of injected faults on real threads: what is done, what must come of it, within how many
/// control periods.
struct LiveInjection: CustomTestStringConvertible, Sendable {
  /// The row's number in the list.
  let number: Int
  let name: String
  let reaction: String
  /// The most control periods from the cause to the first tick that shows the reaction; nil where nothing may happen.
  let bound: Int?
  /// Conditions that belong to it. Others mean that the machine was late, or that something is wrong.
  let causes: [Condition]
  let starts: [Double]
  let setUp: @Sendable (inout SafetyConfiguration) -> Void
  /// Injects, expects, and gives the control periods it took.
  let run: @Sendable (LiveArm) throws -> Int?

  init(
    _ number: Int, _ name: String, reaction: String, bound: Int?, causes: [Condition] = [],
    starts: [Double] = [0, 0.1, -0.1], setUp: @escaping @Sendable (inout SafetyConfiguration) -> Void = { _ in },
    run: @escaping @Sendable (LiveArm) throws -> Int?
  ) {
    self.number = number
    self.name = name
    self.reaction = reaction
    self.bound = bound
    self.causes = causes
    self.starts = starts
    self.setUp = setUp
    self.run = run
  }

  var testDescription: String { "Injection \(number): \(name)" }

  /// All that can be shown on real threads, in the order of the list.
  static var all: [LiveInjection] {
    (operatorRows + policyRows + servoRows + motionRows + loopRows).sorted {
      ($0.number, $0.name) < ($1.number, $1.name)
    }
  }

  /// What a machine that has no time for us does to a run.
  private static let noise: [Condition] = [
    .overrunBudgetSpent, .timeGap, .proposalLate, .jointSilent, .observationStale, .armMute, .busErrors,
    .measurementJumped, .armingTimedOut,
  ]

  /// Runs it until the machine has let it. The control periods it took, or nil where nothing has happened.
  func measure(on line: Line) throws -> Int? {
    var reasons: [String] = []
    for _ in 0..<40 {
      let arm = try LiveArm(line, starts: starts, setUp: setUp)
      defer { arm.end() }
      do {
        let taken = try run(arm)
        let strange = strangers(arm)
        guard strange.isEmpty else {
          guard isNoise(strange) else { throw Wrong("\(testDescription): \(strange.map(\.name))") }
          throw Disturbed(description: strange.map(\.name).joined(separator: ", "))
        }
        if let finding = LiveAudit.finding(arm.all(), arm.configuration) {
          throw Wrong("\(testDescription): \(finding)")
        }
        if let finding = try LiveAudit.blackBoxFinding(arm) { throw Wrong("\(testDescription): \(finding)") }
        return taken
      } catch let disturbed as Disturbed {
        reasons.append(disturbed.description)
      } catch let unmet as Unmet {
        // A machine that was late may have caused it; on one that was not it is wrong.
        guard isNoise(strangers(arm)) else { throw Wrong("\(testDescription): \(unmet.description)") }
        reasons.append(unmet.description)
      }
    }
    throw Wrong("\(testDescription): disturbed forty times: \(reasons)")
  }

  /// Conditions that were active in a life and do not belong to the injection.
  private func strangers(_ arm: LiveArm) -> [Condition] {
    arm.all().reduce(ConditionSet.none) { $0.union($1.decision.active) }.conditions.filter { !causes.contains($0) }
  }

  private func isNoise(_ conditions: [Condition]) -> Bool { conditions.contains(where: Self.noise.contains) }

  /// Something that must not be, or a machine that is too busy to tell.
  struct Wrong: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }
}

/// Something that must be so in an injection is not.
struct Unmet: Error, CustomStringConvertible { let description: String }

/// What must be so while an injection runs.
func demand(_ isSo: Bool, _ words: @autoclosure () -> String = "", line: Int = #line) throws {
  if !isSo { throw Unmet(description: "line \(line): \(words())") }
}
