import Glibc
import Networks
import Testing

@Suite("Compilation") struct CompilationTests {
  /// A dense layer of 3 to 2 by hand: matmul with a constant matrix [3, 2], then a constant bias.
  static func spelledOut(_ builder: inout ProgramBuilder, _ x: Value) throws -> Value {
    let matrix = try builder.constant([1, -2, 0.5, 3, -1, 0.25], shape: [3, 2])
    let bias = try builder.constant([0.125, -0.5], shape: [2])
    return try builder.binary(.add, builder.matmul(x, matrix), bias)
  }

  static func expected(_ x: [Double]) -> [Double] {
    Reference.dense(x, [1, 0.5, -1, -2, 3, 0.25], [0.125, -0.5])
  }

  @Test("a product, a bias and an activation become one kernel step", arguments: [[3], [1, 3], [1, 1, 3]])
  func denseFusion(_ shape: [Int]) throws {
    for vectorised in [UnaryOperation.tanh, .relu, .sigmoid, .silu, .exp] {
      var builder = ProgramBuilder()
      let x = try builder.input("x", shape: shape)
      let y = try builder.unary(vectorised, Self.spelledOut(&builder, x))
      var program = try builder.build(outputs: [("y", y)])
      #expect(program.summary.kernelSteps == 1 && program.summary.interpreterSteps == 0)
      #expect(program.summary.parameterCount == 8 && program.summary.multiplyAccumulates == 6)
      #expect(program.outputs[0].shape == shape.dropLast() + [2])
      _ = program.input(0).update(fromContentsOf: [0.5, -1, 2])
      program.run()
      let exact = InterpreterTests.exact(vectorised)
      #expect(largestError(program.output(0), Self.expected([0.5, -1, 2]).map(exact)) <= 1e-6)
    }
  }

  @Test("a layer whose value is used elsewhere is not fused away") func sharedLayer() throws {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [1, 3])
    let linear = try Self.spelledOut(&builder, x)
    let y = try builder.unary(.tanh, linear)
    var program = try builder.build(outputs: [("linear", linear), ("y", y)])
    #expect(program.summary.kernelSteps == 2)
    _ = program.input(0).update(fromContentsOf: [0.5, -1, 2])
    program.run()
    #expect(largestError(program.output(0), Self.expected([0.5, -1, 2])) <= 1e-6)
    #expect(largestError(program.output(1), Self.expected([0.5, -1, 2]).map { tanh($0) }) <= 1e-6)
  }

  @Test("a bias that broadcasts the layer to more rows stays an addition") func wideBias() throws {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [1, 3])
    let matrix = try builder.constant([1, 2, 3], shape: [3, 1])
    let column = try builder.constant([10, 20], shape: [2, 1])
    let y = try builder.binary(.add, builder.matmul(x, matrix), column)
    var program = try builder.build(outputs: [("y", y)])
    #expect(program.outputs[0].shape == [2, 1])
    _ = program.input(0).update(fromContentsOf: [1, 1, 1])
    program.run()
    #expect(Array(program.output(0)) == [16, 26])
  }

  @Test("x times its own sigmoid becomes silu, also after a dense layer", arguments: [true, false])
  func silu(_ sigmoidFirst: Bool) throws {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [1, 3])
    let linear = try Self.spelledOut(&builder, x)
    let gate = try builder.unary(.sigmoid, linear)
    let y = try sigmoidFirst ? builder.binary(.multiply, gate, linear) : builder.binary(.multiply, linear, gate)
    var program = try builder.build(outputs: [("y", y)])
    #expect(program.summary.kernelSteps == 1 && program.summary.interpreterSteps == 0)
    _ = program.input(0).update(fromContentsOf: [0.5, -1, 2])
    program.run()
    #expect(largestError(program.output(0), Self.expected([0.5, -1, 2]).map(Reference.silu)) <= 1e-6)
  }

  @Test("what depends on constants alone is computed once") func folding() throws {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [2])
    let logarithm = try builder.constant([-1, 0.5], shape: [2])
    let deviation = try builder.unary(.exp, logarithm)
    let doubled = try builder.binary(.multiply, deviation, builder.constant([2], shape: []))
    let y = try builder.binary(.add, x, doubled)
    var program = try builder.build(outputs: [("y", y), ("deviation", deviation)])
    #expect(program.summary.interpreterSteps == 1 && program.summary.kernelSteps == 0)
    #expect(largestError(program.output(1), [exp(-1), exp(0.5)]) <= 1e-6, "constants are there before the first run")
    program.run()
    #expect(largestError(program.output(0), [2 * exp(-1), 2 * exp(0.5)]) <= 1e-6)
  }

  @Test("a transposed constant matrix still becomes a dense layer") func foldedWeights() throws {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [1, 3])
    let rows = try builder.constant([1, 0.5, -1, -2, 3, 0.25], shape: [2, 3])
    let y = try builder.matmul(x, builder.transpose(rows))
    let program = try builder.build(outputs: [("y", y)])
    #expect(program.summary.kernelSteps == 1 && program.summary.interpreterSteps == 0)
  }

  @Test("values that no output needs cost nothing, even broken ones") func deadValues() throws {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [2])
    let unused = try builder.input("unused", shape: [3])
    _ = try builder.unary(.log, unused)
    _ = try builder.dense(x, weights: [.nan, 1], bias: nil, outputs: 1, activation: .tanh)
    let y = try builder.unary(.negate, x)
    let program = try builder.build(outputs: [("y", y)])
    #expect(program.summary.interpreterSteps == 1 && program.summary.parameterCount == 0)
    #expect(program.inputs.map(\.name) == ["x", "unused"])
  }

  @Test("an activation without a vector kernel follows its layer as a step") func scalarActivation() throws {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [1, 3])
    let y = try builder.dense(
      x, weights: [1, 0.5, -1, -2, 3, 0.25], bias: [0.125, -0.5], outputs: 2, activation: .softplus)
    var program = try builder.build(outputs: [("y", y)])
    #expect(program.summary.kernelSteps == 1 && program.summary.interpreterSteps == 1)
    _ = program.input(0).update(fromContentsOf: [0.5, -1, 2])
    program.run()
    #expect(largestError(program.output(0), Self.expected([0.5, -1, 2]).map { log1p(exp($0)) }) <= 1e-6)
  }

  @Test("memory is aligned to 64 bytes") func alignment() throws {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [3])
    let other = try builder.input("other", shape: [5])
    let y = try builder.dense(x, weights: [1, 2, 3], bias: nil, outputs: 1, activation: .identity)
    let z = try builder.unary(.tanh, other)
    let program = try builder.build(outputs: [("y", y), ("z", z)])
    for index in 0..<2 {
      let input = try #require(program.input(index).baseAddress)
      let output = try #require(program.output(index).baseAddress)
      #expect(UInt(bitPattern: input).isMultiple(of: 64) && UInt(bitPattern: output).isMultiple(of: 64))
    }
  }
}
