import Foundation
import Numerics
import Policies
import TestSupport
import Testing

/// A fixture CSV with columns `name[i]`, read without the module under test.
struct GoldenTable {
  private let header: [String]
  private let cells: [[Double]]

  init(_ path: String) throws {
    let text = try String(contentsOf: Fixtures.url(path), encoding: .utf8)
    let lines = text.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    header = lines[0]
    cells = try lines.dropFirst().map { try $0.map { try #require(Double($0)) } }
  }

  var count: Int { cells.count }

  func rows(_ name: String) -> [[Double]] {
    let columns = header.indices.filter { header[$0].hasPrefix(name + "[") }
    return cells.map { row in columns.map { row[$0] } }
  }
}

extension LoadedPolicy {
  /// What the policy gives for each observation: mean actions, values and statuses.
  func run(_ observations: [[Double]], sequence: Bool = false) throws -> [(action: [Float], value: Float, log: Float)] {
    var policy = try makePolicy()
    var random = RandomStream(seed: 1, name: "test")
    policy.reset()
    var results: [(action: [Float], value: Float, log: Float)] = []
    for observation in observations {
      if !sequence { policy.reset() }
      let status = policy.act(observation: observation, sampling: .mean, random: &random)
      guard status == .ok else { throw Unusable(text: "status \(status)") }
      results.append((Array(policy.action), policy.value, policy.logProbability))
    }
    return results
  }
}

/// What went wrong while a test prepared its data.
struct Unusable: Error { var text: String }

/// The largest difference between two tables of the same shape.
func largestDifference(_ a: [[Float]], _ b: [[Double]]) -> Double {
  precondition(a.count == b.count && !a.isEmpty)
  var worst = 0.0
  for (x, y) in zip(a, b) {
    precondition(x.count == y.count && !x.isEmpty)
    for (p, q) in zip(x, y) { worst = max(worst, (Double(p) - q).isNaN ? .infinity : abs(Double(p) - q)) }
  }
  return worst
}
