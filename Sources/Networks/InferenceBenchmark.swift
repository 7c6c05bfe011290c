import CKernels
import CSystem
import Numerics

/// Times batch-1 inference of three typical policies, every instruction set and a plain scalar loop in turns.
///
/// Figures are meaningful in a release build only. The variants alternate batch by batch, so that a busy machine slows
/// all of them alike; the minimum is the machine's, the median the machine's as it is used.
public enum InferenceBenchmark {
  /// One network on one variant.
  public struct Row: Sendable {
    /// A, B or C.
    public var name: String
    /// Sizes and activation, such as "11-64-64-2 tanh".
    public var network: String
    /// The kernels' instruction set; nil for the scalar loop with the C library's functions.
    public var instructionSet: InstructionSet?
    /// Multiply-accumulates of one run.
    public var multiplyAccumulates: Int
    /// Bytes of weights that one run reads, unpadded.
    public var weightBytes: Int
    /// Nanoseconds of one run: the best batch's mean.
    public var minimum: Double
    /// Nanoseconds of one run: the median batch's mean.
    public var median: Double
    /// The largest difference of an output from the scalar loop's.
    public var deviation: Float

    /// Weights read per second at the minimum, 10⁹ bytes.
    public var gigabytesPerSecond: Double { Double(weightBytes) / minimum }
  }

  /// The networks: A for a small arm, B and C for the sizes that locomotion trainers use.
  static let networks: [(name: String, sizes: [Int], activation: Activation, label: String, repetitions: Int)] = [
    ("A", [11, 64, 64, 2], .tanh, "11-64-64-2 tanh", 1000),
    ("B", [26, 256, 128, 64, 6], .elu(alpha: 1), "26-256-128-64-6 elu", 150),
    ("C", [48, 512, 256, 128, 12], .elu(alpha: 1), "48-512-256-128-12 elu", 40),
  ]

  /// Measures all networks on the given sets and the scalar loop, which is the last row of each network.
  ///
  /// - Parameters:
  ///   - sets: nil for all that the processor has.
  ///   - batches: how many batches of runs per variant; more find a better minimum.
  ///   - seed: of the random weights.
  ///   - progress: is told after each batch which fraction is done.
  public static func run(
    sets: [InstructionSet]? = nil, batches: Int = 300, seed: UInt64 = 1, progress: (Double) -> Void = { _ in }
  ) throws(NetworkError) -> [Row] {
    guard batches >= 1 else { throw NetworkError("bench: \(batches) batches measure nothing") }
    var rows: [Row] = []
    for (index, network) in networks.enumerated() {
      var random = RandomStream(seed: seed, name: "bench.inference")
      let layers = RandomLayers(network.sizes, network.activation, &random)
      let observation = (0..<network.sizes[0]).map { _ in Float(random.uniform(from: -1, to: 1)) }
      var variants: [Variant] = []
      for set in sets ?? InstructionSet.supported {
        variants.append(Variant(set, try layers.program(set, observation), batches))
      }
      let scalar = ScalarNetwork(layers, observation)
      var scalarTimes: [Double] = []
      for batch in 0..<batches {
        progress((Double(index) + Double(batch) / Double(batches)) / Double(networks.count))
        for variant in variants { variant.measure(network.repetitions) }
        let start = sinew_now_ns()
        for _ in 0..<network.repetitions { scalar.run() }
        scalarTimes.append(Double(sinew_now_ns() - start) / Double(network.repetitions))
      }
      let row = Row(
        name: network.name, network: network.label, instructionSet: nil,
        multiplyAccumulates: layers.multiplyAccumulates, weightBytes: layers.multiplyAccumulates * 4,
        minimum: scalarTimes.min() ?? 0, median: median(scalarTimes), deviation: 0)
      for variant in variants {
        var measured = row
        measured.instructionSet = variant.instructionSet
        measured.minimum = variant.times.min() ?? 0
        measured.median = median(variant.times)
        measured.deviation = zip(variant.outputs, scalar.outputs).map { abs($0 - $1) }.max() ?? 0
        rows.append(measured)
      }
      rows.append(row)
    }
    return rows
  }

  private static func median(_ times: [Double]) -> Double {
    let sorted = times.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
  }
}

/// A multilayer perceptron with random weights of the size that keeps activations near 1.
private struct RandomLayers {
  var layers: [(weights: [Float], bias: [Float], inputs: Int, outputs: Int, activation: Activation)] = []

  init(_ sizes: [Int], _ activation: Activation, _ random: inout RandomStream) {
    for index in 1..<sizes.count {
      let (inputs, outputs) = (sizes[index - 1], sizes[index])
      let scale = (3 / Double(inputs)).squareRoot()
      let weights = (0..<(inputs * outputs)).map { _ in Float(random.uniform(from: -scale, to: scale)) }
      let bias = (0..<outputs).map { _ in Float(random.uniform(from: -0.1, to: 0.1)) }
      layers.append((weights, bias, inputs, outputs, index + 1 < sizes.count ? activation : .identity))
    }
  }

  var multiplyAccumulates: Int { layers.reduce(0) { $0 + $1.weights.count } }

  func program(_ set: InstructionSet, _ observation: [Float]) throws(NetworkError) -> Program {
    var builder = ProgramBuilder()
    var value = try builder.input("observation", shape: [1, observation.count])
    for layer in layers {
      value = try builder.dense(
        value, weights: layer.weights, bias: layer.bias, outputs: layer.outputs, activation: layer.activation)
    }
    let program = try builder.build(outputs: [("action", value)], instructionSet: set)
    _ = program.input(0).update(fromContentsOf: observation)
    return program
  }
}

/// A program under measurement; a class because arrays hold no noncopyable values.
private final class Variant {
  let instructionSet: InstructionSet
  var program: Program
  var times: [Double] = []

  init(_ instructionSet: InstructionSet, _ program: consuming Program, _ batches: Int) {
    self.instructionSet = instructionSet
    self.program = program
    times.reserveCapacity(batches)
  }

  func measure(_ repetitions: Int) {
    let start = sinew_now_ns()
    Self.repeatRun(&program, repetitions)
    times.append(Double(sinew_now_ns() - start) / Double(repetitions))
  }

  private static func repeatRun(_ program: inout Program, _ repetitions: Int) {
    for _ in 0..<repetitions { program.run() }
  }

  var outputs: [Float] { Array(program.output(0)) }
}

/// The same network as a careful programmer writes it without vectors in mind: pointers, weights walked in memory order
/// (y += w·x), the C library's functions.
private final class ScalarNetwork {
  private var layers: [Layer] = []
  private let input: UnsafeMutablePointer<Float>

  private struct Layer {
    var weights: UnsafeMutablePointer<Float>
    var bias: UnsafeMutablePointer<Float>
    var y: UnsafeMutablePointer<Float>
    var inputs: Int
    var outputs: Int
    var function: ScalarFunction
  }

  init(_ random: RandomLayers, _ observation: [Float]) {
    input = .allocate(capacity: observation.count)
    input.initialize(from: observation, count: observation.count)
    for layer in random.layers {
      let weights = UnsafeMutablePointer<Float>.allocate(capacity: layer.weights.count)
      for index in 0..<layer.weights.count {
        let (row, column) = index.quotientAndRemainder(dividingBy: layer.outputs)
        (weights + index).initialize(to: layer.weights[column * layer.inputs + row])
      }
      let bias = UnsafeMutablePointer<Float>.allocate(capacity: layer.outputs)
      bias.initialize(from: layer.bias, count: layer.outputs)
      let y = UnsafeMutablePointer<Float>.allocate(capacity: layer.outputs)
      y.initialize(repeating: 0, count: layer.outputs)
      layers.append(
        Layer(
          weights: weights, bias: bias, y: y, inputs: layer.inputs, outputs: layer.outputs,
          function: layer.activation.function))
    }
  }

  deinit {
    input.deallocate()
    for layer in layers {
      layer.weights.deallocate()
      layer.bias.deallocate()
      layer.y.deallocate()
    }
  }

  func run() {
    var x = UnsafePointer(input)
    for layer in layers {
      let y = layer.y
      y.update(from: layer.bias, count: layer.outputs)
      var weights = layer.weights
      for input in 0..<layer.inputs {
        let factor = x[input]
        for output in 0..<layer.outputs { y[output] += weights[output] * factor }
        weights += layer.outputs
      }
      if layer.function != .identity {
        sinew_row_function(layer.function.code, layer.function.p, layer.function.q, y, y, layer.outputs)
      }
      x = UnsafePointer(y)
    }
  }

  var outputs: [Float] {
    guard let last = layers.last else { return [] }
    return Array(UnsafeBufferPointer(start: last.y, count: last.outputs))
  }
}
