import Numerics
import RealTime
import Testing

/// The ring between the control thread and the log thread.
///
/// The tests with two threads are to be run under the thread sanitizer too:
/// `swift test --sanitize=thread --scratch-path .build-tsan --filter RealTimeTests`.
@Suite struct RecordRings {
  @Test func aNewRingIsEmpty() {
    let ring = RecordRing(capacity: 1)
    #expect(ring.capacity == 4096)
    #expect(ring.backlog == 0)
    #expect(ring.droppedCount == 0)
    #expect(ring.next() == nil)
  }

  @Test("Capacities are rounded up to a power of two", arguments: [(4096, 4096), (4097, 8192), (100_000, 131_072)])
  func capacities(wanted: Int, made: Int) {
    #expect(RecordRing(capacity: wanted).capacity == made)
  }

  @Test func recordsComeOutAsTheyWentInAndInOrder() {
    let ring = RecordRing(capacity: 4096)
    let producer = ring.end()
    for kind in 0..<UInt32(20) { #expect(producer.push(kind: kind, bytes: Int(kind))) }
    for kind in 0..<UInt32(20) {
      #expect(ring.next() == Record(kind: kind, payload: Record.pattern(kind: kind, bytes: Int(kind))))
    }
    #expect(ring.next() == nil)
    #expect(ring.backlog == 0)
  }

  @Test func payloadsAreAlignedToEightBytes() throws {
    let ring = RecordRing(capacity: 4096)
    let producer = ring.end()
    for bytes in 0..<40 {
      let pointer = try #require(producer.reserve(bytes: bytes, kind: 1))
      #expect(Int(bitPattern: pointer) % 8 == 0)
      producer.commit(bytes: bytes)
    }
  }

  @Test func whatIsReservedButNotCommittedIsNotDelivered() throws {
    let ring = RecordRing(capacity: 4096)
    let producer = ring.end()
    _ = try #require(producer.reserve(bytes: 100, kind: 7))
    #expect(ring.next() == nil)
    #expect(producer.push(kind: 8, bytes: 10))
    #expect(ring.next()?.kind == 8, "the next record takes its place")
    #expect(ring.next() == nil)
  }

  @Test func aFullRingDropsAndCountsAndGoesOn() {
    let ring = RecordRing(capacity: 4096)
    let producer = ring.end()
    var pushed = 0
    while producer.push(kind: UInt32(pushed), bytes: 56) { pushed += 1 }
    #expect(pushed == 64, "64 records of 56 bytes and 8 bytes of header fill it to the last byte")
    #expect(ring.backlog == 4096)
    #expect(ring.droppedCount == 1)
    for _ in 0..<9 { #expect(!producer.push(kind: 99, bytes: 0)) }
    #expect(producer.droppedCount == 10)
    #expect(ring.droppedCount == 10)
    #expect(ring.next()?.kind == 0)
    #expect(producer.push(kind: 1000, bytes: 56), "one out, one in")
    #expect(!producer.push(kind: 1001, bytes: 56))
    for kind in 1..<UInt32(64) { #expect(ring.next()?.kind == kind) }
    #expect(ring.next()?.kind == 1000)
    #expect(ring.next() == nil)
  }

  @Test func recordsGoRoundTheEndOfTheMemoryAtEveryPhase() {
    for first in stride(from: 0, to: 130, by: 3) {
      let ring = RecordRing(capacity: 4096)
      let producer = ring.end()
      #expect(producer.push(kind: 1, bytes: first))
      #expect(ring.next()?.payload.count == first)
      for turn in 0..<200 {
        let kind = UInt32(turn)
        #expect(producer.push(kind: kind, bytes: 100 + turn % 37))
        #expect(ring.next() == Record(kind: kind, payload: Record.pattern(kind: kind, bytes: 100 + turn % 37)))
      }
      #expect(ring.droppedCount == 0)
    }
  }

  @Test func halfTheCapacityAlwaysFitsAnEmptyRing() {
    for offset in stride(from: 0, to: 4096, by: 8) {
      let ring = RecordRing(capacity: 4096)
      let producer = ring.end()
      // Moves the positions to `offset` by records small enough.
      var left = offset
      while left > 0 {
        let size = min(left, 512)
        #expect(producer.push(kind: 1, bytes: size - 8))
        #expect(ring.next() != nil)
        left -= size
      }
      #expect(producer.push(kind: 2, bytes: 2040))
      #expect(ring.next() == Record(kind: 2, payload: Record.pattern(kind: 2, bytes: 2040)))
    }
  }

  @Test(
    "A length that no ring can hold is dropped and counted", arguments: [4089, 4096, 1 << 40, Int.max, -1, Int.min])
  func oversize(bytes: Int) {
    let ring = RecordRing(capacity: 4096)
    let producer = ring.end()
    #expect(producer.reserve(bytes: bytes, kind: 1) == nil)
    #expect(ring.droppedCount == 1)
    #expect(ring.backlog == 0)
    #expect(producer.push(kind: 2, bytes: 8), "the ring is none the worse")
    #expect(ring.next()?.kind == 2)
  }

  @Test func theFillersKindIsNoRecordsKind() {
    let ring = RecordRing(capacity: 4096)
    let producer = ring.end()
    #expect(producer.reserve(bytes: 8, kind: UInt32.max) == nil)
    #expect(producer.push(kind: UInt32.max - 1, bytes: 8))
    #expect(ring.next()?.kind == UInt32.max - 1)
    #expect(ring.droppedCount == 1)
  }

  @Test func aRandomWalkOfPushesAndPopsAgreesWithAQueue() {
    var random = RandomStream(seed: 1, name: "ring walk")
    let ring = RecordRing(capacity: 8192)
    let producer = ring.end()
    var queue: [Record] = []
    var first = 0
    var dropped = 0
    for step in 0..<50_000 {
      if random.uniform() < 0.52 {
        let bytes = Int(random.uniform() * (random.uniform() < 0.05 ? 3000 : 300))
        if producer.push(kind: UInt32(step), bytes: bytes) {
          queue.append(Record(kind: UInt32(step), payload: Record.pattern(kind: UInt32(step), bytes: bytes)))
        } else {
          dropped += 1
        }
      } else if first < queue.count {
        if ring.next() != queue[first] { Issue.record("step \(step)") }
        first += 1
      } else if ring.next() != nil {
        Issue.record("a record from nowhere in step \(step)")
      }
    }
    while first < queue.count {
      if ring.next() != queue[first] { Issue.record("record \(first)") }
      first += 1
    }
    #expect(ring.next() == nil)
    #expect(dropped > 100 && dropped == ring.droppedCount)
  }

  @Test func twoThreadsLoseNothingButWhatIsCounted() async {
    let attempts = 60_000
    let shared = SharedRing(capacity: 16_384)
    let producing = thread {
      var random = RandomStream(seed: 2, name: "producer")
      let producer = shared.ring.makeProducer()
      for sequence in 0..<attempts {
        let words = 2 + Int(random.uniform() * 50)
        let bytes = words * 8
        guard let pointer = producer.reserve(bytes: bytes, kind: UInt32(bytes)) else {
          // Usually goes on dropping, sometimes lets the consumer catch up.
          if random.uniform() < 0.1 { doze() }
          continue
        }
        shared.write(sequence: UInt64(sequence), to: pointer, words: words)
        producer.commit(bytes: bytes)
      }
      shared.finished.store(true, ordering: .releasing)
    }
    let consuming = thread {
      var random = RandomStream(seed: 3, name: "consumer")
      while true {
        let done = shared.finished.load(ordering: .acquiring)
        let found = shared.take()
        if done && !found { return }
        // Now and then the consumer dozes, so that the ring overflows.
        if random.uniform() < 0.0005 { doze() }
      }
    }
    await producing.value
    await consuming.value
    #expect(shared.wrong == 0)
    #expect(shared.received + shared.ring.droppedCount == attempts)
    #expect(shared.received > 1000 && shared.ring.droppedCount > 0)
    #expect(shared.lastSequence < UInt64(attempts))
  }
}
