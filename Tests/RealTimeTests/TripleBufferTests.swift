import Numerics
import RealTime
import Synchronization
import Testing

/// Under the thread sanitizer these run clean, but that proves little here: it does not see the copies of generic code.
/// What they prove, they prove by the words that belong together.
@Suite struct TripleBuffers {
  @Test func beforeTheFirstPublicationTheReaderGetsTheInitialValue() {
    let buffer = TripleBuffer(initial: 42)
    #expect(buffer.latest() == 42)
    #expect(buffer.latest() == 42)
  }

  @Test func theNewestWinsAndStaysUntilANewerOne() {
    let buffer = TripleBuffer(initial: 0)
    for value in 1...3 { buffer.publish(value) }
    #expect(buffer.latest() == 3)
    #expect(buffer.latest() == 3)
    buffer.publish(4)
    #expect(buffer.latest() == 4)
  }

  @Test func everyInterleavingOfAFewCallsReadsTheNewest() {
    // Bits of `order`: 1 publishes, 0 reads.
    for order in 0..<(1 << 12) {
      let buffer = TripleBuffer(initial: 0)
      var newest = 0
      for bit in 0..<12 {
        if order >> bit & 1 == 1 {
          newest += 1
          buffer.publish(newest)
        } else if buffer.latest() != newest {
          Issue.record("order \(String(order, radix: 2)), call \(bit)")
          return
        }
      }
      #expect(buffer.latest() == newest)
    }
  }

  @Test func acrossTwoThreadsNoValueIsTornAndNoneIsOlderThanTheLast() async {
    let shared = SharedBuffer()
    let publications: UInt64 = 300_000
    let writing = thread {
      for number in 1...publications { shared.buffer.publish(Block(number)) }
      shared.finished.store(true, ordering: .releasing)
    }
    let reading = thread {
      var last: UInt64 = 0
      while true {
        let done = shared.finished.load(ordering: .acquiring)
        let block = shared.buffer.latest()
        if !block.isWhole { shared.torn += 1 }
        if block.number < last { shared.older += 1 }
        if block.number != last { shared.distinct += 1 }
        last = block.number
        if done { break }
      }
      shared.last = last
    }
    await writing.value
    await reading.value
    #expect(shared.torn == 0)
    #expect(shared.older == 0)
    #expect(shared.last == publications)
    #expect(shared.distinct > 1)
  }
}

/// Many words that belong together, so that a torn copy shows.
private struct Block: BitwiseCopyable, Sendable {
  var words: InlineArray<32, UInt64>
  init(_ number: UInt64) {
    words = InlineArray(repeating: number)
    for index in 1..<32 { words[index] = number &* UInt64(index &* 2 &+ 1) }
  }
  var number: UInt64 { words[0] }
  var isWhole: Bool {
    for index in 1..<32 where words[index] != number &* UInt64(index &* 2 &+ 1) { return false }
    return true
  }
}

private final class SharedBuffer: @unchecked Sendable {
  // Unchecked: the tallies belong to the reading thread until it is joined.
  let buffer = TripleBuffer(initial: Block(0))
  let finished = Atomic<Bool>(false)
  var torn = 0
  var older = 0
  var distinct = 0
  var last: UInt64 = 0
}
