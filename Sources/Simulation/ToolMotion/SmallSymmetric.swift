import CSystem

/// The eigenvalues and eigenvectors of a symmetric 3 × 3 matrix, by Jacobi's rotations: enough for the pseudo-inverse of
/// three rows, and without an allocation.
///
/// Source: Golub and Van Loan, Matrix Computations, 4th edition, section 8.5.
struct SmallSymmetric: BitwiseCopyable {
  /// The matrix, row by row; diagonal after `diagonalise`.
  var values: InlineArray<9, Double>
  /// The eigenvectors, one per column.
  var vectors: InlineArray<9, Double>

  @_noLocks
  init() {
    values = InlineArray(repeating: 0)
    vectors = InlineArray(repeating: 0)
  }

  /// Turns `values` into a diagonal matrix and `vectors` into its eigenvectors. Five sweeps bring the rest below rounding.
  @_noLocks
  mutating func diagonalise() {
    for index in 0..<9 { vectors[index] = index % 4 == 0 ? 1 : 0 }
    for _ in 0..<6 {
      rotate(0, 1)
      rotate(0, 2)
      rotate(1, 2)
    }
  }

  /// Makes the element (p, q) zero.
  @_noLocks
  private mutating func rotate(_ p: Int, _ q: Int) {
    let off = values[3 &* p &+ q]
    guard off != 0 else { return }
    let theta = (values[4 &* q] - values[4 &* p]) / (2 * off)
    // The smaller root turns least; for a huge theta it is 1 / (2 theta), and rounding makes it 0.
    let t = (theta >= 0 ? 1 : -1) / (theta.magnitude + sinew_sqrt(theta * theta + 1))
    guard t.isFinite else { return }
    let c = 1 / sinew_sqrt(t * t + 1)
    let s = t * c
    for k in 0..<3 {
      let a = values[3 &* k &+ p]
      let b = values[3 &* k &+ q]
      values[3 &* k &+ p] = c * a - s * b
      values[3 &* k &+ q] = s * a + c * b
    }
    for k in 0..<3 {
      let a = values[3 &* p &+ k]
      let b = values[3 &* q &+ k]
      values[3 &* p &+ k] = c * a - s * b
      values[3 &* q &+ k] = s * a + c * b
    }
    for k in 0..<3 {
      let a = vectors[3 &* k &+ p]
      let b = vectors[3 &* k &+ q]
      vectors[3 &* k &+ p] = c * a - s * b
      vectors[3 &* k &+ q] = s * a + c * b
    }
  }
}
