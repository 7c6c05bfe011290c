import Synchronization

/// A lock-free ring of variable-length records from one producer (the control thread) to one consumer (the log thread).
///
/// The producer never waits: when the ring is full the record is dropped and counted, and the consumer learns of it.
/// All memory is allocated and touched at start. Each record lies contiguously, 8-byte aligned, behind an 8-byte
/// header (payload length, kind); a record that would wrap is preceded by a filler. Before the first push the ring is
/// empty.
///
/// This class owns the memory and is the consumer's end; the control thread holds a `RingProducer`, which carries no
/// reference and so no reference counting.
public final class RecordRing {
  /// Kind of the filler before a wrap; never delivered.
  static var filler: UInt32 { .max }

  private let memory: RingMemory
  /// Usable bytes, a power of two.
  public var capacity: Int { memory.capacity }

  /// Allocates and touches a ring of at least `capacity` bytes, rounded up to a power of two (minimum 4096).
  public init(capacity: Int) {
    var size = 4096
    while size < capacity { size *= 2 }
    memory = RingMemory(capacity: size)
  }

  deinit { memory.deallocate() }

  /// The control thread's end. Make one only; it must not outlive the ring.
  public func makeProducer() -> RingProducer { RingProducer(memory: memory) }

  /// Records lost because the ring was full.
  public var droppedCount: Int { memory.dropped.pointee.load(ordering: .relaxed) }

  /// Bytes waiting for the consumer.
  public var backlog: Int {
    memory.head.pointee.load(ordering: .acquiring) - memory.tail.pointee.load(ordering: .relaxed)
  }

  /// Consumer: hands the oldest record to `body` and frees it; false when the ring is empty.
  public func pop(_ body: (_ kind: UInt32, _ payload: UnsafeRawBufferPointer) -> Void) -> Bool {
    while true {
      let position = memory.tail.pointee.load(ordering: .relaxed)
      guard position != memory.head.pointee.load(ordering: .acquiring) else { return false }
      let offset = position & (capacity - 1)
      let bytes = Int(memory.base.load(fromByteOffset: offset, as: UInt32.self))
      let kind = memory.base.load(fromByteOffset: offset + 4, as: UInt32.self)
      if kind != RecordRing.filler {
        body(kind, UnsafeRawBufferPointer(start: memory.base + offset + 8, count: bytes))
      }
      memory.tail.pointee.store(position + ((bytes + 15) & ~7), ordering: .releasing)
      if kind != RecordRing.filler { return true }
    }
  }
}

/// The control thread's end of a `RecordRing`.
///
/// Real-time safe: `reserve` and `commit` neither allocate nor lock nor count references.
public struct RingProducer: ~Copyable {
  private let memory: RingMemory

  init(memory: RingMemory) { self.memory = memory }

  /// Reserves room for one record, or counts it as dropped and returns nil. Write the payload through the pointer,
  /// then call `commit` with the same length.
  ///
  /// A record of up to half the capacity, with its header, always fits an empty ring; a larger one fits only where the
  /// end of the memory is far enough away. `UInt32.max` is no kind.
  @_noLocks
  public func reserve(bytes: Int, kind: UInt32) -> UnsafeMutableRawPointer? {
    guard bytes >= 0, bytes < memory.capacity, kind != UInt32.max else {
      memory.dropped.pointee.wrappingAdd(1, ordering: .relaxed)
      return nil
    }
    let need = (bytes &+ 15) & ~7
    let mask = memory.capacity &- 1
    var position = memory.head.pointee.load(ordering: .relaxed)
    let free = memory.capacity &- (position &- memory.tail.pointee.load(ordering: .acquiring))
    let offset = position & mask
    let untilEnd = memory.capacity &- offset
    let total = need <= untilEnd ? need : untilEnd &+ need
    guard total <= free, need < memory.capacity else {
      memory.dropped.pointee.wrappingAdd(1, ordering: .relaxed)
      return nil
    }
    if need > untilEnd {
      writeHeader(at: offset, bytes: untilEnd &- 8, kind: UInt32.max)
      position = position &+ untilEnd
      memory.head.pointee.store(position, ordering: .releasing)
    }
    let start = position & mask
    writeHeader(at: start, bytes: bytes, kind: kind)
    return memory.base + (start &+ 8)
  }

  /// Publishes the record reserved last.
  @_noLocks
  public func commit(bytes: Int) {
    let position = memory.head.pointee.load(ordering: .relaxed)
    memory.head.pointee.store(position &+ ((bytes &+ 15) & ~7), ordering: .releasing)
  }

  /// Records lost because the ring was full.
  public var droppedCount: Int { @_noLocks get { memory.dropped.pointee.load(ordering: .relaxed) } }

  @_noLocks
  private func writeHeader(at offset: Int, bytes: Int, kind: UInt32) {
    memory.base.storeBytes(of: UInt32(truncatingIfNeeded: bytes), toByteOffset: offset, as: UInt32.self)
    memory.base.storeBytes(of: kind, toByteOffset: offset &+ 4, as: UInt32.self)
  }
}

/// The memory both ends share: the bytes, and the two positions in cache lines of their own.
struct RingMemory {
  let capacity: Int
  let base: UnsafeMutableRawPointer
  let head: UnsafeMutablePointer<Atomic<Int>>
  let tail: UnsafeMutablePointer<Atomic<Int>>
  let dropped: UnsafeMutablePointer<Atomic<Int>>

  init(capacity: Int) {
    self.capacity = capacity
    // Three cache lines for the counters, so that producer and consumer do not fight for one.
    let base = UnsafeMutableRawPointer.allocate(byteCount: capacity + 3 * 64, alignment: 64)
    self.base = base
    base.initializeMemory(as: UInt8.self, repeating: 0, count: capacity + 3 * 64)
    func counter(_ line: Int) -> UnsafeMutablePointer<Atomic<Int>> {
      let pointer = (base + capacity + line * 64).bindMemory(to: Atomic<Int>.self, capacity: 1)
      pointer.initialize(to: Atomic(0))
      return pointer
    }
    head = counter(0)
    tail = counter(1)
    dropped = counter(2)
  }

  func deallocate() { base.deallocate() }
}
