import Glibc
import Networks
import Numerics
import Testing

/// Back-propagation through time against central differences in double precision.
@Suite("Gradients of recurrent layers") struct RecurrentGradientTests {
  /// A sequence as the tests use it: time-major inputs, a mask of kept states, and a weight for every output.
  struct Sequence {
    var steps: Int
    var rows: Int
    var inputs: [[Double]]
    var keep: [Float]
    var weights: [[Double]]
  }

  /// Σ weights·hidden, from the cells' equations.
  static func loss(
    _ cell: RecurrentCell, size: Int, stride: Int, _ blocks: [ParameterBlock], _ p: [Double], _ sequence: Sequence,
    initial: [[Double]]
  ) -> Double {
    func sums(_ x: [Double], weight: ParameterBlock, bias: ParameterBlock, gate: Int) -> [Double] {
      (0..<size).map { unit in
        let column = gate * stride + unit
        return x.indices.reduce(p[bias.offset + column]) {
          $0 + x[$1] * p[weight.offset + $1 * weight.stride + column]
        }
      }
    }
    func sigmoid(_ z: Double) -> Double { 1 / (1 + exp(-z)) }
    var h = initial
    var c = initial.map { $0.map { _ in 0.0 } }
    var total = 0.0
    for step in 0..<sequence.steps {
      for row in 0..<sequence.rows {
        let at = step * sequence.rows + row
        h[row] = h[row].map { $0 * Double(sequence.keep[at]) }
        c[row] = c[row].map { $0 * Double(sequence.keep[at]) }
        let gates = cell == .gru ? 3 : 4
        let fromInput = (0..<gates).map {
          sums(sequence.inputs[at], weight: blocks[0], bias: blocks[2], gate: $0)
        }
        let fromHidden = (0..<gates).map { sums(h[row], weight: blocks[1], bias: blocks[3], gate: $0) }
        var next = h[row]
        for unit in 0..<size {
          switch cell {
          case .gru:
            let z = sigmoid(fromInput[0][unit] + fromHidden[0][unit])
            let r = sigmoid(fromInput[1][unit] + fromHidden[1][unit])
            let n = tanh(fromInput[2][unit] + r * fromHidden[2][unit])
            next[unit] = (1 - z) * n + z * h[row][unit]
          case .lstm:
            let g = (0..<4).map { fromInput[$0][unit] + fromHidden[$0][unit] }
            c[row][unit] = sigmoid(g[2]) * c[row][unit] + sigmoid(g[0]) * tanh(g[3])
            next[unit] = sigmoid(g[1]) * tanh(c[row][unit])
          }
        }
        h[row] = next
        total += zip(h[row], sequence.weights[at]).reduce(0) { $0 + $1.0 * $1.1 }
      }
    }
    return total
  }

  @Test(
    "gradients through time agree with central differences, also across an episode's end",
    arguments: RecurrentCell.allCases, InstructionSet.supported)
  func throughTime(_ cell: RecurrentCell, _ set: InstructionSet) throws {
    var random = RandomStream(seed: 8, name: "recurrent")
    let (inputs, size, steps, rows) = (5, 17, 4, 2)
    var layout = ParameterLayout()
    let layer = TrainableRecurrentLayer(
      cell, inputs: inputs, size: size, name: "memory", layout: &layout, rowCapacity: steps * rows,
      kernels: try VectorKernels(set))
    let parameters = FloatBuffer(count: layout.count)
    let gradients = FloatBuffer(count: layout.count)
    layer.initialise(parameters.base, gain: 1, random: &random)
    for block in layer.blocks.suffix(2) {
      for gate in 0..<(cell == .gru ? 3 : 4) {
        for unit in 0..<size {
          parameters.base[block.offset + gate * layer.stride + unit] = Float(0.2 * random.normal())
        }
      }
    }
    var sequence = Sequence(steps: steps, rows: rows, inputs: [], keep: [], weights: [])
    let input = FloatBuffer(count: steps * rows * 16)
    for at in 0..<(steps * rows) {
      let x = (0..<inputs).map { _ in Float(random.normal()) }
      for (column, value) in x.enumerated() { input.base[at * 16 + column] = value }
      sequence.inputs.append(x.map(Double.init))
      sequence.keep.append(at == 2 * rows + 1 ? 0 : 1)
      let weights = (0..<size).map { _ in Float(random.normal()) }
      for (column, value) in weights.enumerated() { layer.outputGradient[at * layer.stride + column] = value }
      sequence.weights.append(weights.map(Double.init))
    }
    var initial = [[Double]](repeating: [], count: rows)
    for row in 0..<rows {
      for unit in 0..<size {
        let value = Float(0.5 * random.normal())
        layer.initialState[row * layer.stride + unit] = value
        initial[row].append(Double(value))
      }
    }
    sequence.keep.withUnsafeBufferPointer { keep in
      layer.forward(
        parameters.base, input: input.base, inputStride: 16, steps: steps, rows: rows, keep: keep.baseAddress)
      layer.backward(
        parameters.base, input: input.base, inputStride: 16, steps: steps, rows: rows, keep: keep.baseAddress,
        into: gradients.base, wantsInputGradient: true)
    }
    let p = (0..<layout.count).map { Double(parameters.base[$0]) }
    func loss(_ p: [Double], _ sequence: Sequence) -> Double {
      Self.loss(cell, size: size, stride: layer.stride, layer.blocks, p, sequence, initial: initial)
    }
    // The blocks' columns count the padding between gates; its derivative is 0 on both sides.
    let worst = GradientTests.deviation(of: gradients.base, blocks: layer.blocks, p) { loss($0, sequence) }
    #expect(worst <= 2e-5)
    for (at, column) in [(0, 0), (rows + 1, 3), (steps * rows - 1, 4)] {
      var (up, down) = (sequence, sequence)
      up.inputs[at][column] += 1e-5
      down.inputs[at][column] -= 1e-5
      let expected = (loss(p, up) - loss(p, down)) / 2e-5
      #expect(abs(Double(layer.inputGradient[at * 16 + column]) - expected) <= 1e-4 * max(1, abs(expected)))
    }
  }
}
