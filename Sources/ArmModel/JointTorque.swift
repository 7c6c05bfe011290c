/// Which joints have said that they are under torque, and which that they are not, whoever switched it: one bit a joint. A
/// joint that is in neither has not said. A new value knows nothing.
public struct JointTorque: Sendable, BitwiseCopyable, Equatable {
  public var on: UInt16
  public var off: UInt16

  @_noLocks
  public init(on: UInt16 = 0, off: UInt16 = 0) {
    self.on = on
    self.off = off
  }

  /// All of `count` joints alike.
  @_noLocks
  public init(_ isOn: Bool, count: Int) {
    let all = JointTorque.mask(count)
    self.init(on: isOn ? all : 0, off: isOn ? 0 : all)
  }

  @_noLocks
  private static func mask(_ count: Int) -> UInt16 { UInt16(truncatingIfNeeded: (1 << count) &- 1) }

  /// Whether all of `count` joints are under torque.
  @_noLocks
  public func isOn(all count: Int) -> Bool { on == JointTorque.mask(count) }

  /// Whether each of `count` joints has said how it is.
  @_noLocks
  public func isKnown(count: Int) -> Bool { on | off == JointTorque.mask(count) }

  /// Whether a joint is known to be under torque, or known not to be.
  @_noLocks
  public func isOn(_ joint: Int) -> Bool { on & (1 << UInt16(truncatingIfNeeded: joint)) != 0 }
  @_noLocks
  public func isOff(_ joint: Int) -> Bool { off & (1 << UInt16(truncatingIfNeeded: joint)) != 0 }
}
