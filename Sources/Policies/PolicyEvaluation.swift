import Numerics

/// A policy's actions for the observations of a CSV file: `sinew policy eval`.
public struct PolicyEvaluation: Sendable, Equatable {
  /// One row of actions per row of the file.
  public var actions: [[Float]]

  /// Runs a policy over the columns `obs[i]` of a CSV file; other columns are ignored, the order does not matter.
  /// - Parameters:
  ///   - sequence: carries recurrent state from row to row; otherwise every row starts from the initial state.
  /// - Throws: a missing or surplus column, a cell that is no finite number, a row of the wrong length, an empty file,
  ///   each with its line and column; a row for which the policy gives no action.
  public static func run(model: LoadedPolicy, csv: String, sequence: Bool) throws(PolicyError) -> PolicyEvaluation {
    let table = try ObservationTable(path: csv)
    let rows = try table.rows("obs", count: model.description.observationCount)
    var policy = try model.makePolicy()
    var random = RandomStream(seed: 0, name: "policy eval")
    var actions: [[Float]] = []
    actions.reserveCapacity(rows.count)
    policy.reset()
    for (index, row) in rows.enumerated() {
      if !sequence { policy.reset() }
      let status = policy.act(observation: row, sampling: .mean, random: &random)
      guard status == .ok else {
        throw PolicyError(
          .table, file: csv, place: "row \(index + 1)",
          status == .nonFiniteObservation
            ? "an observation is too large for the network" : "the policy's action is not finite")
      }
      actions.append(Array(policy.action))
    }
    return PolicyEvaluation(actions: actions)
  }

  /// CSV with a header `action[0],…` and one line per row; every digit that single precision holds.
  public var csv: String {
    let count = actions.first?.count ?? 0
    var lines = [(0..<count).map { "action[\($0)]" }.joined(separator: ",")]
    for row in actions { lines.append(row.map { "\($0)" }.joined(separator: ",")) }
    return lines.joined(separator: "\n") + "\n"
  }
}
