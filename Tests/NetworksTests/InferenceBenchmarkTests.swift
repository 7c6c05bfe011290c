import Networks
import Testing

@Suite("Inference benchmark") struct InferenceBenchmarkTests {
  @Test("measures three networks on every set and the scalar loop, which all agree") func rows() throws {
    let rows = try InferenceBenchmark.run(batches: 2)
    #expect(rows.count == 3 * (InstructionSet.supported.count + 1))
    #expect(Set(rows.map(\.name)) == ["A", "B", "C"])
    #expect(Set(rows.map(\.multiplyAccumulates)) == [4_928, 48_000, 189_952])
    for row in rows {
      #expect(row.minimum > 0 && row.minimum <= row.median && row.gigabytesPerSecond > 0)
      #expect(row.deviation <= 1e-5)
      #expect(row.weightBytes == 4 * row.multiplyAccumulates)
    }
  }

  @Test("no batches is an error") func noBatches() {
    #expect(throws: NetworkError.self) { try InferenceBenchmark.run(batches: 0) }
  }
}
