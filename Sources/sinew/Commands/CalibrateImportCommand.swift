import ArgumentParser
import ArmModel
import ArmProfiles
import Calibration
import Configuration
import Foundation
import ServoBus

/// `sinew calibrate import`: LeRobot's calibration file as ours.
struct CalibrateImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Turn LeRobot's calibration file (JSON) into one of ours.",
    discussion: """
      Angles are those of LeRobot's own formulae, with the same zero. LeRobot divides a turn by 4095, a servo by 4096: its
      degrees are 0.024 % larger than the joint's. The gripper's 0 (closed) becomes the profile's lower limit.

      With --port the servos are compared with the file, and what differs is written into them, as LeRobot does.
      LeRobot keeps its files below ~/.cache/huggingface/lerobot/calibration.

      Examples:
        sinew calibrate import follower.json --arm so101 --name left
        sinew calibrate import follower.json --arm koch --name right --port /dev/ttyUSB0

      Exit codes: 0 success; 1 a servo or the port failed; 2 wrong input, nothing written.
      """)

  @Argument(help: "LeRobot's file.")
  var file: String

  @OptionGroup var options: CalibrationOptions

  @Option(help: "Compare with the servos on this port, and write into them what differs.")
  var port: String?

  @Option(help: "What the numbers of a file with drive_mode 1 were used as: degrees, or range (-100 to 100).")
  var units: LeRobotCalibration.Units?

  @Flag(help: "Replace a calibration of that name.")
  var force = false

  func validate() throws { try ServoOptions.validate(port: port) }

  mutating func run() throws {
    let (profile, bus) = try options.profile()
    let (name, path) = try options.file(profile)
    let calibration = try checkingInput {
      try LeRobotCalibration.load(path: file).calibration(name: name, of: profile, units: units)
    }
    if let problem = CalibrationPlausibility.problem(calibration, of: profile) {
      throw InputError("\(file): \(problem)")
    }
    if FileManager.default.fileExists(atPath: path), !force {
      throw InputError("\(path): exists already; choose another --name, or --force replaces it")
    }
    // Servos of another model are refused on the bus; arms of the same servos cannot be told apart there, either.
    let others = profile.namesakes(comparingServos: port != nil)
    if !others.isEmpty {
      printError(
        "warning: LeRobot's files do not say which arm they are of, and \(others.joined(separator: ", ")) "
          + "\(others.count == 1 ? "has" : "have") the same joints and ids: be sure that this one is of a \(profile.name)"
      )
    }
    if let port {
      var master = try options.open(port, bus)
      try write(calibration, profile, &master)
    } else {
      printError("note: the servos were not looked at; --port compares them with the file")
    }
    try? FileManager.default.createDirectory(
      at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
    try NewFile.write(calibration.text, to: path, replacing: force)
    printError(CalibrationSession.summary(calibration, profile))
    print(path)
  }

  private func write(_ calibration: ArmCalibration, _ profile: ArmProfile, _ master: inout BusMaster) throws {
    var bench = try onBench { () throws(CalibrationFailure) in try CalibrationBench(profile, on: &master) }
    for note in bench.notes { printError("note: \(note)") }
    let holding = try onBench { () throws(CalibrationFailure) in try bench.energised(on: &master) }
    guard holding.isEmpty || options.yes else {
      throw InputError(
        "servos \(holding.map { "\($0)" }.joined(separator: ", ")) hold the arm and would let go; support it and add --yes"
      )
    }
    let changes = try onBench { () throws(CalibrationFailure) in
      try bench.release(on: &master)
      return try bench.prepare(on: &master) + bench.write(calibration.joints, on: &master)
    }
    for change in changes { printError(change) }
  }
}

extension LeRobotCalibration.Units: ExpressibleByArgument {}
