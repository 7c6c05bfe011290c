import ArmModel
import ArmProfiles
import Calibration
import Configuration
import Foundation
import Numerics
import TestSupport
import Testing

/// A Python with LeRobot's files: the one SINEW_PYTHON names, else the package's `.venv`.
private enum LeRobot {
  static let script = Fixtures.packageRoot.appendingPathComponent("tools/peer/lerobot-normalize.py").path
  static let python: String? = {
    let named = ProcessInfo.processInfo.environment["SINEW_PYTHON"]
    let path = named ?? Fixtures.packageRoot.appendingPathComponent(".venv/bin/python").path
    guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
    return (try? answers(path, "")) == [] ? path : nil
  }()

  static func answers(_ python: String, _ questions: String) throws -> [[Double]]? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = [script]
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-peer-\(UUID().uuidString)")
    try Data(questions.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let output = Pipe()
    process.standardInput = try FileHandle(forReadingFrom: file)
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return try text.split(separator: "\n").map { try JSONDecoder().decode([Double].self, from: Data($0.utf8)) }
  }
}

@Suite(.enabled(if: LeRobot.python != nil, "needs a Python with lerobot: run tools/setup --with-test-tools"))
struct LeRobotPeerTests {
  @Test("an imported file means what LeRobot's own code makes of it: degrees, and the gripper's 0 to 100")
  func sameAngles() throws {
    var random = RandomStream(seed: 8, name: "LeRobot")
    let profile = try ArmProfile.named("so101")
    var questions = ""
    var expected: [(joint: JointCalibration, mode: String, positions: [Int])] = []
    for _ in 0..<40 {
      var entries: [String] = []
      for (joint, servo) in zip(profile.joints, profile.bus?.servos ?? []) {
        let full = (joint.upper - joint.lower) * perRadian
        let span = Int(full * random.uniform(from: 0.9, to: 1.1))
        let low = Int(Double(4095 - span) * random.uniform())
        let driveMode = joint.name == "gripper" ? Int(random.bits() & 1) : 0
        entries.append(
          #""\#(joint.name)": {"id": \#(servo.servo), "drive_mode": \#(driveMode), "homing_offset": \#(Int(random.uniform(from: -2047, to: 2047))), "range_min": \#(low), "range_max": \#(low + span)}"#
        )
      }
      let text = "{" + entries.joined(separator: ", ") + "}"
      let calibration = try LeRobotCalibration(ConfigurationNode.parse(text: text, file: "f.json"))
        .calibration(name: "n", of: profile)
      for (joint, entry) in zip(calibration.joints, entries) {
        let mode = joint.joint == "gripper" ? "range_0_100" : "degrees"
        let positions = (0..<5).map { _ in Int(random.uniform(from: Double(joint.lower), to: Double(joint.upper))) }
        let values = entry.split(separator: ": ", maxSplits: 1).last ?? ""
        questions +=
          #"{"calibration": \#(values), "mode": "\#(mode)", "apply_drive_mode": true, "positions": \#(positions)}"#
          + "\n"
        expected.append((joint, mode, positions))
      }
    }
    let python = try #require(LeRobot.python)
    let answers = try #require(try LeRobot.answers(python, questions))
    try #require(answers.count == expected.count && answers.count == 240)
    for (answer, question) in zip(answers, expected) {
      let span = Double(question.joint.upper - question.joint.lower) / perRadian
      for (theirs, position) in zip(answer, question.positions) {
        let radians =
          question.mode == "degrees" ? theirs * .pi / 180 * 4095 / 4096 : -0.174533 + theirs / 100 * span
        #expect(abs(angle(position, question.joint) - radians) < 1e-9)
      }
    }
  }
}
