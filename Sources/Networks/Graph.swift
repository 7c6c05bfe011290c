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
  /// For the gates of a recurrent layer: outputs of one gate. Each gate is padded to whole vectors in the result.
  var gateSize: Int?
  /// Where in the second operand, if there is one, the sum so far starts that takes the bias's place.
  var accumulatorOffset = 0

  /// Numbers the layer stores.
  var parameterCount: Int { weights.count + (bias?.count ?? 0) }

  /// Outputs as the kernel writes them, every gate padded to whole vectors.
  var packedOutputs: Int {
    guard let gateSize else { return Packing.padded(outputs) }
    return outputs / gateSize * Packing.padded(gateSize)
  }
}

enum Operation {
  case input(name: String)
  case constant([Float])
  /// Operands: x, and optionally the sum so far that takes the bias's place.
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
  /// The element-wise part of a recurrent layer of `size` units, on padded gates; operands as in kernels.h.
  case recurrent(Step.Kind, size: Int)
}

extension Graph {
  /// The value itself, or a copy of it when its memory is an input's.
  mutating func detached(_ index: Int) -> Int {
    var root = index
    while case .alias = nodes[root].operation { root = nodes[root].operands[0] }
    guard case .input = nodes[root].operation else { return index }
    nodes.append(
      Node(operation: .function(.identity), operands: [index], shape: nodes[index].shape, label: "copy"))
    return nodes.count - 1
  }

  /// Which nodes the roots need.
  func live(from roots: [Int]) -> [Bool] {
    var live = [Bool](repeating: false, count: nodes.count)
    for root in roots { live[root] = true }
    for index in nodes.indices.reversed() where live[index] {
      for operand in nodes[index].operands { live[operand] = true }
    }
    return live
  }

  /// Refuses numbers that are none, and more parameters than the limit.
  func checkParameters(_ live: [Bool]) throws(NetworkError) {
    var total = 0
    for (index, node) in nodes.enumerated() where live[index] {
      switch node.operation {
      case .constant(let values):
        total += values.count
        if let bad = values.firstIndex(where: \.isNaN) {
          throw NetworkError("\(node.label) of shape \(node.shape): number \(bad) is NaN; export the network again")
        }
      case .dense(let layer):
        total += layer.parameterCount
        if let bad = layer.weights.firstIndex(where: { !$0.isFinite }) {
          throw NetworkError(
            "\(node.label): weight [\(bad / layer.inputs), \(bad % layer.inputs)] is \(layer.weights[bad]); "
              + "export the network again")
        }
        if let bias = layer.bias, let bad = bias.firstIndex(where: { !$0.isFinite }) {
          throw NetworkError("\(node.label): bias [\(bad)] is \(bias[bad]); export the network again")
        }
      default: break
      }
      guard total <= Limits.parameters else {
        throw NetworkError("build: the network has more than \(Limits.parameters) parameters")
      }
    }
  }
}
