import ArmModel

/// Which control of a pad has which role.
///
/// The `shift` control has no role alone: held, it gives others a second one (a chord), so that what must never happen by
/// mistake takes two buttons.
public struct OperatorLayout: Sendable, Equatable {
  /// A control, pressed alone or with the shift control held.
  public struct Press: Sendable, Equatable {
    public var control: PadControl
    public var isShifted: Bool

    public init(_ control: PadControl, shifted isShifted: Bool = false) {
      self.control = control
      self.isShifted = isShifted
    }

    /// As in a mapping file: `b`, `shift+b`.
    public var text: String { (isShifted ? "shift+" : "") + control.rawValue }
  }

  public var shift: PadControl
  public var presses: [OperatorRole: Press]
  /// What opens and closes the gripper: triggers or buttons.
  public var gripperOpen: PadControl
  public var gripperClose: PadControl

  /// The layout that ships. Enable is the right shoulder, where a finger rests; stop is the right face button; with the
  /// left shoulder held stop becomes release. X and Y have no role: 0x133 and 0x134 are the upper and the left button in
  /// one family of drivers and the left and the upper one in another.
  public static var standard: OperatorLayout {
    OperatorLayout(
      shift: .leftShoulder,
      presses: [
        .enable: Press(.rightShoulder), .stop: Press(.b), .release: Press(.b, shifted: true),
        .start: Press(.start), .reset: Press(.start, shifted: true),
        .success: Press(.a), .failure: Press(.back), .park: Press(.back, shifted: true),
        .discard: Press(.left), .mode: Press(.right), .faster: Press(.up), .slower: Press(.down),
      ],
      gripperOpen: .leftTrigger, gripperClose: .rightTrigger)
  }

  /// The role of a press, if it has one.
  public func role(of control: PadControl, shifted: Bool) -> OperatorRole? {
    presses.first { $0.value.control == control && $0.value.isShifted == shifted }?.key
  }

  /// Roles without which a pad may not move an arm.
  public static var vital: [OperatorRole] { [.enable, .stop, .release, .reset] }

  /// Why this layout is not safe to use, or nil.
  public var problem: String? {
    for role in [OperatorRole.enable, .stop, .release] {
      guard let press = presses[role] else { return "the role '\(role.name)' has no control" }
      if press.control == .x || press.control == .y || ((role == .release) && (shift == .x || shift == .y)) {
        return "'\(role.name)' may not be on X or Y: pads exchange the two; use a shoulder, A or B"
      }
    }
    for (role, press) in presses.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      if press.control.isStick { return "'\(role.name)' cannot be on a stick's direction; use a button or a trigger" }
      if press.control == shift { return "'\(role.name)' is on the shift control, which has no role alone" }
      let same = presses.filter { $0.value == press && $0.key != role }.keys.min { $0.rawValue < $1.rawValue }
      if let same { return "'\(role.name)' and '\(same.name)' are on the same control '\(press.text)'" }
      if !press.isShifted && (press.control == gripperOpen || press.control == gripperClose) {
        return "'\(role.name)' is on '\(press.text)', which moves the gripper"
      }
    }
    if presses[.reset] == nil { return "the role 'reset' has no control" }
    if let enable = presses[.enable], enable.isShifted { return "'enable' may not need the shift control held" }
    if let stop = presses[.stop], stop.isShifted { return "'stop' may not need the shift control held" }
    if let enable = presses[.enable]?.control,
      presses.contains(where: { $0.key != .enable && $0.value.control == enable })
    {
      return "the control of 'enable' may have no other role"
    }
    if gripperOpen == gripperClose { return "the gripper opens and closes by the same control" }
    if shift.isStick || gripperOpen.isStick || gripperClose.isStick {
      return "a stick's direction cannot be the shift control or move the gripper"
    }
    if shift == gripperOpen || shift == gripperClose { return "the shift control may not move the gripper" }
    return nil
  }

  /// The vital controls that a mapping lacks, and the stick.
  public func missing(in mapping: PadMapping) -> [String] {
    var missing: [String] = []
    for role in Self.vital {
      guard let press = presses[role] else { continue }
      if mapping.sources[press.control] == nil { missing.append("\(role.name) (\(press.control.rawValue))") }
      if press.isShifted && mapping.sources[shift] == nil { missing.append("shift (\(shift.rawValue))") }
    }
    for control in [PadControl.leftX, .leftY] where mapping.sources[control] == nil { missing.append(control.rawValue) }
    var seen: Set<String> = []
    return missing.filter { seen.insert($0).inserted }
  }
}
