import CKernels

extension Graph {
  /// Rewrites small patterns into what the kernels do in one pass:
  /// a product with a constant matrix into a dense layer, a constant added to it into its bias, x·sigmoid(x) into silu,
  /// and a vectorised function after a dense layer into its activation.
  mutating func fuse(_ roots: [Int]) {
    let live = live(from: roots)
    var uses = [Int](repeating: 0, count: nodes.count)
    for root in roots { uses[root] += 1 }
    for (index, node) in nodes.enumerated() where live[index] {
      for operand in node.operands { uses[operand] += 1 }
    }
    for index in nodes.indices where live[index] {
      switch nodes[index].operation {
      case .matmul: fuseProduct(index)
      case .binary(.add): fuseBias(index, uses)
      case .binary(.multiply): fuseSilu(index, &uses)
      default: break
      }
      if case .function(let function) = nodes[index].operation { fuseActivation(index, function, uses) }
    }
  }

  /// The dense layer behind an operand, through reshapes, if nothing else reads it or its reshapes.
  private func soleDense(_ operand: Int, _ uses: [Int]) -> (index: Int, layer: DenseLayer)? {
    var index = operand
    while true {
      guard uses[index] == 1 else { return nil }
      switch nodes[index].operation {
      case .alias: index = nodes[index].operands[0]
      case .dense(let layer) where layer.function == .identity && layer.gateSize == nil: return (index, layer)
      default: return nil
      }
    }
  }

  private mutating func fuseProduct(_ index: Int) {
    let node = nodes[index]
    let right = nodes[node.operands[1]]
    guard case .constant(let values) = right.operation, right.shape.count >= 2 else { return }
    let inputs = right.shape[right.shape.count - 2]
    let outputs = right.shape[right.shape.count - 1]
    guard right.count == inputs * outputs, nodes[node.operands[0]].count == inputs, node.count == outputs else {
      return
    }
    var weights = [Float](repeating: 0, count: values.count)
    for input in 0..<inputs {
      for output in 0..<outputs { weights[output * inputs + input] = values[input * outputs + output] }
    }
    nodes[index].operation = .dense(DenseLayer(weights: weights, bias: nil, inputs: inputs, outputs: outputs))
    nodes[index].operands = [node.operands[0]]
  }

  private mutating func fuseBias(_ index: Int, _ uses: [Int]) {
    let node = nodes[index]
    for (side, other) in [(0, 1), (1, 0)] {
      guard case .constant(let values) = nodes[node.operands[other]].operation,
        let dense = soleDense(node.operands[side], uses), node.count == dense.layer.outputs,
        values.count == dense.layer.outputs || values.count == 1
      else { continue }
      var layer = dense.layer
      let bias = layer.bias ?? [Float](repeating: 0, count: layer.outputs)
      layer.bias = bias.indices.map { bias[$0] + values[values.count == 1 ? 0 : $0] }
      replace(index, dense.index, layer)
      return
    }
  }

  private mutating func fuseSilu(_ index: Int, _ uses: inout [Int]) {
    let operands = nodes[index].operands
    for (x, gate) in [(operands[0], operands[1]), (operands[1], operands[0])] {
      guard case .function(let function) = nodes[gate].operation, function == ScalarFunction(SINEW_SIGMOID),
        nodes[gate].operands[0] == x, uses[gate] == 1
      else { continue }
      nodes[index].operation = .function(ScalarFunction(SINEW_SILU))
      nodes[index].operands = [x]
      uses[x] -= 1
      return
    }
  }

  private mutating func fuseActivation(_ index: Int, _ function: ScalarFunction, _ uses: [Int]) {
    guard function.isVectorised, let dense = soleDense(nodes[index].operands[0], uses) else { return }
    var layer = dense.layer
    layer.function = function
    replace(index, dense.index, layer)
  }

  /// Lets `layer`, a changed form of node `dense`, take a later node's place.
  private mutating func replace(_ index: Int, _ dense: Int, _ layer: DenseLayer) {
    nodes[index].operation = .dense(layer)
    nodes[index].operands = nodes[dense].operands
    nodes[index].label = nodes[dense].label
  }
}
