import CSystem
import Numerics
import Policies

/// The behaviour policy, asked again what it was asked when a log was made.
///
/// log π(u) = Σ [−½z² − log σ − ½ log 2π], z = (u − m)/σ; squashed, a = offset + scale·tanh u takes
/// Σ [2(log 2 − u − softplus(−2u)) + log |scale|] from it (arXiv:1801.01290, appendix C).
struct BehaviourReplay: ~Copyable {
  private var policy: Policy
  private let isSquashed: Bool
  private let action: ActionTransform
  private var random = RandomStream(seed: 0, name: "replay")
  let count: Int

  init(_ loaded: LoadedPolicy) throws {
    policy = try loaded.makePolicy()
    action = loaded.description.action
    count = loaded.description.actionCount
    if case .gaussian(_, let squashed) = loaded.description.distribution {
      isSquashed = squashed
    } else {
      isSquashed = false
    }
  }

  /// Asks the policy; false when it has no answer.
  mutating func ask(_ observation: [Float]) -> Bool {
    let wide = observation.map { Double($0) }
    let status = policy.act(observation: wide, sampling: .mean, random: &random)
    return status == .ok
  }

  var mean: [Float] { Array(policy.mean) }
  var logDeviation: [Float] { Array(policy.logStandardDeviation) }

  /// log π of a sampled action under the latest answer.
  func logProbability(of raw: [Float]) -> Double {
    var sum = 0.0
    for index in 0..<count {
      let logSigma = Double(policy.logStandardDeviation[index])
      let u = Double(raw[index])
      let z = (u - Double(policy.mean[index])) * sinew_exp(-logSigma)
      sum -= 0.5 * z * z + logSigma + 0.918938533204672741780329736406
      if isSquashed {
        let y = -2 * u
        let softplus = (y > 0 ? y : 0) + sinew_log(1 + sinew_exp(y > 0 ? -y : y))
        sum -= 2 * (0.693147180559945309417232121458 - u - softplus) + sinew_log(action.scale[index].magnitude)
      }
    }
    return sum
  }

  /// The action that leaves for a sampled one.
  func bounded(_ raw: Float, _ index: Int) -> Double {
    let x = action.offset[index] + action.scale[index] * (isSquashed ? sinew_tanh(Double(raw)) : Double(raw))
    return min(max(x, action.low[index]), action.high[index])
  }

  /// Whether a sampled action lies exactly on an edge of the action box, which chance does not hit.
  func isOnEdge(_ raw: [Float]) -> Bool {
    guard !isSquashed else { return false }
    return raw.indices.contains { index in
      let x = Float(action.offset[index] + action.scale[index] * Double(raw[index]))
      return x == Float(action.low[index]) || x == Float(action.high[index])
    }
  }

  /// Writes what the network sees of an observation; false when a number is not finite.
  func networkInput(_ observation: [Float], into row: inout [Float]) -> Bool {
    let wide = observation.map { Double($0) }
    return row.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return false }
      return policy.networkInput(wide, into: base)
    }
  }

  func networkInput(_ observation: [Double], into row: UnsafeMutablePointer<Float>) -> Bool {
    policy.networkInput(observation, into: row)
  }
}
