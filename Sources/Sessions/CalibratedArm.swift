import ArmModel
import ArmProfiles
import Configuration
import Recording
import ServoBus

/// What a physical arm is by its files: its profile and its calibration, of the joints that are used, in their order.
struct CalibratedArm {
  /// The joints that are used, in the order asked for.
  let profile: ArmProfile
  let calibration: ArmCalibration
  let calibrationPath: String
  let calibrationText: String

  /// `whole` and its calibration (a file or a name), reduced to `joints`; nil where it has not all of them. Refuses a
  /// calibration that cannot be one of this arm; limits tightened for a run are no reason to doubt it.
  init?(
    _ whole: ArmProfile, untightened: ArmProfile? = nil, calibration: String, joints: [String]
  ) throws {
    guard let selected = whole.selecting(joints) else { return nil }
    profile = selected
    calibrationPath = ArmCalibration.path(of: calibration)
    calibrationText = try ConfigurationNode.text(path: calibrationPath)
    var loaded = try ArmCalibration.load(path: calibrationPath, for: whole)
    if let problem = CalibrationPlausibility.problem(loaded, of: untightened ?? whole) {
      throw SessionError("\(calibrationPath): \(problem)")
    }
    loaded.joints = joints.compactMap { name in loaded.joints.first { $0.joint == name } }
    self.calibration = loaded
  }
}

extension CalibratedArm {
  /// What the log says of the files.
  var metadata: [String: String] {
    [
      "profile": profile.name, "calibration": calibration.name, "calibration_file": calibrationPath,
      "calibration_sha256": ContentHash.sha256(calibrationText),
    ]
  }

  /// The calibration for the log, under `name`.
  func attachment(_ name: String) -> LogAttachment {
    LogAttachment(name: name, mediaType: "application/yaml", data: Array(calibrationText.utf8))
  }

  /// What the log says of the arm on `port`, as `report` found it.
  func metadata(_ report: ConnectionReport, port: String) -> [String: String] {
    func list(_ value: (ServoReport) -> String) -> String { report.servos.map(value).joined(separator: ",") }
    return metadata.merging([
      "port": port, "protocol": profile.bus?.wire ?? "", "baud": "\(report.baud)", "servo_ids": list { "\($0.id)" },
      "servo_models": list(\.model), "servo_firmware": list(\.firmware),
    ]) { own, _ in own }
  }
}
