import Glibc
import RealTime
import Synchronization

/// Runs `body` on a thread of its own; await the task's value to join it.
func thread(_ body: @escaping @Sendable () -> Void) -> Task<Void, Never> {
  let box = Unmanaged.passRetained(ThreadBody(body))
  var id = pthread_t()
  let status = pthread_create(
    &id, nil,
    { argument in
      if let argument { Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().body() }
      return nil
    }, box.toOpaque())
  precondition(status == 0, "no thread: error \(status)")
  let handle = id
  // Joining blocks, which the concurrency pool tolerates for the short life of a test.
  return Task.detached { pthread_join(handle, nil) }
}

private final class ThreadBody {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// Lets other threads run for a while.
func doze() { usleep(200) }

/// A record as it came out of a ring.
struct Record: Equatable {
  var kind: UInt32
  var payload: [UInt8]

  /// Bytes that tell kinds, lengths and places apart.
  static func pattern(kind: UInt32, bytes: Int) -> [UInt8] {
    let start = Int(kind % 997)
    return Array(ramp[start..<start + bytes])
  }
  private static let ramp: [UInt8] = (0..<8192).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 / 256) }
}

extension RecordRing {
  /// The oldest record, or nil.
  func next() -> Record? {
    var record: Record?
    let found = pop { kind, payload in record = Record(kind: kind, payload: Array(payload)) }
    return found ? record : nil
  }
}

extension RecordRing {
  /// The producer's end, by reference, so that an expectation may push.
  func end() -> ProducerEnd { ProducerEnd(makeProducer()) }
}

/// A `RingProducer` by reference.
final class ProducerEnd {
  private let producer: RingProducer
  init(_ producer: consuming RingProducer) { self.producer = producer }

  var droppedCount: Int { producer.droppedCount }
  func reserve(bytes: Int, kind: UInt32) -> UnsafeMutableRawPointer? { producer.reserve(bytes: bytes, kind: kind) }
  func commit(bytes: Int) { producer.commit(bytes: bytes) }

  /// Pushes a record with a pattern that depends on its kind and length.
  func push(kind: UInt32, bytes: Int) -> Bool {
    guard let pointer = reserve(bytes: bytes, kind: kind) else { return false }
    Record.pattern(kind: kind, bytes: bytes).withUnsafeBytes { source in
      if let base = source.baseAddress { pointer.copyMemory(from: base, byteCount: bytes) }
    }
    commit(bytes: bytes)
    return true
  }
}

/// A ring with a producing and a consuming thread; each record carries its number and a checksum over its bytes.
final class SharedRing: @unchecked Sendable {
  // Unchecked: the ring is made for one thread at each end, and the tallies belong to the consumer until it is joined.
  let ring: RecordRing
  let finished = Atomic<Bool>(false)
  private(set) var received = 0
  private(set) var wrong = 0
  private(set) var lastSequence: UInt64 = 0

  init(capacity: Int) { ring = RecordRing(capacity: capacity) }

  /// Number, checksum, then words made from the number. Plain stores and loads, which the thread sanitizer sees; it is
  /// blind to the generic ones of the standard library.
  func write(sequence: UInt64, to pointer: UnsafeMutableRawPointer, words: Int) {
    let target = pointer.assumingMemoryBound(to: UInt64.self)
    var sum: UInt64 = sequence
    for index in 2..<words {
      let word = sequence &+ UInt64(index) &* 0x9e37_79b9_7f4a_7c15
      target[index] = word
      sum = sum &* 31 &+ word
    }
    target[0] = sequence
    target[1] = sum
  }

  /// Consumes one record and checks it; false when the ring is empty.
  func take() -> Bool {
    ring.pop { kind, payload in
      guard let base = payload.baseAddress, payload.count >= 16, payload.count % 8 == 0 else {
        wrong += 1
        return
      }
      let source = base.assumingMemoryBound(to: UInt64.self)
      let sequence = source[0]
      var sum = sequence
      for index in 2..<payload.count / 8 { sum = sum &* 31 &+ source[index] }
      let isNewer = received == 0 || sequence > lastSequence
      if Int(kind) != payload.count || sum != source[1] || !isNewer { wrong += 1 }
      received += 1
      lastSequence = sequence
    }
  }
}
