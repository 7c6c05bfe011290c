import ArgumentParser
import ArmModel
import ArmProfiles
import Calibration
import Configuration
import Foundation
import ServoBus

/// `sinew calibrate`: from a hand that turns joints to the file that says what the servos' ticks mean.
struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Calibrate an arm with servos, check its calibration, or import LeRobot's.",
    usage: """
      sinew calibrate --arm <arm> --port <port> [--name <name>] [--joints <joints>] [--resume] [--verify] [--yes]
             [--folder <folder>] [--baud <baud>]
      sinew calibrate import <file> --arm <arm> [--name <name>] ...
      """,
    discussion: """
      Guided: torque goes off, every joint is turned from stop to stop by hand, then the way its angle grows. Zero, sign,
      range and homing offset follow; implausible joints are refused with the reason and can be turned again. The servos'
      EEPROM is written where it differs, read back, and the calibration kept in calibration/NAME.yaml.

      Answers come from standard input, a line each: Enter, yes, no, or quit; a script may write them. Ctrl-C loses
      nothing: --resume goes on with what was swept. calibration/README.md explains all of it with pictures.

      Examples:
        sinew calibrate --arm so101 --port /dev/ttyACM0
        sinew calibrate --arm so101 --port /dev/ttyACM0 --name left --joints gripper
        sinew calibrate --arm so101 --port /dev/ttyACM0 --name left --resume
        sinew calibrate --arm so101 --port /dev/ttyACM0 --name left --verify
        sinew calibrate import left.json --arm so101 --name left

      'sinew calibrate guided --help' says more of every option.

      Exit codes: 0 success; 1 interrupted, refused, or a servo or the port failed; 2 wrong input, nothing written.
      """,
    subcommands: [CalibrateArmCommand.self, CalibrateImportCommand.self],
    defaultSubcommand: CalibrateArmCommand.self)
}

/// What both ways to a calibration take.
struct CalibrationOptions: ParsableArguments {
  @Option(help: "Arm profile: a shipped name ('sinew list arms') or a YAML file.")
  var arm: String

  @Option(help: "The arm's own name; its calibration is FOLDER/NAME.yaml. Default: the profile's name.")
  var name: String?

  @Option(help: "Where calibrations are kept.")
  var folder = "calibration"

  @Option(help: "Speed of the bus, bit/s. Default: the profile's.")
  var baud: Int?

  @Flag(help: "Ask nothing that the arm profile answers: joints without an end, directions, the torque going off.")
  var yes = false

  func validate() throws {
    try refuseEmpty(["arm": arm, "name": name, "folder": folder])
    if let baud { try ServoOptions.validate(baud: baud, "--baud") }
  }

  /// The profile, which must have servos.
  func profile() throws -> (profile: ArmProfile, bus: ArmBus) {
    let profile = try checkingInput { try ArmProfile.named(arm) }
    if profile.bus?.wire == ArmBus.firmwareWire {
      throw InputError(
        "arm '\(profile.name)' has hobby servos, which answer nothing: begin with 'sinew firmware calibration --arm "
          + "\(profile.name)', and measure as calibration/README.md says")
    }
    guard let bus = profile.bus else {
      let others = try ArmProfile.shipped.filter { name in
        try ArmProfile.named(name).bus.map { $0.wire != ArmBus.firmwareWire } ?? false
      }
      throw InputError(
        "arm '\(profile.name)' has no servos to calibrate; arms that have: \(others.joined(separator: ", "))")
    }
    return (profile, bus)
  }

  /// The calibration's name and its file.
  func file(_ profile: ArmProfile) throws -> (name: String, path: String) {
    let name = name ?? profile.name
    let allowed = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "_-."))
    guard !name.isEmpty, !name.hasPrefix("."), name.unicodeScalars.allSatisfy(allowed.contains) else {
      throw InputError("--name '\(name)' is no name for a file; use letters, digits, '-', '_' and '.'")
    }
    return (name, "\(folder)/\(name).yaml")
  }

  /// Opens the arm's bus.
  func open(_ port: String, _ bus: ArmBus) throws -> BusMaster {
    guard let wire = WireProtocol(name: bus.wire) else {
      throw InputError("the arm's protocol '\(bus.wire)' is not known")
    }
    var options = ServoOptions()
    options.port = port
    options.wire = wire
    options.baud = baud ?? bus.baud
    var master = try options.open()
    // A hand is slow, and nothing here is worth a false alarm: patience instead of pace.
    master.timing.latency = 40_000_000
    master.operationRetries = 5
    return master
  }
}

/// `sinew calibrate`, guided.
struct CalibrateArmCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "guided", abstract: "Calibrate or check an arm with its joints in hand (the default).",
    discussion: """
      Examples:
        sinew calibrate guided --arm so101 --port /dev/ttyACM0
        sinew calibrate guided --arm koch --port /dev/ttyUSB0 --name right --verify

      Exit codes: 0 success; 1 interrupted, refused, or a servo or the port failed; 2 wrong input or a port that cannot be \
      opened, nothing written.
      """)

  @OptionGroup var options: CalibrationOptions

  @Option(help: "Serial port (a link below /dev/serial/by-id is best), pseudo-terminal, or path of a socket.")
  var port: String

  @Option(help: "Only these joints, such as gripper,wrist_roll; the others stay as the file has them.")
  var joints: String?

  @Flag(help: "Go on with an interrupted calibration.")
  var resume = false

  @Flag(help: "Only check the calibration that there is: servos, offsets, and the direction of every joint.")
  var verify = false

  func validate() throws {
    try ServoOptions.validate(port: port)
    if verify && (resume || joints != nil) {
      throw ValidationError("--verify checks a whole calibration; leave --resume and --joints out.")
    }
  }

  mutating func run() throws {
    let (profile, bus) = try options.profile()
    let (name, path) = try options.file(profile)
    let joints = try selectedJoints(profile)
    let known = FileManager.default.fileExists(atPath: path)
    var old: ArmCalibration?
    if verify || joints != nil {
      guard known else {
        throw InputError(
          "there is no calibration \(path) yet; calibrate the whole arm first (without --joints, --verify)")
      }
      old = try checkingInput { try ArmCalibration.load(path: path, for: profile) }
      // What is to be calibrated anew may be wrong.
      if let old,
        let problem = CalibrationPlausibility.problem(old.keeping { joints?.contains($0) != true }, of: profile)
      {
        throw InputError("\(path): \(problem)")
      }
    }
    let progress = try unfinished(CalibrationProgress.path(besides: path), profile)
    var master = try options.open(port, bus)
    var bench = try onBench { () throws(CalibrationFailure) in
      try CalibrationBench(profile, joints: joints, on: &master)
    }
    for note in bench.notes { printError("note: \(note)") }
    var session = CalibrationSession(profile: profile, path: path, isBrief: options.yes)
    if verify, let old {
      try session.verify(old, &bench, &master)
      print("\(path): verified")
      return
    }
    let found = try session.calibrate(&bench, &master, progress: progress)
    let calibration = ArmCalibration(
      name: name, profile: profile.name, origin: "sinew calibrate",
      joints: profile.jointNames.compactMap { joint in
        found.first { $0.joint == joint } ?? old?.joints.first { $0.joint == joint }
      })
    try session.keep(calibration)
    printError(CalibrationSession.summary(calibration, profile))
    print(path)
  }

  private func selectedJoints(_ profile: ArmProfile) throws -> [String]? {
    guard let joints else { return nil }
    let names = joints.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    guard !names.isEmpty else { throw InputError("--joints names no joint") }
    for name in names where !profile.jointNames.contains(name) {
      throw InputError(
        "--joints: arm '\(profile.name)' has no joint '\(name)'"
          + (Suggestion.sentence(for: name, in: profile.jointNames).map { "; \($0)" } ?? ""))
    }
    return names
  }

  private func unfinished(_ path: String, _ profile: ArmProfile) throws -> CalibrationProgress? {
    guard FileManager.default.fileExists(atPath: path) else {
      if resume { throw InputError("nothing to resume: there is no \(path); leave --resume out") }
      return nil
    }
    if verify { return nil }
    guard resume else {
      throw InputError("\(path): a calibration was interrupted; go on with --resume, or remove the file to begin anew")
    }
    return try checkingInput { try CalibrationProgress(ConfigurationNode.load(path: path), of: profile) }
  }
}

/// Runs something on the bench: a wrong request is the user's mistake, all else the run's failure.
func onBench<Result: ~Copyable>(_ body: () throws(CalibrationFailure) -> Result) throws -> Result {
  do throws(CalibrationFailure) {
    return try body()
  } catch {
    if error.isWrongInput { throw InputError("\(error)") }
    throw RunFailure("\(error)")
  }
}

extension ArmCalibration {
  /// Only the joints of which `isKept` says so.
  fileprivate func keeping(_ isKept: (String) -> Bool) -> ArmCalibration {
    var result = self
    result.joints = joints.filter { isKept($0.joint) }
    return result
  }
}
