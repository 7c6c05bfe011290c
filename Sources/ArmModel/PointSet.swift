import Numerics

/// Positions of an arm's named points (fingertip, tool, …) in the base frame, metres, in the order the task names them.
///
/// A kinematic twin fills it each tick. Fixed capacity, inline storage, no allocation.
public struct PointSet: Sendable, BitwiseCopyable {
  /// The most points a task may name.
  public static var capacity: Int { @_noLocks get { 8 } }
  var storage: InlineArray<8, Vector3>
  /// Number of points, 0 … `capacity`.
  public let count: Int

  /// `count` points at the origin.
  @_noLocks
  public init(count: Int) {
    precondition(count >= 0 && count <= 8, "a task names at most 8 points")
    storage = InlineArray(repeating: Vector3(0, 0, 0))
    self.count = count
  }

  public subscript(index: Int) -> Vector3 {
    @_noLocks get {
      precondition(index >= 0 && index < count, "point index out of range")
      return storage[index]
    }
    @_noLocks set {
      precondition(index >= 0 && index < count, "point index out of range")
      storage[index] = newValue
    }
  }
}
