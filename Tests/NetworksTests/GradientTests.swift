import Glibc
import Networks
import Numerics
import TestSupport
import Testing

/// Back-propagation against central differences of the same network in double precision.
@Suite("Gradients of layers") struct GradientTests {
  static func f(_ activation: HiddenActivation, _ z: Double) -> Double {
    switch activation {
    case .tanh: tanh(z)
    case .relu: max(0, z)
    case .elu: z > 0 ? z : expm1(z)
    case .silu: z / (1 + exp(-z))
    }
  }

  /// The perceptron in double precision, straight from its equation.
  static func forward(_ shape: FeedForwardShape, _ blocks: [ParameterBlock], _ p: [Double], _ x: [Double]) -> [Double] {
    var y = x
    for layer in 0..<(blocks.count / 2) {
      let (weight, bias) = (blocks[2 * layer], blocks[2 * layer + 1])
      let isLast = layer == blocks.count / 2 - 1
      y = (0..<weight.columns).map { column in
        let z = (0..<weight.rows).reduce(p[bias.offset + column]) {
          $0 + y[$1] * p[weight.offset + $1 * weight.stride + column]
        }
        return isLast ? z : f(shape.activation, z)
      }
    }
    return y
  }

  /// The largest deviation of `gradient` from central differences of `loss`, relative to the largest gradient.
  static func deviation(
    of gradient: UnsafePointer<Float>, blocks: [ParameterBlock], _ p: [Double], loss: ([Double]) -> Double
  ) -> Double {
    var (worst, largest) = (0.0, 0.0)
    for block in blocks {
      // Every parameter of small blocks, about a dozen of large ones.
      let step = max(1, block.parameterCount / 12)
      for index in stride(from: 0, to: block.parameterCount, by: step) {
        let place = block.offset + index / block.columns * block.stride + index % block.columns
        var (up, down) = (p, p)
        up[place] += 1e-5
        down[place] -= 1e-5
        let expected = (loss(up) - loss(down)) / 2e-5
        worst = max(worst, abs(Double(gradient[place]) - expected))
        largest = max(largest, abs(expected))
      }
    }
    return worst / largest
  }

  @Test(
    "a perceptron's gradients agree with central differences", arguments: HiddenActivation.allCases,
    InstructionSet.supported)
  func perceptron(_ activation: HiddenActivation, _ set: InstructionSet) throws {
    var random = RandomStream(seed: 5, name: "gradients")
    for (sizes, outputs, rows) in [([64], 2, 5), ([19], 3, 7), ([], 5, 4), ([18, 17, 20], 1, 5)] {
      let shape = FeedForwardShape(inputs: 11, hidden: sizes, outputs: outputs, activation: activation)
      var layout = ParameterLayout()
      let network = FeedForward(
        shape, name: "net", layout: &layout, rowCapacity: rows, kernels: try VectorKernels(set))
      let parameters = FloatBuffer(count: layout.count)
      let gradients = FloatBuffer(count: layout.count)
      network.initialise(parameters.base, hiddenGain: 1.4, outputGain: 1, random: &random)
      for block in network.blocks where block.rows == 1 {
        block.write((0..<block.columns).map { _ in Float(random.uniform(from: -0.3, to: 0.3)) }, to: parameters.base)
      }
      let input = FloatBuffer(count: rows * 16)
      for row in 0..<rows {
        for column in 0..<11 { input.base[row * 16 + column] = Float(random.normal()) }
      }
      network.forward(parameters.base, input: input.base, inputStride: 16, rows: rows)
      var weights = [Double](repeating: 0, count: rows * outputs)
      for row in 0..<rows {
        for column in 0..<outputs {
          weights[row * outputs + column] = random.normal()
          network.outputGradient[row * network.outputStride + column] = Float(weights[row * outputs + column])
        }
      }
      network.backward(
        parameters.base, input: input.base, inputStride: 16, rows: rows, into: gradients.base, wantsInputGradient: true)
      let p = (0..<layout.count).map { Double(parameters.base[$0]) }
      let x = (0..<rows).map { row in (0..<11).map { Double(input.base[row * 16 + $0]) } }
      func loss(_ p: [Double], _ x: [[Double]]) -> Double {
        x.enumerated().reduce(0) { sum, row in
          let y = Self.forward(shape, network.blocks, p, row.element)
          return sum + (0..<outputs).reduce(0) { $0 + weights[row.offset * outputs + $1] * y[$1] }
        }
      }
      let worst = Self.deviation(of: gradients.base, blocks: network.blocks, p) { loss($0, x) }
      #expect(worst <= 1e-5, "\(sizes)")
      // The input's gradient, one row.
      for column in 0..<11 {
        var (up, down) = (x, x)
        up[rows - 1][column] += 1e-5
        down[rows - 1][column] -= 1e-5
        let expected = (loss(p, up) - loss(p, down)) / 2e-5
        #expect(abs(Double(network.inputGradient[(rows - 1) * 16 + column]) - expected) <= 1e-4 * max(1, abs(expected)))
      }
      // Padding is no parameter: its gradient is exactly 0.
      for block in network.blocks {
        for row in 0..<block.rows {
          for column in block.columns..<block.stride {
            #expect(gradients.base[block.offset + row * block.stride + column] == 0)
          }
        }
      }
    }
  }

  @Test("the forward-mode derivative is the directional difference", arguments: HiddenActivation.allCases)
  func tangent(_ activation: HiddenActivation) throws {
    var random = RandomStream(seed: 6, name: "gradients")
    let rows = 9
    let shape = FeedForwardShape(inputs: 4, hidden: [20, 24], outputs: 3, activation: activation)
    var layout = ParameterLayout()
    let network = FeedForward(shape, name: "net", layout: &layout, rowCapacity: rows, kernels: try VectorKernels())
    let parameters = FloatBuffer(count: layout.count)
    let direction = FloatBuffer(count: layout.count)
    for buffer in [parameters.base, direction.base] {
      for block in network.blocks {
        block.write((0..<block.parameterCount).map { _ in Float(0.3 * random.normal()) }, to: buffer)
      }
    }
    let input = FloatBuffer(count: rows * 16)
    for row in 0..<rows { for column in 0..<4 { input.base[row * 16 + column] = Float(random.normal()) } }
    network.forward(parameters.base, input: input.base, inputStride: 16, rows: rows)
    let tangent = network.tangent(
      parameters.base, direction: direction.base, input: input.base, inputStride: 16, rows: rows)
    let p = (0..<layout.count).map { Double(parameters.base[$0]) }
    let d = (0..<layout.count).map { Double(direction.base[$0]) }
    for row in 0..<rows {
      let x = (0..<4).map { Double(input.base[row * 16 + $0]) }
      let up = Self.forward(shape, network.blocks, zip(p, d).map { $0 + 1e-6 * $1 }, x)
      let down = Self.forward(shape, network.blocks, zip(p, d).map { $0 - 1e-6 * $1 }, x)
      for column in 0..<3 {
        let expected = (up[column] - down[column]) / 2e-6
        #expect(abs(Double(tangent[row * network.outputStride + column]) - expected) <= 2e-5 * max(1, abs(expected)))
      }
    }
  }

  @Test("orthogonal weights are orthogonal, scaled by the gain", arguments: [(64, 64), (10, 64), (64, 2), (7, 1)])
  func orthogonal(_ rows: Int, _ columns: Int) {
    var layout = ParameterLayout()
    let block = layout.add("w", rows: rows, columns: columns)
    let parameters = FloatBuffer(count: layout.count)
    var random = RandomStream(seed: 1, name: "orthogonal")
    block.initialiseOrthogonal(parameters.base, gain: 1.5, random: &random)
    let values = block.values(in: parameters.base).map(Double.init)
    let isTall = rows >= columns
    for first in 0..<min(rows, columns) {
      for second in 0...first {
        let product = (0..<max(rows, columns)).reduce(0.0) { sum, index in
          isTall
            ? sum + values[index * columns + first] * values[index * columns + second]
            : sum + values[first * columns + index] * values[second * columns + index]
        }
        #expect(abs(product - (first == second ? 2.25 : 0)) <= 1e-5)
      }
    }
  }

  @Test("a training pass allocates nothing", .enabled(if: AllocationCount.isAvailable))
  func allocations() throws {
    let shape = FeedForwardShape(inputs: 10, hidden: [64, 64], outputs: 2, activation: .tanh)
    var layout = ParameterLayout()
    let network = FeedForward(shape, name: "net", layout: &layout, rowCapacity: 64, kernels: try VectorKernels())
    let parameters = FloatBuffer(count: layout.count)
    let gradients = FloatBuffer(count: layout.count)
    let input = FloatBuffer(count: 64 * 16)
    func pass() {
      network.forward(parameters.base, input: input.base, inputStride: 16, rows: 64)
      network.backward(parameters.base, input: input.base, inputStride: 16, rows: 64, into: gradients.base)
      _ = network.tangent(parameters.base, direction: gradients.base, input: input.base, inputStride: 16, rows: 64)
    }
    pass()
    #expect(AllocationCount.during { for _ in 0..<10 { pass() } } == AllocationCount(allocations: 0, frees: 0))
  }
}
