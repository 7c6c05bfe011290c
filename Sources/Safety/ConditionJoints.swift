/// Which joints each condition is about, one bit a joint; none where a condition is not one of joints. A new value names
/// nobody.
public struct ConditionJoints: Sendable, BitwiseCopyable {
  private var masks: InlineArray<40, UInt16> = InlineArray(repeating: 0)

  @_noLocks
  public init() {}

  /// The joints that a condition is about, one bit each.
  @_noLocks
  public func mask(of condition: Condition) -> UInt16 { mask(ofBit: condition.bit) }

  /// The same by the condition's number.
  @_noLocks
  public func mask(ofBit bit: Int) -> UInt16 { masks[bit] }

  /// The condition is about one more joint.
  @_noLocks
  mutating func note(_ condition: Condition, joint: Int) {
    masks[condition.bit] |= 1 << UInt16(truncatingIfNeeded: joint)
  }

  /// Takes over what is found in a tick; what is latched stays about the joints that it was latched for.
  @_noLocks
  mutating func take(_ found: ConditionJoints, latched: ConditionSet) {
    var bits = latched.rawValue
    var next = found
    while bits != 0 {
      let bit = bits.trailingZeroBitCount
      next.masks[bit] |= masks[bit]
      bits &= bits &- 1
    }
    self = next
  }
}
