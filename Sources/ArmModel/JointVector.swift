/// One number per joint, in the arm's joint order: fixed capacity, inline storage, no allocation.
///
/// Values are SI units always (rad, rad/s, N·m, s …); degrees and servo ticks exist only at the edges.
/// Accessing an index at or beyond `count` is a programming error and traps.
public struct JointVector: Sendable, BitwiseCopyable, Equatable {
  /// The most joints an arm may have.
  public static var capacity: Int { @_noLocks get { 16 } }

  var storage: InlineArray<16, Double>
  /// Number of joints, 0 … `capacity`.
  public let count: Int

  /// `count` joints, all with the same value.
  @_noLocks
  public init(repeating value: Double, count: Int) {
    precondition(count >= 0 && count <= 16, "an arm has at most 16 joints")
    storage = InlineArray(repeating: value)
    self.count = count
  }

  /// The values in joint order. Not for the control thread: arrays are heap storage.
  public init(_ values: [Double]) {
    precondition(values.count <= 16, "an arm has at most 16 joints")
    storage = InlineArray(repeating: 0)
    count = values.count
    for (index, value) in values.enumerated() { storage[index] = value }
  }

  public subscript(index: Int) -> Double {
    @_noLocks get {
      precondition(index >= 0 && index < count, "joint index out of range")
      return storage[index]
    }
    @_noLocks set {
      precondition(index >= 0 && index < count, "joint index out of range")
      storage[index] = newValue
    }
  }

  /// Whether every joint's value is finite.
  public var isFinite: Bool {
    @_noLocks get {
      for index in 0..<count where !storage[index].isFinite { return false }
      return true
    }
  }

  /// The largest absolute value; 0 for no joints, NaN if any value is NaN.
  public var largestMagnitude: Double {
    @_noLocks get {
      var largest = 0.0
      for index in 0..<count {
        let magnitude = storage[index].magnitude
        if magnitude.isNaN { return magnitude }
        if magnitude > largest { largest = magnitude }
      }
      return largest
    }
  }

  @_noLocks
  public static func == (a: JointVector, b: JointVector) -> Bool {
    guard a.count == b.count else { return false }
    for index in 0..<a.count where a.storage[index] != b.storage[index] { return false }
    return true
  }

  /// The values as an array, for printing and files; not for the control thread.
  public var array: [Double] { (0..<count).map { storage[$0] } }
}
