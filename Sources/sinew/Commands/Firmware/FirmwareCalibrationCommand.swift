import ArgumentParser
import ArmModel
import ArmProfiles

/// `sinew firmware calibration`: a calibration of hobby servos to begin with.
struct FirmwareCalibrationCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibration",
    abstract: "Write a calibration of a hobby-servo arm to begin with: the nominal figures.",
    discussion: """
      Which pulse is which angle differs from servo to servo and with the tooth that a horn sits on. The file has the figures \
      of the arm's profile; measure yours and correct them by hand, as calibration/README.md says.

      Examples:
        sinew firmware calibration --arm hobby6
        sinew firmware calibration --arm hobby6 --name left --output calibration/left.yaml

      Exit codes: 0 success; 2 wrong input, nothing written.
      """)

  @Option(help: "Arm profile: a shipped name or a YAML file.")
  var arm = "hobby6"
  @Option(help: "The arm's own name. Default: the profile's.")
  var name: String?
  @Option(help: "Write to this file, which must not exist. Default: standard output.")
  var output: String?

  func validate() throws { try refuseEmpty(["arm": arm, "name": name, "output": output]) }

  mutating func run() throws {
    let calibration = try Self.nominal(of: arm, name: name, origin: "nominal figures of the profile, to be corrected")
    if let output { try NewFile.write(calibration.text, to: output, replacing: false) } else { print(calibration.text) }
  }

  /// The nominal calibration of an arm with hobby servos.
  static func nominal(of arm: String, name: String?, origin: String) throws -> ArmCalibration {
    let profile = try checkingInput { try ArmProfile.named(arm) }
    guard let nominal = ArmCalibration.nominal(of: profile, name: name ?? profile.name, origin: origin) else {
      throw InputError("arm '\(profile.name)' has no hobby servos behind a board; name one that has, such as hobby6")
    }
    return nominal
  }
}
