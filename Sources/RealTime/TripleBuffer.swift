import Synchronization

/// Hands the newest value from one writer thread to one reader thread; neither ever waits or fails, the newest wins.
///
/// Three slots: one the writer fills, one the reader holds, one in the middle that changes hands by an atomic exchange.
/// Before the first `publish` the reader gets the initial value. Real-time safe on both sides.
///
/// This value owns the memory; both ends work through pointers, so it must outlive the threads that use it.
public struct TripleBuffer<Value: BitwiseCopyable & Sendable>: ~Copyable, @unchecked Sendable {
  // Unchecked: the two ends touch different slots, which the atomic exchange hands over.
  @usableFromInline let slots: UnsafeMutablePointer<Value>
  /// Bits 0–1: index of the middle slot; bit 2: it holds news for the reader.
  @usableFromInline let middle: UnsafeMutablePointer<Atomic<UInt8>>
  @usableFromInline let writerIndex: UnsafeMutablePointer<UInt8>
  @usableFromInline let readerIndex: UnsafeMutablePointer<UInt8>

  /// Three slots of `initial`.
  public init(initial: Value) {
    slots = .allocate(capacity: 3)
    slots.initialize(repeating: initial, count: 3)
    middle = .allocate(capacity: 1)
    middle.initialize(to: Atomic(1))
    writerIndex = .allocate(capacity: 1)
    writerIndex.initialize(to: 0)
    readerIndex = .allocate(capacity: 1)
    readerIndex.initialize(to: 2)
  }

  deinit {
    slots.deallocate()
    middle.deinitialize(count: 1)
    middle.deallocate()
    writerIndex.deallocate()
    readerIndex.deallocate()
  }

  /// Writer: makes `value` the newest.
  @inlinable
  public borrowing func publish(_ value: Value) {
    slots[Int(writerIndex.pointee)] = value
    writerIndex.pointee = middle.pointee.exchange(writerIndex.pointee | 4, ordering: .acquiringAndReleasing) & 3
  }

  /// Reader: the newest value.
  @inlinable
  public borrowing func latest() -> Value {
    if middle.pointee.load(ordering: .relaxed) & 4 != 0 {
      readerIndex.pointee = middle.pointee.exchange(readerIndex.pointee, ordering: .acquiringAndReleasing) & 3
    }
    return slots[Int(readerIndex.pointee)]
  }
}
