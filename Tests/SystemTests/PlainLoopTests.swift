import CSystem
import Glibc
import Testing

@Suite struct PlainLoopTests {
  @Test func `Every tick lands in one bucket, and the loop takes at least its ticks' time`() {
    var histogram = [UInt32](repeating: 7, count: 20_001)
    let start = sinew_now_ns()
    let status = sinew_plain_c_loop(1_000_000, 50, 0, sinew_cpu_at(0), &histogram, Int32(histogram.count))
    #expect(status == 0)
    #expect(histogram.reduce(0, +) == 50)
    #expect(sinew_now_ns() - start >= 50_000_000)
  }

  @Test func `What is later than the last bucket is counted in it`() {
    var histogram = [UInt32](repeating: 0, count: 1)
    #expect(sinew_plain_c_loop(500_000, 20, 0, -1, &histogram, 1) == 0)
    #expect(histogram == [20])
  }

  @Test func `A processor that does not exist is reported, and the loop runs all the same`() {
    var histogram = [UInt32](repeating: 0, count: 100)
    #expect(sinew_plain_c_loop(500_000, 10, 0, 1 << 20, &histogram, 100) == EINVAL)
    #expect(histogram.reduce(0, +) == 10)
  }

  @Test(arguments: [(0, 10, 0, 10), (1_000_000, -1, 0, 10), (1_000_000, 10, -1, 10), (1_000_000, 10, 0, 0)])
  func `Arguments without meaning are refused before anything runs`(
    period: Int64, ticks: Int64, priority: Int32, buckets: Int32
  ) {
    var histogram = [UInt32](repeating: 7, count: 10)
    #expect(sinew_plain_c_loop(period, ticks, priority, -1, &histogram, buckets) == -EINVAL)
    #expect(histogram == [UInt32](repeating: 7, count: 10))
  }

  @Test func `The real-time sanitizer's marks cost nothing where it is not linked`() {
    sinew_rt_initialize()
    if !sinew_rt_is_checked() {
      sinew_rt_enter()
      let allocatedInside = [UInt8](repeating: 1, count: 1000)
      sinew_rt_leave()
      #expect(allocatedInside.count == 1000)
    }
  }
}
