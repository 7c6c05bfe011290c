import Numerics

/// Observations and the actions that the trainer's own forward pass gave for them.
///
/// The action is what the policy gives for `ActionSelection.mean`: after squash, scale, offset and limits. For a
/// recurrent policy the rows are one sequence from the initial state; otherwise each row stands alone.
struct GoldenVectors {
  /// Largest difference; relative where the expected number is above 1.
  static let tolerance = 1e-5
  /// Fewer rows prove nothing.
  static let fewestRows = 5

  let file: String
  let observations: [[Double]]
  let actions: [[Double]]

  /// Reads the columns `obs[i]` and `action[i]`.
  init(path: String, observationCount: Int, actionCount: Int) throws(PolicyError) {
    let table = try ObservationTable(path: path)
    guard table.rowCount >= Self.fewestRows else {
      throw PolicyError(
        .golden, file: path, "has \(table.rowCount) golden rows, at least \(Self.fewestRows) are needed",
        suggestion: "export more observation and action pairs from the trainer")
    }
    file = path
    observations = try table.rows("obs", count: observationCount)
    actions = try table.rows("action", count: actionCount)
  }

  /// Runs every row.
  /// - Returns: the number of rows.
  func check(_ policy: inout Policy, isSequence: Bool) throws(PolicyError) -> Int {
    var random = RandomStream(seed: 0, name: "golden")
    policy.reset()
    for row in observations.indices {
      if !isSequence { policy.reset() }
      let status = policy.act(observation: observations[row], sampling: .mean, random: &random)
      guard status == .ok else {
        throw PolicyError(
          .golden, file: file, place: "row \(row + 1)", "the policy gave no action (\(status))",
          suggestion: "the bundle is refused: export model and vectors together")
      }
      for index in actions[row].indices {
        let expected = actions[row][index]
        let got = Double(policy.action[index])
        guard abs(got - expected) <= Self.tolerance * max(1, abs(expected)) else {
          throw PolicyError(
            .golden, file: file, place: "row \(row + 1), action[\(index)]", "expected \(expected), got \(got)",
            suggestion: "the bundle is refused: weights, normaliser or distribution differ from the trainer's")
        }
      }
    }
    policy.reset()
    return observations.count
  }
}
