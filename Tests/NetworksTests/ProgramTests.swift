import Glibc
import Networks
import Testing

/// Compiles only while the control thread's annotation holds for everything it calls.
@_noLocks
private func tick(_ program: inout Program, observation: Float) -> Float {
  let input = program.input(0)
  for index in 0..<input.count { input[index] = observation }
  program.run()
  let action = program.output(0)[0]
  program.resetState()
  return action
}

@Suite("Programs") struct ProgramTests {
  @Test("a dense layer computes activation(x·Wᵀ + b)") func dense() throws {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [1, 2])
    let y = try builder.dense(x, weights: [1, 2, 3, 4, 5, 6], bias: [1, -1, -100], outputs: 3, activation: .relu)
    var program = try builder.build(outputs: [("y", y)])
    #expect(program.inputs.map(\.name) == ["x"] && program.inputs[0].shape == [1, 2] && program.inputs[0].count == 2)
    #expect(program.outputs.map(\.name) == ["y"] && program.outputs[0].shape == [1, 3])
    #expect(Array(program.output(0)) == [0, 0, 0], "outputs are zero before the first run")
    program.input(0)[0] = 2
    program.input(0)[1] = 1
    program.run()
    #expect(Array(program.output(0)) == [5, 9, 0])
  }

  @Test("a function that may neither lock nor allocate runs a program") func annotatedCaller() throws {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [2])
    let y = try builder.reduce(.sum, x, axes: [0], keepDimensions: true)
    var program = try builder.build(outputs: [("y", y)])
    #expect(tick(&program, observation: 1.5) == 3)
  }

  @Test("programs of their own run on threads of their own") func threads() async throws {
    let results = try await withThrowingTaskGroup(of: [Float].self) { group in
      for _ in 0..<4 {
        group.addTask {
          var builder = ProgramBuilder()
          let x = try builder.input("x", shape: [4])
          let transposed = try builder.transpose(builder.reshape(x, to: [2, 2]))
          let y = try builder.binary(.add, transposed, builder.constant([1, 2], shape: [2]))
          var program = try builder.build(outputs: [("y", y)])
          _ = program.input(0).update(fromContentsOf: [1, 2, 3, 4])
          for _ in 0..<1000 { program.run() }
          return Array(program.output(0))
        }
      }
      var results: [[Float]] = []
      for try await result in group { results.append(result) }
      return results
    }
    #expect(results == [[Float]](repeating: [2, 5, 3, 6], count: 4))
  }

  /// Sizes and activation of a network with random weights.
  struct Network: Sendable {
    var sizes: [Int]
    var activation: Activation
    var exact: @Sendable (Double) -> Double

    static let all = [
      Network(sizes: [11, 64, 64, 2], activation: .tanh, exact: { tanh($0) }),
      Network(sizes: [26, 256, 128, 64, 6], activation: .elu(alpha: 1), exact: { Reference.elu($0) }),
      Network(sizes: [48, 512, 256, 128, 12], activation: .elu(alpha: 1), exact: { Reference.elu($0) }),
      Network(sizes: [37, 100, 19, 1], activation: .silu, exact: Reference.silu),
      Network(sizes: [3, 17, 33, 65], activation: .relu, exact: { max(0, $0) }),
    ]
  }

  @Test(
    "whole networks agree with double precision, 30-sigma observations included", arguments: InstructionSet.supported)
  func networks(_ set: InstructionSet) throws {
    var noise = Noise(30)
    for network in Network.all {
      let layers = zip(network.sizes, network.sizes.dropFirst()).map { inputs, outputs in
        (weights: noise.floats(inputs * outputs, scale: 1 / Float(inputs).squareRoot()), bias: noise.floats(outputs))
      }
      var builder = ProgramBuilder()
      var y = try builder.input("x", shape: [1, network.sizes[0]])
      for (index, layer) in layers.enumerated() {
        y = try builder.dense(
          y, weights: layer.weights, bias: layer.bias, outputs: layer.bias.count,
          activation: index + 1 < layers.count ? network.activation : .identity)
      }
      var program = try builder.build(outputs: [("y", y)], instructionSet: set)
      let multiplications = zip(network.sizes, network.sizes.dropFirst()).map { $0 * $1 }.reduce(0, +)
      #expect(program.summary.kernelSteps == layers.count && program.summary.interpreterSteps == 0)
      #expect(program.summary.multiplyAccumulates == multiplications)
      for scale in [0.1, 1, 30] as [Float] {
        let x = noise.floats(network.sizes[0], scale: scale)
        _ = program.input(0).update(fromContentsOf: x)
        program.run()
        var expected = doubles(x)
        for (index, layer) in layers.enumerated() {
          expected = Reference.dense(expected, doubles(layer.weights), doubles(layer.bias))
          if index + 1 < layers.count { expected = expected.map(network.exact) }
        }
        #expect(largestError(program.output(0), expected) <= 1e-5, "\(network.sizes) at \(scale) sigma")
      }
    }
  }

  @Test("the same program on the same input gives the same bits", arguments: InstructionSet.supported)
  func determinism(_ set: InstructionSet) throws {
    func bits() throws -> [UInt32] {
      var noise = Noise(31)
      var builder = ProgramBuilder()
      let x = try builder.input("x", shape: [9])
      let h = try builder.input("h", shape: [20])
      let next = try builder.gru(
        x, hidden: h, inputWeights: noise.floats(540), recurrentWeights: noise.floats(1200), bias: noise.floats(120),
        size: 20, linearBeforeReset: true)
      let y = try builder.dense(next, weights: noise.floats(60), bias: nil, outputs: 3, activation: .elu(alpha: 1))
      var program = try builder.build(
        outputs: [("y", y)], feedback: [(from: next, to: "h")], instructionSet: set)
      var result: [UInt32] = []
      for _ in 0..<100 {
        _ = program.input(0).update(fromContentsOf: noise.floats(9))
        program.run()
        result += program.output(0).map(\.bitPattern)
      }
      return result
    }
    #expect(try bits() == bits())
  }
}

@Suite("Feedback") struct FeedbackTests {
  @Test("state goes from run to run, and a reset restores zeros") func accumulation() throws {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [2])
    let total = try builder.input("total", shape: [2])
    let sum = try builder.binary(.add, x, total)
    var program = try builder.build(outputs: [("sum", sum)], feedback: [(from: sum, to: "total")])
    #expect(program.inputs.map(\.isFeedback) == [false, true])
    _ = program.input(0).update(fromContentsOf: [1, 2])
    for _ in 0..<3 { program.run() }
    #expect(Array(program.output(0)) == [3, 6])
    program.resetState()
    program.run()
    #expect(Array(program.output(0)) == [1, 2])
  }

  @Test("an initial state holds from now on and after every reset") func initialState() throws {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [1])
    let total = try builder.input("total", shape: [1])
    let sum = try builder.binary(.add, x, total)
    var program = try builder.build(outputs: [("sum", sum)], feedback: [(from: sum, to: "total")])
    try program.setInitialState("total", [10])
    program.input(0)[0] = 1
    for expected in [11, 12, 13] as [Float] {
      program.run()
      #expect(program.output(0)[0] == expected)
    }
    program.resetState()
    program.run()
    #expect(program.output(0)[0] == 11)
    let foreign = #expect(throws: NetworkError.self) { try program.setInitialState("x", [1]) }
    #expect(foreign?.message.contains("\"x\"") == true)
    let wrong = #expect(throws: NetworkError.self) { try program.setInitialState("total", [1, 2]) }
    #expect(wrong?.message.contains("2 numbers") == true)
  }

  @Test("two inputs that feed each other swap, neither overwrites the other first") func swap() throws {
    var builder = ProgramBuilder()
    let a = try builder.input("a", shape: [2])
    let b = try builder.input("b", shape: [1, 2])
    let flat = try builder.reshape(b, to: [2])
    var program = try builder.build(
      outputs: [("a", a), ("b", flat)], feedback: [(from: a, to: "b"), (from: b, to: "a")])
    _ = program.input(0).update(fromContentsOf: [1, 2])
    _ = program.input(1).update(fromContentsOf: [3, 4])
    program.run()
    #expect(Array(program.output(0)) == [1, 2], "an output keeps what it was when the program ran")
    #expect(Array(program.output(1)) == [3, 4])
    #expect(Array(program.input(0)) == [3, 4] && Array(program.input(1)) == [1, 2])
    program.run()
    #expect(Array(program.output(0)) == [3, 4])
  }

  @Test("an output that is an input keeps its value when the input changes") func detachedOutput() throws {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [2])
    var program = try builder.build(outputs: [("x", x), ("again", x)])
    _ = program.input(0).update(fromContentsOf: [1, 2])
    program.run()
    program.input(0)[0] = 9
    #expect(Array(program.output(0)) == [1, 2] && Array(program.output(1)) == [1, 2])
  }
}
