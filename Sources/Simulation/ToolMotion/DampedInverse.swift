import CSystem

/// The pseudo-inverse of three rows of a Jacobian, damped where the arm is close to a singularity.
///
/// With the singular values σ of J (3 × n) and its left singular vectors u: J# = Σ Jᵀ u uᵀ / (σ² + λ²), where
/// λ² = (1 − (σ / ε)²) λ_max² for σ < ε and 0 otherwise. Away from singularities it is exact; near one the joints of the
/// lost direction stay slow. Source: Maciejewski and Klein, "Numerical filtering for the operation of robotic
/// manipulators through kinematically singular configurations", Journal of Robotic Systems 5(6), 1988.
struct DampedInverse: ~Copyable {
  /// Below this singular value (m/rad, or rad/rad) damping sets in.
  let threshold: Double
  /// Damping at the singularity, in the same unit.
  let damping: Double
  let columns: Int
  /// n × 3, row by row.
  let values: UnsafeMutablePointer<Double>
  /// The smallest singular value met.
  private(set) var smallest = 0.0

  init(columns: Int, threshold: Double, damping: Double) {
    self.columns = columns
    self.threshold = threshold
    self.damping = damping
    values = .allocate(capacity: 3 * columns)
    values.initialize(repeating: 0, count: 3 * columns)
  }

  deinit { values.deallocate() }

  /// Inverts `rows`, 3 × n, row by row.
  @_noLocks
  mutating func invert(_ rows: UnsafePointer<Double>) {
    var gram = SmallSymmetric()
    for i in 0..<3 {
      for j in 0..<3 {
        var sum = 0.0
        for k in 0..<columns { sum += rows[i &* columns &+ k] * rows[j &* columns &+ k] }
        gram.values[3 &* i &+ j] = sum
      }
    }
    gram.diagonalise()
    for index in 0..<(3 &* columns) { values[index] = 0 }
    smallest = .infinity
    for mode in 0..<3 {
      let squared = gram.values[4 &* mode] > 0 ? gram.values[4 &* mode] : 0
      let singular = sinew_sqrt(squared)
      if singular < smallest { smallest = singular }
      let share = singular / threshold
      let extra = share < 1 ? (1 - share * share) * damping * damping : 0
      let scale = 1 / (squared + extra)
      for k in 0..<columns {
        var along = 0.0
        for i in 0..<3 { along += rows[i &* columns &+ k] * gram.vectors[3 &* i &+ mode] }
        for i in 0..<3 { values[3 &* k &+ i] += along * gram.vectors[3 &* i &+ mode] * scale }
      }
    }
  }
}
