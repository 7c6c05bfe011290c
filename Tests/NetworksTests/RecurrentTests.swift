import CKernels
import Glibc
import Networks
import Testing

/// A recurrent layer of random weights and the same in double precision.
struct RecurrentCase: CustomTestStringConvertible, Sendable {
  var set: InstructionSet
  var inputs: Int
  var size: Int
  var hasBias: Bool
  var testDescription: String { "\(set.rawValue), \(inputs) to \(size)\(hasBias ? "" : ", no bias")" }

  static let all: [RecurrentCase] = InstructionSet.supported.flatMap { set in
    [(1, 1), (5, 7), (11, 16), (3, 33), (64, 64), (10, 80)].flatMap { inputs, size in
      [true, false].map { RecurrentCase(set: set, inputs: inputs, size: size, hasBias: $0) }
    }
  }
}

@Suite("Recurrent layers") struct RecurrentTests {
  static let steps = 50

  @Test("a GRU follows the equations over 50 steps", arguments: RecurrentCase.all, [true, false])
  func gru(_ layer: RecurrentCase, _ linearBeforeReset: Bool) throws {
    var noise = Noise(UInt64(layer.size))
    let (inputs, size) = (layer.inputs, layer.size)
    let w = noise.floats(3 * size * inputs, scale: 0.7)
    let r = noise.floats(3 * size * size, scale: 1.5 / Float(size).squareRoot())
    let b = layer.hasBias ? noise.floats(6 * size, scale: 0.5) : nil
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [1, inputs])
    let h = try builder.input("h", shape: [1, 1, size])
    let next = try builder.gru(
      x, hidden: h, inputWeights: w, recurrentWeights: r, bias: b, size: size, linearBeforeReset: linearBeforeReset)
    #expect(next.shape == [1, 1, size])
    var program = try builder.build(
      outputs: [("h", next)], feedback: [(from: next, to: "h")], instructionSet: layer.set)
    #expect(program.summary.interpreterSteps == 0)
    #expect(program.summary.parameterCount == w.count + r.count + (b?.count ?? 0) - removed(layer, linearBeforeReset))

    var state = [Double](repeating: 0, count: size)
    var worst = 0.0
    for _ in 0..<Self.steps {
      let sample = noise.floats(inputs, scale: 2)
      _ = program.input(0).update(fromContentsOf: sample)
      program.run()
      state = Reference.gru(
        doubles(sample), state, w: doubles(w), r: doubles(r), b: b.map(doubles), linearBeforeReset: linearBeforeReset)
      worst = max(worst, largestError(program.output(0), state))
    }
    #expect(worst <= 1e-5)
  }

  /// With the reset gate first the two halves of the bias are added up when the layer is made.
  private func removed(_ layer: RecurrentCase, _ linearBeforeReset: Bool) -> Int {
    layer.hasBias && !linearBeforeReset ? 3 * layer.size : 0
  }

  @Test("an LSTM follows the equations over 50 steps", arguments: RecurrentCase.all)
  func lstm(_ layer: RecurrentCase) throws {
    var noise = Noise(UInt64(layer.size) + 1000)
    let (inputs, size) = (layer.inputs, layer.size)
    let w = noise.floats(4 * size * inputs, scale: 0.7)
    let r = noise.floats(4 * size * size, scale: 1.5 / Float(size).squareRoot())
    let b = layer.hasBias ? noise.floats(8 * size, scale: 0.5) : nil
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [inputs])
    let h = try builder.input("h", shape: [1, size])
    let c = try builder.input("c", shape: [size])
    let next = try builder.lstm(x, hidden: h, cell: c, inputWeights: w, recurrentWeights: r, bias: b, size: size)
    var program = try builder.build(
      outputs: [("h", next.hidden), ("c", next.cell)],
      feedback: [(from: next.hidden, to: "h"), (from: next.cell, to: "c")],
      instructionSet: layer.set)
    #expect(program.summary.interpreterSteps == 0)
    #expect(program.outputs.map(\.shape) == [[1, size], [size]])

    var state = (hidden: [Double](repeating: 0, count: size), cell: [Double](repeating: 0, count: size))
    var worst = 0.0
    for _ in 0..<Self.steps {
      let sample = noise.floats(inputs, scale: 2)
      _ = program.input(0).update(fromContentsOf: sample)
      program.run()
      state = Reference.lstm(doubles(sample), state.hidden, state.cell, w: doubles(w), r: doubles(r), b: b.map(doubles))
      worst = max(worst, largestError(program.output(0), state.hidden), largestError(program.output(1), state.cell))
    }
    #expect(worst <= 1e-5)
  }

  @Test("the element-wise kernels stay within buffers of the documented size", arguments: InstructionSet.supported)
  func exactBuffers(_ set: InstructionSet) throws {
    let kernels = try DenseKernelTests.kernels(set)
    var noise = Noise(50)
    for size in [16, 32, 80] {
      let gates = Exactly(noise.floats(4 * size, scale: 3))
      let others = Exactly(noise.floats(3 * size, scale: 3))
      let three = Exactly(Array(gates.array[..<(3 * size)]))
      let two = Exactly(Array(gates.array[..<(2 * size)]))
      let state = Exactly(noise.floats(size))
      let y = Exactly([Float](repeating: .nan, count: size))
      let g = doubles(gates.array)
      let o = doubles(others.array)
      let h = doubles(state.array)
      func gate(_ index: Int, _ unit: Int) -> Double { Reference.sigmoid(g[index * size + unit]) }
      func check(_ expected: (Int) -> Double) {
        #expect(largestError(y.array, (0..<size).map(expected)) <= 2e-6)
      }
      withExtendedLifetime((gates, others, three, two, state)) {
        sinew_gru_reset(kernels, two.floats, state.floats, y.floats, size)
        check { gate(1, $0) * h[$0] }
        sinew_gru_before(kernels, two.floats, state.floats, state.floats, y.floats, size)
        check { (1 - gate(0, $0)) * tanh(h[$0]) + gate(0, $0) * h[$0] }
        sinew_gru_after(kernels, three.floats, others.floats, state.floats, y.floats, size)
        check { unit in
          let z = Reference.sigmoid(g[unit] + o[unit])
          let r = Reference.sigmoid(g[size + unit] + o[size + unit])
          return (1 - z) * tanh(g[2 * size + unit] + r * o[2 * size + unit]) + z * h[unit]
        }
        sinew_lstm_cell(kernels, gates.floats, state.floats, y.floats, size)
        check { gate(2, $0) * h[$0] + gate(0, $0) * tanh(g[3 * size + $0]) }
        // The hidden state needs no more than the first two gates.
        sinew_lstm_hidden(kernels, two.floats, state.floats, y.floats, size)
        check { gate(1, $0) * tanh(h[$0]) }
      }
    }
  }
}
