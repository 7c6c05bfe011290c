import ArmModel
import ArmProfiles
import Foundation
import TestSupport
import Testing
import VirtualServos

@Suite("sinew calibrate import")
struct CalibrateImportTests {
  private static let file = """
    {
      "shoulder_pan": {"id": 1, "drive_mode": 0, "homing_offset": -470, "range_min": 758, "range_max": 3292},
      "shoulder_lift": {"id": 2, "drive_mode": 0, "homing_offset": 1001, "range_min": 823, "range_max": 3190},
      "elbow_flex": {"id": 3, "drive_mode": 0, "homing_offset": 1437, "range_min": 867, "range_max": 3090},
      "wrist_flex": {"id": 4, "drive_mode": 0, "homing_offset": -1310, "range_min": 897, "range_max": 3208},
      "wrist_roll": {"id": 5, "drive_mode": 0, "homing_offset": 82, "range_min": 0, "range_max": 4095},
      "gripper": {"id": 6, "drive_mode": 0, "homing_offset": 1398, "range_min": 2031, "range_max": 3499}
    }
    """

  @Test("a file becomes a calibration that reads; another of its name is replaced only by force")
  func imports() throws {
    let folder = try ScratchFolder()
    try folder.write(Self.file, to: "left.json")
    let arguments = ["calibrate", "import", "left.json", "--arm", "so101", "--name", "left"]
    let outcome = try Command.run(arguments, in: folder)
    #expect(outcome.code == 0 && outcome.output == "calibration/left.yaml\n", "\(outcome.errors)")
    let calibration = try ArmCalibration.load(
      path: folder.path("calibration/left.yaml"), for: ArmProfile.named("so101"))
    // The SO-100 and the Koch have the same joints and ids.
    #expect(outcome.errors.contains("warning: LeRobot's files do not say which arm they are of, and koch, so100 have"))
    #expect(calibration.name == "left" && calibration.joints[1].zero == 2006.5)
    let again = try Command.run(arguments, in: folder)
    #expect(again.code == 2 && again.errors.contains("exists already"))
    #expect(try Command.run(arguments + ["--force"], in: folder).code == 0)
  }

  @Test("the example calibration is what the example of LeRobot's file imports to")
  func example() throws {
    let folder = try ScratchFolder()
    let examples = Fixtures.packageRoot.appendingPathComponent("calibration/examples")
    try folder.write(
      try Data(contentsOf: examples.appendingPathComponent("lerobot-so101.json")), to: "lerobot-so101.json")
    let outcome = try Command.run(
      ["calibrate", "import", "lerobot-so101.json", "--arm", "so101", "--folder", "."], in: folder)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let expected = try String(contentsOf: examples.appendingPathComponent("so101.yaml"), encoding: .utf8)
    #expect(try folder.text("so101.yaml") == expected)
  }

  @Test("a file of an SO-101 is refused for a Koch, and one of a Koch for an SO-101, though names and ids are the same")
  func otherArm() throws {
    let folder = try ScratchFolder()
    try folder.write(Self.file, to: "so101.json")
    try folder.write(
      Self.file.replacing("\"range_min\": 758, \"range_max\": 3292", with: "\"range_min\": 0, \"range_max\": 4095"),
      to: "koch.json")
    for (file, arm, part) in [
      ("so101.json", "koch", "shoulder_pan: range 758 … 3292: LeRobot never sweeps this joint"),
      ("koch.json", "so101", "shoulder_pan: range 0 … 4095 is a whole turn"),
    ] {
      let outcome = try Command.run(["calibrate", "import", file, "--arm", arm], in: folder)
      #expect(outcome.code == 2 && outcome.errors.contains(part), "\(outcome.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.path("calibration")))
    }
  }

  @Test("with a port the servos get what the file says, and are then the calibration's")
  func writes() throws {
    let scene = try CalibrationScene(
      (1...6).map { ServoSetup(try ServoModel.named("sts3215-7v4"), id: $0) },
      ranges: Array(repeating: -1.0...1.0, count: 6))
    try scene.folder.write(Self.file, to: "left.json")
    let outcome = try Command.run(
      ["calibrate", "import", "left.json", "--arm", "so101", "--port", "bus"], in: scene.folder)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("servo 1: homing_offset 0 → -470"))
    // Its servos are those of an SO-100, too, and no Koch's.
    #expect(
      outcome.errors.contains("which arm they are of, and so100 has the same joints and ids"), "\(outcome.errors)")
    #expect(scene.register(0, 31) == 2048 | 470 && scene.register(1, 31) == 1001 && scene.register(1, 9) == 823)
    let verified = try Command.run(
      ["calibrate", "--arm", "so101", "--port", "bus", "--verify", "--yes"], in: scene.folder)
    #expect(verified.code == 0 && verified.output == "calibration/so101.yaml: verified\n", "\(verified.errors)")
  }

  @Test(
    "wrong files end with 2 and one line that helps",
    arguments: [
      (file.replacing("\"range_min\": 867", with: "\"range_min\": 3000"), "elbow_flex: the range covers 8°"),
      (file.replacing("1437", with: "2114"), "left.json:4:61: elbow_flex.homing_offset: 2114 does not fit"),
      ("{}", "the key 'shoulder_pan' is missing"), ("[1, 2]", "expected a mapping"),
      ("{\"a\": ", ": is not JSON: "), ("", "it must hold a JSON document"),
      (
        "{\"waist\": {\"id\": 1, \"drive_mode\": 0, \"homing_offset\": 0, \"range_min\": 0, \"range_max\": 4095}}",
        "this file is of another arm: its joints are waist, those of arm 'so101' shoulder_pan, "
      ),
    ])
  func wrong(text: String, part: String) throws {
    let folder = try ScratchFolder()
    try folder.write(text, to: "left.json")
    let outcome = try Command.run(["calibrate", "import", "left.json", "--arm", "so101"], in: folder)
    #expect(outcome.code == 2 && outcome.errors.contains(part), "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.path("calibration")))
  }
}
