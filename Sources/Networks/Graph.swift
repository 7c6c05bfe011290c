/// What a builder collects: values in the order they were made, so every operand stands before its user.
struct Graph {
  var nodes: [Node] = []
}

/// One value and how it is made.
struct Node {
  var operation: Operation
  var operands: [Int]
  var shape: [Int]
  /// What errors call it.
  var label: String

  /// Number of elements; the shape was checked when the node was made.
  var count: Int { shape.reduce(1, *) }
}

/// The weights of a dense layer, row-major [outputs][inputs], and what follows it.
struct DenseLayer {
  var weights: [Float]
  var bias: [Float]?
  var inputs: Int
  var outputs: Int
  var function: ScalarFunction = .identity
  /// Where in the second operand, if there is one, the accumulator starts that takes the bias's place.
  var accumulatorOffset = 0
}

enum Operation {
  case input(name: String)
  case constant([Float])
  /// Operands: x, and optionally the value that is added before the activation.
  case dense(DenseLayer)
  case function(ScalarFunction)
  case binary(BinaryOperation)
  /// Operands: condition, a, b.
  case select
  case matmul
  /// The same memory under another shape.
  case alias
  /// y[i] = x[offset + Σ index·stride]: transposition, slice, repetition.
  case strided(offset: Int, strides: [Int])
  case gather(indices: [Int], axis: Int)
  case concatenate(axis: Int)
  case reduce(Reduction, axes: [Int])
  case softmax(axis: Int)
  /// Operands: x, and optionally scale, bias.
  case layerNormalization(axis: Int, epsilon: Float, hasScale: Bool, hasBias: Bool)
}
