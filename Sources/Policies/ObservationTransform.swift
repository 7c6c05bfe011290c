import CSystem

/// What happens to an observation before the network: limits, scale and offset of its terms, then the normaliser; in
/// double precision, then rounded to single.
struct ObservationTransform: ~Copyable {
  private let count: Int
  private let isIdentity: Bool
  private let clip: Double
  // 6 × count doubles: low, high, scale, offset, mean, standard deviation.
  private let numbers: UnsafeMutablePointer<Double>

  /// - Parameter terms: the observation's terms, which fill `count`, or none.
  init(terms: [ObservationTerm], normaliser: ObservationNormaliser, count: Int) {
    self.count = count
    numbers = .allocate(capacity: 6 * count)
    let hasTerms = terms.contains { term in
      term.clip != nil || term.scale.contains { $0 != 1 } || term.offset.contains { $0 != 0 }
    }
    if case .statistics(_, _, _, let limit) = normaliser {
      clip = limit
      isIdentity = false
    } else {
      clip = .infinity
      isIdentity = !hasTerms
    }
    let numbers = numbers
    func set(_ row: Int, _ column: Int, _ value: Double) { (numbers + row * count + column).initialize(to: value) }
    for column in 0..<count {
      var mean = 0.0
      var deviation = 1.0
      if case .statistics(let means, let variances, let epsilon, _) = normaliser {
        mean = means[column]
        deviation = sinew_sqrt(variances[column] + epsilon)
      }
      set(0, column, -.infinity)
      set(1, column, .infinity)
      set(2, column, 1)
      set(3, column, 0)
      set(4, column, mean)
      set(5, column, deviation)
    }
    var index = 0
    for term in terms {
      for element in 0..<term.count where index < count {
        set(0, index, term.clip?.lowerBound ?? -.infinity)
        set(1, index, term.clip?.upperBound ?? .infinity)
        set(2, index, term.scale[element])
        set(3, index, term.offset[element])
        index += 1
      }
    }
  }

  deinit { numbers.deallocate() }

  /// Writes what the network sees. Nothing that is not finite ever reaches it: an infinite observation is refused even
  /// where a limit would cut it.
  /// - Returns: false when an observation is not finite or too large for single precision.
  @_noLocks
  func apply(_ observation: UnsafePointer<Double>, into input: UnsafeMutablePointer<Float>, count: Int) -> Bool {
    for index in 0..<count {
      var x = observation[index]
      guard x.isFinite else { return false }
      if !isIdentity {
        if x < numbers[index] { x = numbers[index] }
        if x > numbers[count + index] { x = numbers[count + index] }
        x = x * numbers[2 * count + index] + numbers[3 * count + index]
        x = (x - numbers[4 * count + index]) / numbers[5 * count + index]
        if x < -clip { x = -clip }
        if x > clip { x = clip }
      }
      input[index] = Float(x)
      guard input[index].isFinite else { return false }
    }
    return true
  }
}
