import Glibc
import Networks
import Testing

@Suite("Instruction sets", .serialized) struct InstructionSetTests {
  static func program(_ set: InstructionSet? = nil) throws -> Program {
    var builder = ProgramBuilder()
    let x = try builder.input("x", shape: [3])
    let y = try builder.unary(.tanh, x)
    return try builder.build(outputs: [("y", y)], instructionSet: set)
  }

  @Test("the baseline is always there, and what is not there is refused by name") func support() throws {
    #expect(InstructionSet.supported.contains(.baseline))
    for set in InstructionSet.allCases {
      if InstructionSet.supported.contains(set) {
        let summary = try Self.program(set).summary
        #expect(summary.instructionSet == set)
      } else {
        let error = #expect(throws: NetworkError.self) { _ = try Self.program(set) }
        #expect(error?.message.contains(set.rawValue) == true)
        #expect(throws: NetworkError.self) { try InstructionSet.force(set) }
      }
    }
  }

  @Test("a forced set is used by programs built from then on") func force() async {
    await #expect(processExitsWith: .success) {
      for set in InstructionSet.supported {
        try InstructionSet.force(set)
        let summary = try InstructionSetTests.program().summary
        guard InstructionSet.current == set, summary.instructionSet == set else { exit(1) }
      }
      try InstructionSet.force(nil)
      guard InstructionSet.current == InstructionSet.supported.last else { exit(2) }
    }
  }

  @Test("SINEW_ISA chooses the set, and a wrong name is an error") func environment() async {
    await #expect(processExitsWith: .success) {
      setenv("SINEW_ISA", "baseline", 1)
      let summary = try InstructionSetTests.program().summary
      guard summary.instructionSet == .baseline, InstructionSet.current == .baseline else { exit(1) }
      setenv("SINEW_ISA", "avx9", 1)
      do {
        _ = try InstructionSetTests.program()
        exit(2)
      } catch let error as NetworkError {
        guard error.message.contains("avx9"), error.message.contains("baseline") else { exit(3) }
      }
    }
  }
}
