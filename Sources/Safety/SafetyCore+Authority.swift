extension SafetyCore {
  /// Whether the person's proposals move the arm: in teleoperation, and on the way there.
  public var isMovedByPerson: Bool {
    @_noLocks get { state == .teleoperation || (state == .handover && !handover.isToPolicy) }
  }

  /// Whether the policy's proposals move the arm: under its authority, and on the way there.
  public var isMovedByPolicy: Bool {
    @_noLocks get { isPolicys }
  }
}
