import CKernels
import Glibc
import Networks
import Testing

/// A vectorised function, its exact form and the bound on its error: absolute, or relative where |y| is large.
struct KernelFunction: CustomTestStringConvertible, Sendable {
  var name: String
  var activation: Activation
  var exact: @Sendable (Double) -> Double
  var range: ClosedRange<Float> = -10...10
  var absolute = 0.0
  var relative = 0.0
  var testDescription: String { name }

  /// The bounds printed by tools/fit-activations.py, with room for other roundings.
  static let all: [KernelFunction] = [
    KernelFunction(name: "tanh", activation: .tanh, exact: { tanh($0) }, absolute: 4.5e-7),
    KernelFunction(name: "tanh near 0", activation: .tanh, exact: { tanh($0) }, range: -1e-3...1e-3, relative: 3e-7),
    KernelFunction(name: "sigmoid", activation: .sigmoid, exact: Reference.sigmoid, absolute: 1.2e-7),
    KernelFunction(
      name: "far sigmoid", activation: .sigmoid, exact: Reference.sigmoid, range: -80...10, relative: 3e-7),
    KernelFunction(
      name: "elu", activation: .elu(alpha: 1), exact: { Reference.elu($0) }, absolute: 8e-8, relative: 2e-7),
    KernelFunction(
      name: "elu 0.3", activation: .elu(alpha: 0.3), exact: { Reference.elu($0, Double(Float(0.3))) }, absolute: 8e-8),
    KernelFunction(
      name: "elu near 0", activation: .elu(alpha: 1), exact: { Reference.elu($0) }, range: -1e-3...1e-3, relative: 2e-7),
    KernelFunction(name: "silu", activation: .silu, exact: Reference.silu, range: -40...40, relative: 3e-7),
    KernelFunction(name: "exp", activation: .exp, exact: { exp($0) }, range: -87...88.7, relative: 2e-7),
    KernelFunction(name: "relu", activation: .relu, exact: { max(0, $0) }),
    KernelFunction(
      name: "leaky relu", activation: .leakyRelu(slope: 0.01), exact: { $0 > 0 ? $0 : $0 * Double(Float(0.01)) },
      relative: 6e-8),
    KernelFunction(name: "clip", activation: .clip(low: -0.5, high: 2), exact: { min(2, max(-0.5, $0)) }),
    KernelFunction(name: "identity", activation: .identity, exact: { $0 }),
  ]
}

@Suite("Vector activations") struct ActivationKernelTests {
  /// y of every x, computed by a program that holds nothing but the activation.
  static func evaluate(_ activation: Activation, _ x: [Float], _ set: InstructionSet) throws -> [Float] {
    var builder = ProgramBuilder()
    let input = try builder.input("x", shape: [x.count])
    let y = try builder.activation(activation, input)
    var program = try builder.build(outputs: [("y", y)], instructionSet: set)
    #expect(program.summary.kernelSteps == 1 && program.summary.interpreterSteps == 0)
    _ = program.input(0).update(fromContentsOf: x)
    program.run()
    return Array(program.output(0))
  }

  @Test("stay within their error bounds", arguments: InstructionSet.supported, KernelFunction.all)
  func bounds(_ set: InstructionSet, _ function: KernelFunction) throws {
    let count = 100_000
    let low = function.range.lowerBound
    let x = (0...count).map { low + (function.range.upperBound - low) * Float($0) / Float(count) }
    let y = try Self.evaluate(function.activation, x, set)
    var worst = 0.0
    for (x, y) in zip(x, y) {
      let exact = function.exact(Double(x))
      worst = max(worst, abs(Double(y) - exact) - max(function.absolute, function.relative * abs(exact)))
    }
    #expect(worst <= 0, "over the bound by \(worst)")
  }

  @Test("NaN stays NaN", arguments: InstructionSet.supported, KernelFunction.all)
  func notANumber(_ set: InstructionSet, _ function: KernelFunction) throws {
    // One NaN at each lane, among numbers.
    for lane in 0..<33 {
      var x = [Float](repeating: 0.25, count: 33)
      x[lane] = .nan
      let y = try Self.evaluate(function.activation, x, set)
      for index in x.indices { #expect(y[index].isNaN == (index == lane)) }
    }
    #expect(try Self.evaluate(function.activation, [-Float.nan], set)[0].isNaN)
  }

  @Test("infinities, zeros and denormals", arguments: InstructionSet.supported) func specialValues(
    _ set: InstructionSet
  ) throws {
    let tiny = Float.leastNonzeroMagnitude
    let denormal = Float.leastNormalMagnitude / 8
    func values(_ activation: Activation, _ x: [Float]) throws -> [Float] { try Self.evaluate(activation, x, set) }
    let probes: [Float] = [.infinity, -.infinity, 0, -0.0, tiny, -tiny, denormal, -denormal]

    let tanhs = try values(.tanh, probes)
    #expect(abs(tanhs[0] - 1) <= 4e-7 && abs(tanhs[1] + 1) <= 4e-7)
    #expect(tanhs[0] <= 1 && tanhs[1] >= -1)
    for index in 2..<8 { #expect(tanhs[index] == probes[index]) }

    #expect(try values(.relu, probes) == [.infinity, 0, 0, 0, tiny, 0, denormal, 0])
    #expect(try values(.leakyRelu(slope: 0.5), [.infinity, -.infinity, 0, -8]) == [.infinity, -.infinity, 0, -4])
    #expect(try values(.identity, probes) == probes)
    #expect(try values(.clip(low: -1, high: 1), [.infinity, -.infinity, 0, -1, 1]) == [1, -1, 0, -1, 1])
    #expect(
      try values(.clip(low: -.infinity, high: .infinity), [.infinity, -.infinity, 7]) == [.infinity, -.infinity, 7])
    #expect(try values(.sigmoid, [.infinity, -.infinity, 0, -0.0, tiny, 200, -200]) == [1, 0, 0.5, 0.5, 0.5, 1, 0])
    #expect(
      try values(.exp, [.infinity, -.infinity, 0, -0.0, tiny, 88.8, -110]) == [.infinity, 0, 1, 1, 1, .infinity, 0])

    let elus = try values(.elu(alpha: 1), probes + [-1000, -.greatestFiniteMagnitude])
    #expect(elus[0] == .infinity && elus[1] == -1 && elus[8] == -1 && elus[9] == -1)
    for index in 2..<8 { #expect(abs(elus[index] - probes[index]) <= tiny) }

    let silus = try values(.silu, [.infinity, 0, -0.0, -200, -.greatestFiniteMagnitude, 200])
    #expect(silus == [.infinity, 0, 0, 0, 0, 200])
    // −∞·0 has no value: the framework's answer is NaN too, and a finite one would hide the fault.
    #expect(try values(.silu, [-.infinity])[0].isNaN)
  }

  @Test("tanh never leaves [−1, 1], around its limit too", arguments: InstructionSet.supported) func tanhRange(
    _ set: InstructionSet
  ) throws {
    var x: [Float] = []
    var value: Float = 7.5
    while value < 9 {
      x.append(value)
      value += 1e-4
    }
    let above = try Self.evaluate(.tanh, x, set)
    let below = try Self.evaluate(.tanh, x.map { -$0 }, set)
    for (a, b) in zip(above, below) { #expect(a <= 1 && a >= 0.999999 && b == -a) }
  }

  @Test("reading and writing end at whole vectors of the documented size", arguments: InstructionSet.supported)
  func exactBuffers(_ set: InstructionSet) throws {
    let kernels = try DenseKernelTests.kernels(set)
    for count in 1...80 {
      let buffer = Exactly([Float](repeating: 0.5, count: DenseKernelTests.padded(count)))
      sinew_function_vector(kernels, UInt8(SINEW_SIGMOID.rawValue), 0, 0, buffer.floats, buffer.floats, count)
      let y = buffer.array
      #expect(largestError(y.prefix(count), (0..<count).map { _ in Reference.sigmoid(0.5) }) < 1e-7)
    }
  }
}
