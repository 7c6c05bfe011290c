import CKernels
import Glibc
import Networks
import Testing

/// The C entry points with buffers of exactly the documented size, so that the address sanitiser sees a step too far.
@Suite("Dense kernel") struct DenseKernelTests {
  static func padded(_ count: Int) -> Int { (count + 15) / 16 * 16 }

  /// The documented order, written here a second time: blocks of 64 outputs as [inputs][64], then blocks of 16.
  static func packed(_ weights: [Float], inputs: Int, outputs: Int) -> [Float] {
    var result: [Float] = []
    var first = 0
    while first < padded(outputs) {
      let width = padded(outputs) - first >= 64 ? 64 : 16
      for input in 0..<inputs {
        for output in first..<(first + width) {
          result.append(output < outputs ? weights[output * inputs + input] : 0)
        }
      }
      first += width
    }
    return result
  }

  static func kernels(_ set: InstructionSet) throws -> OpaquePointer {
    let number: CInt =
      switch set {
      case .baseline: CInt(SINEW_ISA_BASELINE)
      case .avx2: CInt(SINEW_ISA_AVX2)
      case .avx512: CInt(SINEW_ISA_AVX512)
      }
    return try #require(sinew_kernels_for(number))
  }

  /// One call of the kernel; the result with its padding. `start` may be shared with the result.
  static func run(
    _ set: InstructionSet, _ weights: [Float], _ bias: [Float], _ x: [Float], _ function: sinew_function,
    inPlace: Bool = false,
    streamed: CInt = 0
  ) throws -> [Float] {
    let kernels = try kernels(set)
    let outputs = bias.count
    let w = Exactly(packed(weights, inputs: x.count, outputs: outputs))
    let start = Exactly(bias + [Float](repeating: 0, count: padded(outputs) - outputs))
    let observation = Exactly(x)
    let y = inPlace ? start : Exactly([Float](repeating: .nan, count: padded(outputs)))
    return withExtendedLifetime((w, start, observation)) {
      sinew_dense(
        kernels, w.floats, start.floats, observation.floats, y.floats, x.count, outputs, streamed,
        UInt8(function.rawValue), 1,
        0)
      return y.array
    }
  }

  @Test("every size from 1 to 80 by 1 to 80 agrees with double precision", arguments: InstructionSet.supported)
  func sizes(_ set: InstructionSet) throws {
    var noise = Noise(1)
    let pool = noise.floats(80 * 80)
    var worst = 0.0
    for inputs in 1...80 {
      let scale = 1 / Float(inputs).squareRoot()
      let weights = pool[..<(inputs * 80)].map { $0 * scale }
      let bias = Array(pool[..<80])
      let x = Array(pool.suffix(inputs))
      let expected = Reference.dense(doubles(x), doubles(weights), doubles(bias))
      for outputs in 1...80 {
        let y = try Self.run(set, Array(weights[..<(inputs * outputs)]), Array(bias[..<outputs]), x, SINEW_IDENTITY)
        // Beyond the outputs lies the activation of zero.
        let tail = [Double](repeating: 0, count: y.count - outputs)
        worst = max(worst, largestError(y, expected[..<outputs] + tail))
      }
    }
    #expect(worst <= 1e-6)
  }

  @Test("weights requested ahead give the same bits", arguments: InstructionSet.supported)
  func streamed(_ set: InstructionSet) throws {
    var noise = Noise(3)
    for (inputs, outputs) in [(1, 64), (5, 200), (80, 64), (33, 129)] {
      let weights = noise.floats(inputs * outputs)
      let bias = noise.floats(outputs)
      let x = noise.floats(inputs)
      let plain = try Self.run(set, weights, bias, x, SINEW_TANH)
      #expect(try Self.run(set, weights, bias, x, SINEW_TANH, streamed: 1) == plain)
    }
  }

  @Test("the start may be the result's own memory", arguments: InstructionSet.supported)
  func accumulates(_ set: InstructionSet) throws {
    var noise = Noise(2)
    for outputs in [1, 16, 17, 64, 80, 129] {
      let weights = noise.floats(9 * outputs)
      let x = noise.floats(9)
      let bias = noise.floats(outputs)
      let y = try Self.run(set, weights, bias, x, SINEW_TANH, inPlace: true)
      let expected = Reference.dense(doubles(x), doubles(weights), doubles(bias)).map { tanh($0) }
      #expect(largestError(y.prefix(outputs), expected) <= 2e-6)
    }
  }

  @Test("a NaN observation reaches every output", arguments: InstructionSet.supported)
  func notANumber(_ set: InstructionSet) throws {
    for outputs in [3, 64, 70] {
      let weights = [Float](repeating: 0.5, count: 5 * outputs)
      let bias = [Float](repeating: 0, count: outputs)
      for position in [0, 1, 4] {
        var x: [Float] = [1, 2, 3, 4, 5]
        x[position] = .nan
        for function in [SINEW_IDENTITY, SINEW_TANH, SINEW_ELU, SINEW_RELU, SINEW_SILU, SINEW_SIGMOID, SINEW_EXP] {
          let y = try Self.run(set, weights, bias, x, function)
          let numbers = y.prefix(outputs).filter { !$0.isNaN }
          #expect(numbers.isEmpty, "\(function) with \(outputs) outputs")
        }
      }
    }
  }
}

/// Heap memory of exactly as many floats as given, 64-byte aligned.
final class Exactly {
  let floats: UnsafeMutablePointer<Float>
  let count: Int

  init(_ values: [Float]) {
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: max(values.count * 4, 4), alignment: 64)
    floats = bytes.bindMemory(to: Float.self, capacity: values.count)
    floats.initialize(from: values, count: values.count)
    count = values.count
  }

  deinit { floats.deallocate() }

  var array: [Float] { Array(UnsafeBufferPointer(start: floats, count: count)) }
}
