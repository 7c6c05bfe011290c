import Learning
import Numerics
import Testing

@Suite("Running moments") struct MomentsTests {
  @Test("parts merged in any order give the moments of the whole")
  func merging() {
    var random = RandomStream(seed: 1, name: "moments")
    let rows = 300
    let data = (0..<(2 * rows)).map { 5 + Double($0 % 2) * 100 + random.normal() }
    var whole = RunningMoments(size: 2)
    whole.update(data, count: rows)
    var stepwise = RunningMoments(size: 2)
    for first in stride(from: 0, to: rows, by: 7) {
      data.withUnsafeBufferPointer { stepwise.update($0.baseAddress! + 2 * first, count: min(7, rows - first)) }
    }
    var (left, right) = (0.0, 0.0)
    for row in 0..<rows { (left, right) = (left + data[2 * row], right + data[2 * row + 1]) }
    #expect(abs(whole.mean[0] - left / Double(rows)) <= 1e-4)
    #expect(abs(whole.mean[1] - right / Double(rows)) <= 1e-4)
    for column in 0..<2 {
      #expect(abs(whole.mean[column] - stepwise.mean[column]) <= 1e-9)
      #expect(abs(whole.variance[column] - stepwise.variance[column]) <= 1e-9)
    }
    #expect(abs(whole.weight - 300.0001) <= 1e-9)
  }

  @Test("scaled observations have mean 0 and variance 1, and never leave ±10")
  func scaling() {
    var scaling = ObservationScaling(size: 1, isOn: true)
    let data = (0..<1000).map { 40 + 3 * Double($0 % 7) }
    scaling.moments.update(data, count: 1000)
    var rows = [Float](repeating: .nan, count: 1001)
    scaling.apply(data + [1e9], count: 1001, into: &rows, stride: 1)
    let mean = rows[..<1000].reduce(0.0) { $0 + Double($1) } / 1000
    let variance = rows[..<1000].reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / 1000
    #expect(abs(mean) <= 1e-3 && abs(variance - 1) <= 1e-3)
    #expect(rows[1000] == 10)
  }
}
