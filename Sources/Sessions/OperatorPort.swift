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
  /// To let the run take over an arm that was found under torque, where it is held.
  case takeOver = 4
  /// To let torque go off in the joints that were found under it, while others are limp, and then come on in all of them.
  case releaseFirst = 5

  // The operators that raw values bring along are generic, which the control thread may not call.
  @_noLocks
  public static func == (a: OperatorQuestion, b: OperatorQuestion) -> Bool { a.rawValue == b.rawValue }
  @_noLocks
  public static func != (a: OperatorQuestion, b: OperatorQuestion) -> Bool { a.rawValue != b.rawValue }
}

/// The local operator's word to the control thread: counts of consents and refusals. Either counts only for a question that
/// stood when it was given.
final class OperatorPort: Sendable {
  /// The control thread's end: trivial pointers, so that it counts no references. It must not outlive the port.
  struct Ear: @unchecked Sendable, BitwiseCopyable {
    // Unchecked: what they point to is atomic.
    fileprivate let consents: UnsafeMutablePointer<Atomic<UInt32>>
    fileprivate let refusals: UnsafeMutablePointer<Atomic<UInt32>>

    /// How often the operator has agreed and refused so far.
    var answers: OperatorAnswers {
      @_noLocks get {
        var answers = OperatorAnswers()
        answers.consents = consents.pointee.load(ordering: .acquiring)
        answers.refusals = refusals.pointee.load(ordering: .acquiring)
        return answers
      }
    }
  }

  let ear: Ear

  init() {
    func counter() -> UnsafeMutablePointer<Atomic<UInt32>> {
      let counter = UnsafeMutablePointer<Atomic<UInt32>>.allocate(capacity: 1)
      counter.initialize(to: Atomic(0))
      return counter
    }
    ear = Ear(consents: counter(), refusals: counter())
  }

  deinit {
    for counter in [ear.consents, ear.refusals] {
      counter.deinitialize(count: 1)
      counter.deallocate()
    }
  }

  /// The operator agrees.
  func consent() { _ = ear.consents.pointee.wrappingAdd(1, ordering: .releasing) }

  /// The operator refuses, or there is nobody left who could agree.
  func refuse() { _ = ear.refusals.pointee.wrappingAdd(1, ordering: .releasing) }
}

/// How often the local operator has agreed and refused.
struct OperatorAnswers: BitwiseCopyable {
  var consents: UInt32 = 0
  var refusals: UInt32 = 0

  @_noLocks
  init() {}
}
