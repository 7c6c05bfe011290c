import Networks
import Testing

@Suite("Programs") struct ProgramTests {
  @Test("a dense layer computes activation(x·Wᵀ + b)") func dense() throws {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [1, 2])
    let y = try builder.dense(x, weights: [1, 2, 3, 4, 5, 6], bias: [1, -1, -100], outputs: 3, activation: .relu)
    var program = try builder.build(outputs: [("y", y)])
    program.input(0)[0] = 2
    program.input(0)[1] = 1
    program.run()
    #expect(Array(program.output(0)) == [5, 9, 0])
    #expect(program.outputs.first?.shape == [1, 3])
  }

  @Test("feedback carries state from run to run and a reset restores it") func feedback() throws {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [2])
    let total = try builder.input("total", shape: [2])
    let sum = try builder.binary(.add, x, total)
    var program = try builder.build(outputs: [("sum", sum)], feedback: [(from: sum, to: "total")])
    program.input(0)[0] = 1
    program.input(0)[1] = 2
    for _ in 0..<3 { program.run() }
    #expect(Array(program.output(0)) == [3, 6])
    program.resetState()
    program.run()
    #expect(Array(program.output(0)) == [1, 2])
  }
}
