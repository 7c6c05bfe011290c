import CKernels

/// The vector arithmetic of one instruction set over flat parameter vectors (multiples of 16 floats).
public struct VectorKernels: Sendable {
  // A constant table of functions, never written.
  nonisolated(unsafe) let table: OpaquePointer
  /// The set in use.
  public let instructionSet: InstructionSet

  /// The set that is forced, asked for by `SINEW_ISA`, or the best.
  public init() throws(NetworkError) { try self.init(InstructionSet.chosen()) }

  /// A certain set.
  /// - Throws: when this processor lacks it.
  public init(_ set: InstructionSet) throws(NetworkError) {
    guard let table = set.kernels else { throw NetworkError("this processor has no \(set.rawValue)") }
    self.table = table
    instructionSet = set
  }

  /// Σ x·y, summed in double precision from block to block.
  public func dot(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, count: Int) -> Double {
    sinew_vector_dot(table, x, y, count)
  }

  /// y += factor·x.
  public func add(_ factor: Float, _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int) {
    sinew_vector_add(table, factor, x, y, count)
  }

  /// y *= factor.
  public func scale(_ y: UnsafeMutablePointer<Float>, by factor: Float, count: Int) {
    sinew_vector_scale(table, factor, y, count)
  }

  /// A step of Adam; see `sinew_adam_step` for the equation.
  public func adam(
    rate: Float, root: Float, beta1: Float, beta2: Float, epsilon: Float, gradientScale: Float,
    gradient: UnsafePointer<Float>, parameters: UnsafeMutablePointer<Float>, first: UnsafeMutablePointer<Float>,
    second: UnsafeMutablePointer<Float>, count: Int
  ) {
    var step = sinew_adam(
      rate: rate, root: root, beta1: beta1, beta2: beta2, epsilon: epsilon, scale: gradientScale)
    sinew_adam_step(table, &step, gradient, parameters, first, second, count)
  }

  /// A step of RMSprop; see `sinew_rmsprop_step` for the equation.
  public func rmsprop(
    rate: Float, decay: Float, epsilon: Float, gradientScale: Float, gradient: UnsafePointer<Float>,
    parameters: UnsafeMutablePointer<Float>, second: UnsafeMutablePointer<Float>, count: Int
  ) {
    sinew_rmsprop_step(table, rate, decay, epsilon, gradientScale, gradient, parameters, second, count)
  }

  /// Does nothing but 512·`rounds` floating-point operations: the peak that kernels are measured against.
  public func probe(rounds: Int) -> Float { sinew_multiply_add_probe(table, rounds) }
}

/// A matrix in memory: element [i][j] stands at `base[i * row + j * column]`.
struct MatrixView {
  var base: UnsafePointer<Float>
  var row: Int
  var column = 1

  /// The same numbers with rows and columns exchanged.
  var transposed: MatrixView { MatrixView(base: base, row: column, column: row) }
}

extension VectorKernels {
  /// result[m][n] = function(a[m][k] · b[k][n] + start), where start is the bias, the result itself, or 0.
  func product(
    m: Int, n: Int, k: Int, _ a: MatrixView, _ b: MatrixView, into result: UnsafeMutablePointer<Float>, stride: Int,
    bias: UnsafePointer<Float>? = nil, accumulates: Bool = false, function: UInt8 = 0, parameter: Float = 0
  ) {
    var product = sinew_product(
      m: m, n: n, k: k, a: a.base, a_row: a.row, a_column: a.column, b: b.base, b_row: b.row, b_column: b.column,
      c: result, c_row: stride, bias: bias, accumulates: accumulates ? 1 : 0, function: function, p: parameter, q: 0)
    sinew_matrix_product(table, &product)
  }
}
