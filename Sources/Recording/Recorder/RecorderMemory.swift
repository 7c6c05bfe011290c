import RealTime
import Synchronization

/// The kinds of records in the ring.
enum RecordKind {
  static var transition: UInt32 { @_noLocks get { 1 } }
  static var joints: UInt32 { @_noLocks get { 2 } }
  static var loop: UInt32 { @_noLocks get { 3 } }
  static var event: UInt32 { @_noLocks get { 4 } }
  static var bus: UInt32 { @_noLocks get { 5 } }
}

/// What control thread, log thread and owner share: the ring and a few atomic numbers.
///
/// The port holds it by an unmanaged reference, so that no reference is counted on the control thread.
final class RecorderMemory {
  let ring: RecordRing
  let gate: RecorderGate

  init(ringBytes: Int) {
    ring = RecordRing(capacity: ringBytes)
    gate = RecorderGate()
  }

  deinit { gate.deallocate() }
}

/// The atomic numbers: trivial pointers, so that the port can carry them.
struct RecorderGate {
  /// Ring bytes freed by the log thread, fillers left out.
  let consumed: UnsafeMutablePointer<Atomic<Int>>
  /// Bytes that the disk took.
  let written: UnsafeMutablePointer<Atomic<Int>>
  /// 1 while the log thread no longer empties the ring because the disk refuses.
  let stalled: UnsafeMutablePointer<Atomic<Int>>
  /// 1 when the log thread shall empty the ring, finish the file and end.
  let stop: UnsafeMutablePointer<Atomic<Int>>

  init() {
    func counter() -> UnsafeMutablePointer<Atomic<Int>> {
      let pointer = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: 1)
      pointer.initialize(to: Atomic(0))
      return pointer
    }
    consumed = counter()
    written = counter()
    stalled = counter()
    stop = counter()
  }

  func deallocate() {
    consumed.deallocate()
    written.deallocate()
    stalled.deallocate()
    stop.deallocate()
  }
}
