import CSystem

/// Mean and variance of a growing set of vectors, in double precision; two sets can be merged.
///
/// Before the first update the mean is 0 and the variance 1, with a weight of 10⁻⁴ rows, as the field starts it. Merging is
/// Chan, Golub and LeVeque's pairwise update (Technical Report STAN-CS-79-773, 1979).
public struct RunningMoments: ~Copyable {
  /// Numbers in a vector.
  public let size: Int
  /// Rows seen so far.
  public private(set) var weight = 1e-4
  // mean, variance, and the sums of the batch being merged.
  private let memory: UnsafeMutablePointer<Double>

  public init(size: Int) {
    self.size = size
    memory = .allocate(capacity: 4 * size)
    memory.initialize(repeating: 0, count: 4 * size)
    for index in 0..<size { memory[size + index] = 1 }
  }

  deinit { memory.deallocate() }

  public var mean: UnsafePointer<Double> { UnsafePointer(memory) }
  /// Population variance.
  public var variance: UnsafePointer<Double> { UnsafePointer(memory + size) }

  /// Adds `count` vectors, one after the other.
  public mutating func update(_ rows: UnsafePointer<Double>, count: Int) {
    guard count > 0 else { return }
    let (batchMean, batchVariance) = (memory + 2 * size, memory + 3 * size)
    for column in 0..<size {
      var sum = 0.0
      for row in 0..<count { sum += rows[row * size + column] }
      let mean = sum / Double(count)
      var squares = 0.0
      for row in 0..<count {
        let difference = rows[row * size + column] - mean
        squares += difference * difference
      }
      batchMean[column] = mean
      batchVariance[column] = squares / Double(count)
    }
    merge(batchMean, batchVariance, weight: Double(count))
  }

  /// Adds all that another set saw.
  public mutating func merge(_ other: borrowing RunningMoments) {
    merge(other.mean, other.variance, weight: other.weight)
  }

  /// Whether a column showed nothing but one number, up to rounding: its sum of squares about the mean is no more than
  /// what the starting weight brought in.
  public func isUnvarying(_ column: Int) -> Bool {
    variance[column] * weight <= 2e-4 * (1 + mean[column] * mean[column])
  }

  private mutating func merge(
    _ otherMean: UnsafePointer<Double>, _ otherVariance: UnsafePointer<Double>, weight otherWeight: Double
  ) {
    let total = weight + otherWeight
    for column in 0..<size {
      let difference = otherMean[column] - memory[column]
      let squares =
        memory[size + column] * weight + otherVariance[column] * otherWeight
        + difference * difference * weight * otherWeight / total
      memory[column] += difference * otherWeight / total
      memory[size + column] = squares / total
    }
    weight = total
  }

  func encode(into encoder: inout StateEncoder) {
    encoder.put(weight)
    encoder.put(memory, count: 2 * size)
  }

  mutating func decode(from decoder: inout StateDecoder) throws(LearningError) {
    weight = try decoder.take(Double.self)
    try decoder.take(into: memory, count: 2 * size)
  }
}

/// Observations as the networks see them: (x − mean)/√(variance + ε), cut to ±limit.
public struct ObservationScaling: ~Copyable {
  public static var epsilon: Double { 1e-8 }
  public static var limit: Double { 10 }
  public var moments: RunningMoments
  /// Off, observations pass through unchanged.
  public let isOn: Bool

  public init(size: Int, isOn: Bool) {
    moments = RunningMoments(size: size)
    self.isOn = isOn
  }

  /// Places of the numbers that never varied so far; empty where nothing is scaled.
  public var unvarying: [Int] { isOn ? (0..<moments.size).filter { moments.isUnvarying($0) } : [] }

  /// Writes `count` rows for a network, `stride` floats apart.
  public func apply(
    _ observations: UnsafePointer<Double>, count: Int, into rows: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let size = moments.size
    for column in 0..<size {
      let mean = isOn ? moments.mean[column] : 0
      let deviation = isOn ? sinew_sqrt(moments.variance[column] + Self.epsilon) : 1
      let limit = isOn ? Self.limit : .infinity
      for row in 0..<count {
        let x = (observations[row * size + column] - mean) / deviation
        rows[row * stride + column] = Float(x < -limit ? -limit : (x > limit ? limit : x))
      }
    }
  }

  /// Writes one remembered row for a network.
  public func apply(_ observation: UnsafePointer<Float>, into row: UnsafeMutablePointer<Float>) {
    guard isOn else {
      row.update(from: observation, count: moments.size)
      return
    }
    for column in 0..<moments.size {
      let deviation = sinew_sqrt(moments.variance[column] + Self.epsilon)
      let x = (Double(observation[column]) - moments.mean[column]) / deviation
      row[column] = Float(x < -Self.limit ? -Self.limit : (x > Self.limit ? Self.limit : x))
    }
  }
}

/// Rewards divided by the running standard deviation of the discounted return (no mean), cut to ±10: Gₜ ← γ·Gₜ₋₁ + rₜ for
/// each environment, one pooled estimate.
public struct RewardScaling: ~Copyable {
  public let isOn: Bool
  private var moments = RunningMoments(size: 1)
  private let returns: UnsafeMutablePointer<Double>
  private let count: Int
  private let gamma: Double

  public init(environments: Int, gamma: Double, isOn: Bool) {
    count = environments
    self.gamma = gamma
    self.isOn = isOn
    returns = .allocate(capacity: environments)
    returns.initialize(repeating: 0, count: environments)
  }

  deinit { returns.deallocate() }

  /// Takes the rewards of one step everywhere and writes the scaled ones.
  public mutating func apply(_ steps: UnsafePointer<EnvironmentStep>, into rewards: UnsafeMutablePointer<Float>) {
    guard isOn else {
      for index in 0..<count { rewards[index] = Float(steps[index].reward) }
      return
    }
    for index in 0..<count { returns[index] = gamma * returns[index] + steps[index].reward }
    moments.update(returns, count: count)
    let deviation = sinew_sqrt(moments.variance[0] + ObservationScaling.epsilon)
    for index in 0..<count {
      let reward = steps[index].reward / deviation
      rewards[index] = Float(reward < -10 ? -10 : (reward > 10 ? 10 : reward))
      if steps[index].terminated || steps[index].truncated { returns[index] = 0 }
    }
  }

  /// Forgets the running returns: new episodes begin everywhere.
  public mutating func restart() { returns.update(repeating: 0, count: count) }

  func encode(into encoder: inout StateEncoder) {
    moments.encode(into: &encoder)
    encoder.put(returns, count: count)
  }

  mutating func decode(from decoder: inout StateDecoder) throws(LearningError) {
    try moments.decode(from: &decoder)
    try decoder.take(into: returns, count: count)
  }
}
