import ArmModel
import Safety
import Sessions

/// Conditions in words, with the joints that they are about.
enum ConditionText {
  /// "joint elbow_flex (servo 3)", or "every joint"; nil where a condition is not one of joints. `joints` are the arm's.
  static func place(_ mask: UInt16, _ joints: [String]) -> String? {
    let named = joints.indices.filter { mask & (1 << UInt16($0)) != 0 }.map { joints[$0] }
    if named.isEmpty { return nil }
    if named.count == joints.count && joints.count > 1 { return "every joint" }
    return (named.count == 1 ? "joint " : "joints ") + named.joined(separator: ", ")
  }

  /// "joint elbow_flex (servo 3): servo overload".
  static func name(_ condition: Condition, of mask: UInt16, _ joints: [String]) -> String {
    (place(mask, joints).map { "\($0): " } ?? "") + condition.name
  }

  /// A set of conditions, each with what to do about it.
  static func advice(_ set: ConditionSet, _ of: ConditionJoints, _ joints: [String], inReplay: Bool) -> String {
    set.conditions.map { "\(name($0, of: of.mask(of: $0), joints)) (\($0.advice(inReplay: inReplay)))" }
      .joined(separator: "; ")
  }

  /// The arm's own words, with its joint's name.
  static func text(_ error: ArmError, _ joints: [String]) -> String {
    guard joints.indices.contains(error.joint) else { return "\(error)" }
    let unnamed = ArmError(error.code, detail: error.detail, reason: error.reason)
    return "joint \(joints[error.joint]): \(unnamed)"
  }
}
