import Testing

@testable import Simulation

/// There is no door to a second MuJoCo library in one process, so the comparison is asked directly.
@Test("a library of another version than the headers is an error that names both versions and tools/setup")
func versionMismatch() throws {
  let error = try #require(throws: SimulationError.self) {
    try PhysicsModel.checkLibraryVersion(header: 4_000_001, library: 3_017_000)
  }
  #expect(error.code == .libraryMismatch)
  #expect(
    error.description
      == "this program was built for MuJoCo 4.0.1 but runs with library 3.17.0; run tools/setup, then build again")
  #expect(PhysicsModel.versionText(337) == "3.3.7")
}
