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

  /// Number, checksum, then bytes made from the number.
  func write(sequence: UInt64, to pointer: UnsafeMutableRawPointer, bytes: Int) {
    var sum: UInt64 = sequence
    for index in 16..<bytes {
      let byte = UInt8(truncatingIfNeeded: sequence &+ UInt64(index) &* 13)
      pointer.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
      sum = sum &* 31 &+ UInt64(byte)
    }
    pointer.storeBytes(of: sequence, as: UInt64.self)
    pointer.storeBytes(of: sum, toByteOffset: 8, as: UInt64.self)
  }

  /// Consumes one record and checks it; false when the ring is empty.
  func take() -> Bool {
    ring.pop { kind, payload in
      let sequence = payload.load(as: UInt64.self)
      var sum = sequence
      for index in 16..<payload.count { sum = sum &* 31 &+ UInt64(payload[index]) }
      let isNewer = received == 0 || sequence > lastSequence
      if Int(kind) != payload.count || sum != payload.load(fromByteOffset: 8, as: UInt64.self) || !isNewer {
        wrong += 1
      }
      received += 1
      lastSequence = sequence
    }
  }
}
