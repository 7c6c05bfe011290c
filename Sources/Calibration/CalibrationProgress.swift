import ArmModel
import ArmProfiles
import Configuration

/// What an interrupted calibration had found: how far each joint was swept. Kept beside the calibration until it is
/// complete.
public struct CalibrationProgress: Sendable, Equatable {
  public var profile: String
  /// Unwrapped raw ticks by joint.
  public var ranges: [String: ClosedRange<Int>]

  public init(profile: String, ranges: [String: ClosedRange<Int>]) {
    self.profile = profile
    self.ranges = ranges
  }

  /// What `procedure` has found so far.
  public init(profile: String, _ procedure: CalibrationProcedure) {
    self.init(profile: profile, ranges: [:])
    for row in procedure.rows { ranges[row.joint] = row.range }
  }

  /// Whether any joint was moved: what a mere look at the servos found needs no keeping.
  public var isWorthKeeping: Bool { ranges.values.contains { $0.count > 64 } }

  /// Where it is kept: beside the calibration file.
  public static func path(besides calibration: String) -> String {
    (calibration.hasSuffix(".yaml") ? String(calibration.dropLast(5)) : calibration) + ".unfinished.yaml"
  }

  /// Reads what `text` wrote; it must be of `profile`'s arm.
  public init(_ root: ConfigurationNode, of profile: ArmProfile) throws(ConfigurationError) {
    try root.allowOnly(["unfinished", "arm", "joints"])
    let version = try root.child("unfinished")
    guard try version.integer() == 1 else { throw version.error("another program's; calibrate from the beginning") }
    let arm = try root.child("arm")
    guard try arm.string() == profile.name else {
      throw arm.error(
        "this is an unfinished calibration of an arm '\(try arm.string())', not '\(profile.name)'",
        suggestion: "remove the file, or name another calibration with --name")
    }
    let joints = try root.child("joints")
    try joints.allowOnly(profile.jointNames)
    self.init(profile: profile.name, ranges: [:])
    for (name, node) in try joints.entries() {
      try node.allowOnly(["lower", "upper"])
      let allowed = -1_048_576...1_048_576
      let lower = try node.child("lower").integer(in: allowed)
      let upper = try node.child("upper").integer(in: allowed)
      guard lower <= upper else { throw node.error("lower \(lower) is above upper \(upper)") }
      ranges[name] = lower...upper
    }
  }

  /// The file's text.
  public var text: String {
    var text =
      "# An interrupted calibration: 'sinew calibrate --resume' goes on from here. Raw ticks of the encoders.\n"
    text += "unfinished: 1\narm: \"\(profile)\"\njoints:\n"
    for (joint, range) in ranges.sorted(by: { $0.key < $1.key }) {
      text += "  \(joint): {lower: \(range.lowerBound), upper: \(range.upperBound)}\n"
    }
    return ranges.isEmpty ? text.replacing("joints:\n", with: "joints: {}\n") : text
  }
}
