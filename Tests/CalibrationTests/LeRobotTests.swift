import ArmModel
import ArmProfiles
import Calibration
import Configuration
import Numerics
import Testing

/// huggingface/lerobot 7427f31, `MotorsBus._normalize`, written down from what it computes: degrees, gripper.
private func degrees(_ value: Int, _ rangeMin: Int, _ rangeMax: Int) -> Double {
  (Double(value) - Double(rangeMin + rangeMax) / 2) * 360 / 4095
}

private func percent(_ value: Int, _ rangeMin: Int, _ rangeMax: Int, driveMode: Int = 0) -> Double {
  let bounded = min(rangeMax, max(rangeMin, value))
  let norm = Double(bounded - rangeMin) / Double(rangeMax - rangeMin) * 100
  return driveMode == 1 ? 100 - norm : norm
}

/// A plausible file of an SO-101.
private func file(_ change: [String: String] = [:]) -> String {
  var joints = [
    "shoulder_pan": #"{"id": 1, "drive_mode": 0, "homing_offset": -1470, "range_min": 758, "range_max": 3292}"#,
    "shoulder_lift": #"{"id": 2, "drive_mode": 0, "homing_offset": 1001, "range_min": 823, "range_max": 3190}"#,
    "elbow_flex": #"{"id": 3, "drive_mode": 0, "homing_offset": 1437, "range_min": 867, "range_max": 3090}"#,
    "wrist_flex": #"{"id": 4, "drive_mode": 0, "homing_offset": -1310, "range_min": 897, "range_max": 3208}"#,
    "wrist_roll": #"{"id": 5, "drive_mode": 0, "homing_offset": 82, "range_min": 0, "range_max": 4095}"#,
    "gripper": #"{"id": 6, "drive_mode": 0, "homing_offset": 1398, "range_min": 2031, "range_max": 3499}"#,
  ]
  for (joint, text) in change { joints[joint] = text.isEmpty ? nil : text }
  let order = ["shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper", "tail"]
  return "{\n" + order.compactMap { name in joints[name].map { "  \"\(name)\": \($0)" } }.joined(separator: ",\n")
    + "\n}\n"
}

private func imported(
  _ text: String, arm: String = "so101", units: LeRobotCalibration.Units? = nil
) throws -> ArmCalibration {
  try LeRobotCalibration(ConfigurationNode.parse(text: text, file: "f.json")).calibration(
    name: "left", of: ArmProfile.named(arm), units: units)
}

@Suite("LeRobot's calibration files")
struct LeRobotTests {
  @Test("every angle is the one of LeRobot's degrees, with a turn of 4096 steps instead of 4095")
  func angles() throws {
    let calibration = try imported(file())
    #expect(calibration.joints.map(\.servo) == [1, 2, 3, 4, 5, 6])
    #expect(calibration.joints[0].homingOffset == -1470)
    for (joint, range) in zip(calibration.joints, [(758, 3292), (823, 3190), (867, 3090), (897, 3208), (0, 4095)]) {
      for value in stride(from: range.0, through: range.1, by: 7) {
        let theirs = degrees(value, range.0, range.1) * .pi / 180
        #expect(abs(angle(value, joint) - theirs * 4095 / 4096) < 1e-12)
        // What the divisor makes of it stays below one step of the encoder.
        #expect(abs(angle(value, joint) - theirs) < 1 / perRadian)
      }
    }
  }

  @Test("numbers worked out by hand from their formula")
  func workedOut() throws {
    let calibration = try imported(file())
    // mid = (823 + 3190) / 2 = 2006.5; (3190 − 2006.5)·360/4095 = 104.0440…°
    #expect(abs(degrees(3190, 823, 3190) - 104.043956) < 1e-6)
    #expect(calibration.joints[1].zero == 2006.5)
    #expect(abs(angle(3190, calibration.joints[1]) - 1.8154661) < 1e-6)
  }

  @Test("the gripper's 0 to 100 runs from the profile's lower limit")
  func gripper() throws {
    let gripper = try imported(file()).joints[5]
    for value in [2031, 2500, 3000, 3499] {
      let open = percent(value, 2031, 3499) / 100
      #expect(abs(angle(value, gripper) - (-0.174533 + open * 1468 / perRadian)) < 1e-9)
    }
    let turned = try imported(
      file(["gripper": #"{"id": 6, "drive_mode": 1, "homing_offset": 0, "range_min": 2031, "range_max": 3499}"#])
    ).joints[5]
    #expect(turned.sign == -1)
    for value in [2031, 2500, 3499] {
      let open = percent(value, 2031, 3499, driveMode: 1) / 100
      #expect(abs(angle(value, turned) - (-0.174533 + open * 1468 / perRadian)) < 1e-9)
    }
  }

  @Test("a joint that LeRobot never sweeps gets its range from the profile")
  func unswept() throws {
    let roll = try imported(file()).joints[4]
    #expect(roll.zero == 2047.5 && roll.lower == 259 && roll.upper == 3836 && !roll.isContinuous)
  }

  @Test("drive mode 1 is ambiguous on Feetech, and asked for")
  func driveMode() throws {
    let text = file([
      "elbow_flex": #"{"id": 3, "drive_mode": 1, "homing_offset": 1437, "range_min": 867, "range_max": 3090}"#
    ])
    #expect(throws: ConfigurationError.self) { try imported(text) }
    #expect(try imported(text, units: .degrees).joints[2].sign == 1)
    #expect(try imported(text, units: .range).joints[2].sign == -1)
  }

  @Test("a Koch's file drives its servos in the extended modes, as LeRobot does")
  func koch() throws {
    let joint = { (id: Int, offset: Int, low: Int, high: Int) in
      #"{"id": \#(id), "drive_mode": 0, "homing_offset": \#(offset), "range_min": \#(low), "range_max": \#(high)}"#
    }
    let text = file([
      "shoulder_pan": joint(1, -2060, 0, 4095), "shoulder_lift": joint(2, 2047, 1300, 2900),
      "elbow_flex": joint(3, 1024, 1000, 3000), "wrist_flex": joint(4, -3000, 700, 3300),
      "wrist_roll": joint(5, 12, 0, 4095), "gripper": joint(6, -7, 1980, 3000),
    ])
    let calibration = try imported(text, arm: "koch")
    #expect(calibration.joints.map(\.mode) == [.extended, .extended, .extended, .extended, .extended, .currentBased])
    #expect(calibration.joints.map(\.homingOffset) == [-2060, 2047, 1024, -3000, 12, -7])
    #expect(calibration.joints[4].isContinuous && !calibration.joints[0].isContinuous)
  }

  @Test(
    "implausible files are refused with joint and reason",
    arguments: [
      (
        "elbow_flex", #"{"id": 3, "drive_mode": 0, "homing_offset": 0, "range_min": 0, "range_max": 4095}"#,
        "f.json:4:17: elbow_flex: range 0 … 4095 is a whole turn: the sweep crossed the end of the encoder's turn; calibrate again with 'sinew calibrate', which follows a joint across it"
      ),
      (
        "elbow_flex", #"{"id": 3, "drive_mode": 0, "homing_offset": 0, "range_min": 2047, "range_max": 2047}"#,
        "range_min 2047 is not below range_max 2047"
      ),
      (
        "elbow_flex", #"{"id": 3, "drive_mode": 0, "homing_offset": 0, "range_min": 2000, "range_max": 2600}"#,
        "the range covers 53°, the joint's is about 194°; it was not turned to both stops"
      ),
      (
        "elbow_flex", #"{"id": 3, "drive_mode": 0, "homing_offset": 2114, "range_min": 867, "range_max": 3090}"#,
        "elbow_flex.homing_offset: 2114 does not fit the servo's register (-2047 … 2047)"
      ),
      (
        "elbow_flex", #"{"id": 3, "drive_mode": 0, "homing_offset": 0, "range_min": -400, "range_max": 1800}"#,
        "range -400 … 1800 lies outside the servo's 0 … 4095"
      ),
      (
        "elbow_flex", #"{"id": 4, "drive_mode": 0, "homing_offset": 0, "range_min": 867, "range_max": 3090}"#,
        "elbow_flex.id: the arm has servo 3 here, not 4; choose the arm that the file is of"
      ),
      (
        "elbow_flex", #"{"id": 3, "drive_mode": 0, "homing_offset": 0.5, "range_min": 867, "range_max": 3090}"#,
        "elbow_flex.homing_offset: expected a whole number"
      ),
      ("elbow_flex", "", "the key 'elbow_flex' is missing"),
      (
        "tail", #"{"id": 7, "drive_mode": 0, "homing_offset": 0, "range_min": 0, "range_max": 9}"#, "unknown key 'tail'"
      ),
    ])
  func refused(joint: String, entry: String, part: String) {
    let error = #expect(throws: ConfigurationError.self) { try imported(file([joint: entry])) }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
  }
}
