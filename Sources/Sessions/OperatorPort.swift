import Synchronization

/// What a run waits for a person to do.
public enum OperatorQuestion: UInt8, Sendable, BitwiseCopyable {
  /// Nothing.
  case none = 0
  /// To let torque be switched on.
  case switchOn = 1
  /// To let it go on after an episode that was cut short.
  case goOn = 2
  /// To let the arm go that is held where a fault has stopped it: it may fall.
  case letGo = 3

  // The operators that raw values bring along are generic, which the control thread may not call.
  @_noLocks
  public static func == (a: OperatorQuestion, b: OperatorQuestion) -> Bool { a.rawValue == b.rawValue }
  @_noLocks
  public static func != (a: OperatorQuestion, b: OperatorQuestion) -> Bool { a.rawValue != b.rawValue }
}

/// The local operator's word to the control thread: a count of consents. A consent counts only for a question that stood
/// when it was given.
final class OperatorPort: Sendable {
  /// The control thread's end: a trivial pointer, so that it counts no references. It must not outlive the port.
  struct Ear: @unchecked Sendable, BitwiseCopyable {
    // Unchecked: what it points to is atomic.
    fileprivate let consents: UnsafeMutablePointer<Atomic<UInt32>>

    /// How often the operator has agreed so far.
    var count: UInt32 { @_noLocks get { consents.pointee.load(ordering: .acquiring) } }
  }

  let ear: Ear

  init() {
    let consents = UnsafeMutablePointer<Atomic<UInt32>>.allocate(capacity: 1)
    consents.initialize(to: Atomic(0))
    ear = Ear(consents: consents)
  }

  deinit {
    ear.consents.deinitialize(count: 1)
    ear.consents.deallocate()
  }

  /// The operator agrees.
  func consent() { _ = ear.consents.pointee.wrappingAdd(1, ordering: .releasing) }
}
