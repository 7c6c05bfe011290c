import ArmModel
import ArmProfiles
import Foundation
import Glibc
import TestSupport
import Testing
import VirtualServos

/// What the position register of joint `index` means, rad, with the calibration kept in the scene's folder. Where a servo
/// knows its position within a turn only, the register is brought into the joint's range.
private func angle(_ scene: CalibrationScene, _ calibration: ArmCalibration, _ index: Int, slot: Int? = nil) -> Double {
  let joint = calibration.joints[index]
  var ticks = scene.ticks(slot ?? index)
  if joint.mode != .position {
    let middle = (joint.lower + joint.upper) / 2
    ticks -= Int((Double(ticks - middle) / 4096).rounded()) * 4096
  }
  return Double(joint.sign) * (Double(ticks) - joint.zero) * 2 * .pi / 4096
}

@Suite(
  "sinew calibrate on virtual servos", .serialized,
  .enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct CalibrateDeviceTests {
  /// An SO-101 whose servos sit as they happened to be assembled.
  private func so101() throws -> (scene: CalibrationScene, profile: ArmProfile) {
    let profile = try ArmProfile.named("so101")
    let model = try ServoModel.named("sts3215-7v4")
    let scene = try CalibrationScene(
      [
        ServoSetup(model, id: 1),
        // Its range crosses the end of the encoder's turn.
        ServoSetup(model, id: 2, zeroTicks: 4000),
        ServoSetup(model, id: 3, zeroTicks: 1700, isReversed: true),
        // An old homing offset of -300, and position limits of another time.
        ServoSetup(model, id: 4, zeroTicks: 900, registers: [31: 2048 | 300, 9: 3000, 11: 3500]),
        // Full-turn feedback.
        ServoSetup(model, id: 5, zeroTicks: 2500, registers: [18: 12 | 0x10]),
        ServoSetup(model, id: 6, zeroTicks: 200),
      ], ranges: profile.joints.map { $0.lower...$0.upper })
    return (scene, profile)
  }

  private func upper(_ profile: ArmProfile) -> [Int: Double] {
    Dictionary(uniqueKeysWithValues: profile.joints.enumerated().map { ($0, $1.upper) })
  }

  private func lower(_ profile: ArmProfile) -> [Int: Double] {
    Dictionary(uniqueKeysWithValues: profile.joints.enumerated().map { ($0, $1.lower) })
  }

  @Test("wrapped, reversed, offset and badly swept joints of a Feetech arm come out right")
  func feetech() throws {
    let (scene, profile) = try so101()
    try scene.start(["--arm", "so101", "--name", "left"])
    try #require(scene.hears("Turn every joint slowly"), "\(scene.errors)")
    // The wrist's roll is turned half its way only.
    var half = upper(profile)
    half[4] = 1.3
    scene.turn(half)
    var back = lower(profile)
    back[4] = -0.5
    scene.turn(back)
    scene.say()
    try #require(
      scene.hears("not yet: wrist_roll: swept 103° of about 314°; turn it to both its stops"), "\(scene.errors)")
    scene.turn([4: profile.joints[4].upper])
    scene.turn([4: profile.joints[4].lower])
    scene.say()
    for (index, joint) in profile.jointNames.enumerated() {
      try #require(scene.hears("\(joint): turn it so that"), "\(scene.errors)")
      scene.turn([index: 0.1])
      scene.turn([index: profile.joints[index].lower + 0.02])
      // From here the joint is watched; a wrong way round first, which the person takes back.
      if joint == "elbow_flex" {
        scene.turn([index: 0.2])
        scene.say()
        try #require(scene.hears("elbow_flex: its servo counted the other way"), "\(scene.errors)")
        scene.say("yes")
        continue
      }
      scene.say("perhaps")
      try #require(scene.hears("'perhaps' is no answer", times: index + 1 - (index > 2 ? 1 : 0)))
      scene.turn([index: 0.3])
      scene.say()
    }
    let outcome = try #require(try scene.finish())
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output == "calibration/left.yaml\n")
    let calibration = try ArmCalibration.load(path: scene.folder.path("calibration/left.yaml"), for: profile)
    #expect(calibration.joints.map(\.sign) == [1, 1, -1, 1, 1, 1])
    #expect(calibration.joints.allSatisfy { $0.mode == .position && $0.lower > 0 && $0.upper < 4095 })
    // Wherever a joint stands, its register now means its angle: within two ticks of the shaft's.
    for test in [-0.1, 0.4, 1.1] {
      scene.turnQuietly([0: test, 1: test, 2: test, 3: test, 4: test, 5: test])
      for index in 0..<6 { #expect(abs(angle(scene, calibration, index) - test) < 0.0032, "joint \(index) at \(test)") }
    }
    // The servos hold offset and limits; full-turn feedback is off.
    for (index, joint) in calibration.joints.enumerated() {
      let offset = joint.homingOffset ?? 0
      #expect(scene.register(index, 31) == (offset < 0 ? 2048 | -offset : offset))
      #expect(scene.register(index, 9) == joint.lower && scene.register(index, 11) == joint.upper)
      #expect(scene.register(index, 18).map { $0 & 0x10 } == 0)
      #expect(scene.register(index, 55) == 1)
    }
    #expect(!FileManager.default.fileExists(atPath: scene.folder.path("calibration/left.unfinished.yaml")))
  }

  @Test("an interrupted calibration goes on where it was; a second one writes nothing that is there already")
  func resumed() throws {
    let (scene, profile) = try so101()
    try scene.start(["--arm", "so101", "--yes"])
    try #require(scene.hears("Turn every joint slowly"), "\(scene.errors)")
    scene.turn(upper(profile))
    let before = scene.flashWrites
    scene.send(SIGINT)
    let interrupted = try #require(try scene.finish())
    #expect(interrupted.code == 1)
    #expect(
      interrupted.errors.contains("interrupted; what was swept is kept in calibration/so101.unfinished.yaml"),
      "\(interrupted.errors)")
    // A hand on the arm is no reason to write into servos.
    #expect(scene.flashWrites == before)

    try scene.start(["--arm", "so101", "--yes"])
    let refused = try #require(try scene.finish())
    #expect(refused.code == 2 && refused.errors.contains("go on with --resume"), "\(refused.errors)")

    try scene.start(["--arm", "so101", "--yes", "--resume"])
    try #require(scene.hears("Turn every joint slowly"), "\(scene.errors)")
    scene.turn(lower(profile))
    scene.say()
    let outcome = try #require(try scene.finish())
    #expect(outcome.code == 0, "\(outcome.errors)")
    let path = scene.folder.path("calibration/so101.yaml")
    let calibration = try ArmCalibration.load(path: path, for: profile)
    let written = scene.flashWrites
    #expect(written > before)

    // Verified: the servos are the calibration's. The elbow was taken at the profile's word, which is wrong.
    try scene.start(["--arm", "so101", "--verify"])
    for (index, joint) in profile.jointNames.enumerated() {
      try #require(scene.hears("\(joint): turn it so that"), "\(scene.errors)")
      scene.turn([index: profile.joints[index].lower + 0.5])
      scene.say()
    }
    let verified = try #require(try scene.finish())
    #expect(verified.code == 1)
    #expect(
      verified.errors.contains(
        "elbow_flex: the angle fell by 29° where the forearm tips down; calibrate this joint again"),
      "\(verified.errors)")
    #expect(scene.flashWrites == written)

    // One joint anew, the others as they were; the old file is kept.
    try scene.start(["--arm", "so101", "--joints", "elbow_flex"])
    try #require(scene.hears("Turn every joint slowly"), "\(scene.errors)")
    scene.turn([2: profile.joints[2].upper])
    scene.turn([2: profile.joints[2].lower])
    scene.say()
    try #require(scene.hears("elbow_flex: turn it so that"), "\(scene.errors)")
    scene.turn([2: 0])
    scene.say()
    try #require(scene.hears("counted the other way"), "\(scene.errors)")
    scene.say("yes")
    let again = try #require(try scene.finish())
    #expect(again.code == 0, "\(again.errors)")
    let mended = try ArmCalibration.load(path: path, for: profile)
    #expect(mended.joints[2].sign == -1 && mended.joints[3] == calibration.joints[3])
    #expect(scene.flashWrites == written)
    #expect(FileManager.default.fileExists(atPath: scene.folder.path("calibration/so101.previous.yaml")))
  }

  @Test("wrapped, reversed, offset, badly swept and endless joints of a DYNAMIXEL arm come out right")
  func koch() throws {
    let profile = try ArmProfile.named("koch")
    let large = try ServoModel.named("xl430-w250")
    let small = try ServoModel.named("xl330-m288")
    let scene = try CalibrationScene(
      [
        ServoSetup(large, id: 1),
        // Its range crosses the end of the encoder's turn: extended mode.
        ServoSetup(large, id: 2, zeroTicks: 10),
        // An old homing offset.
        ServoSetup(small, id: 3, zeroTicks: 1500, registers: [20: 500]),
        ServoSetup(small, id: 4, zeroTicks: 2300),
        ServoSetup(small, id: 5, zeroTicks: 700),
        ServoSetup(small, id: 6, zeroTicks: 2600, isReversed: true),
      ], ranges: profile.joints.map { $0.lower...$0.upper })
    try scene.start(["--arm", "koch"])
    try #require(scene.hears("wrist_roll: does it turn without an end"), "\(scene.errors)")
    scene.say("yes")
    try #require(scene.hears("Turn every joint slowly"), "\(scene.errors)")
    var half = upper(profile)
    half[3] = 0.3
    scene.turn(half)
    var back = lower(profile)
    back[3] = -0.3
    scene.turn(back)
    scene.say()
    try #require(scene.hears("not yet: wrist_flex: swept 34° of about 229°"), "\(scene.errors)")
    scene.turn([3: 2])
    scene.turn([3: -2])
    scene.say()
    try #require(scene.hears("Hold wrist_roll where the angle is 0"), "\(scene.errors)")
    scene.turn([4: 0])
    scene.say()
    try #require(scene.hears("gripper: turn it so that the gripper opens"), "\(scene.errors)")
    scene.turn([5: 0.8])
    scene.say()
    try #require(scene.hears("gripper: its servo counted the other way"), "\(scene.errors)")
    scene.say("yes")
    let outcome = try #require(try scene.finish())
    #expect(outcome.code == 0, "\(outcome.errors)")
    let calibration = try ArmCalibration.load(path: scene.folder.path("calibration/koch.yaml"), for: profile)
    #expect(calibration.joints.map(\.sign) == [1, 1, 1, 1, 1, -1])
    #expect(calibration.joints.map(\.mode) == [.position, .extended, .position, .position, .extended, .currentBased])
    #expect(calibration.joints[4].isContinuous)
    for test in [-0.03, 0.4, 1.0] {
      scene.turnQuietly([0: test, 1: test, 2: test, 3: test, 4: test, 5: test])
      for index in 0..<6 { #expect(abs(angle(scene, calibration, index) - test) < 0.0032, "joint \(index) at \(test)") }
    }
    #expect([3, 4, 3, 3, 4, 5] == (0..<6).map { scene.register($0, 11) })
    #expect(calibration.joints.map(\.homingOffset) == (0..<6).map { scene.register($0, 20) })
  }

  @Test("two servos on one shaft read the same afterwards, and follow each other")
  func viperX() throws {
    let profile = try ArmProfile.named("vx300s")
    let large = try ServoModel.named("xm540-w270")
    let small = try ServoModel.named("xm430-w350")
    // Shaft by shaft: waist, shoulder and its follower, elbow and its, forearm, wrist, roll, gripper.
    let joint = [0, 1, 1, 2, 2, 3, 4, 5, 6]
    let scene = try CalibrationScene(
      [
        ServoSetup(large, id: 1), ServoSetup(large, id: 2, isReversed: true), ServoSetup(large, id: 3, zeroTicks: 2070),
        ServoSetup(large, id: 4, isReversed: true), ServoSetup(large, id: 5, zeroTicks: 2011),
        ServoSetup(large, id: 6), ServoSetup(large, id: 7, isReversed: true), ServoSetup(small, id: 8),
        ServoSetup(small, id: 9),
      ], ranges: joint.map { profile.joints[$0].lower...profile.joints[$0].upper })
    try scene.start(["--arm", "vx300s", "--yes"])
    try #require(scene.hears("Turn every joint slowly"), "\(scene.errors)")
    #expect(
      scene.errors.contains("servo 2: drive_mode 0 → 1") && scene.errors.contains("servo 3: secondary_id 255 → 2"))
    scene.turn(Dictionary(uniqueKeysWithValues: joint.enumerated().map { ($0, profile.joints[$1].upper) }))
    scene.turn(Dictionary(uniqueKeysWithValues: joint.enumerated().map { ($0, profile.joints[$1].lower) }))
    scene.say()
    let outcome = try #require(try scene.finish())
    #expect(outcome.code == 0, "\(outcome.errors)")
    let calibration = try ArmCalibration.load(path: scene.folder.path("calibration/vx300s.yaml"), for: profile)
    #expect(calibration.joints.allSatisfy { $0.sign == 1 && $0.zero == 2048 && $0.mode == .position })
    #expect(calibration.joints.map(\.isContinuous) == [true, false, false, true, false, true, false])
    scene.turnQuietly(Dictionary(uniqueKeysWithValues: (0..<9).map { ($0, 0.7) }))
    for (slot, index) in joint.enumerated() {
      #expect(abs(angle(scene, calibration, index, slot: slot) - 0.7) < 0.0032, "servo \(slot + 1)")
    }
  }

  @Test("what is wrong with the arm on the bus is said before anything is asked")
  func wrongArms() throws {
    let model = try ServoModel.named("sts3215-7v4")
    let five = try CalibrationScene(
      (1...5).map { ServoSetup(model, id: $0) }, ranges: Array(repeating: -3...3, count: 5))
    try five.start(["--arm", "so101", "--yes"])
    let missing = try #require(try five.finish())
    #expect(missing.code == 1 && missing.errors.contains("gripper: servo 6 did not answer"), "\(missing.errors)")

    let other = try ServoModel.named("sts3250")
    let mixed = try CalibrationScene(
      (1...6).map { ServoSetup($0 == 3 ? other : model, id: $0) }, ranges: Array(repeating: -3...3, count: 6))
    try mixed.start(["--arm", "so101", "--yes"])
    let wrong = try #require(try mixed.finish())
    #expect(
      wrong.code == 1
        && wrong.errors.contains(
          "elbow_flex: servo 3 has model number 2825 (sts3250), arm 'so101' has sts3215 there; check --arm, the ids"),
      "\(wrong.errors)")
  }

  @Test(
    "wrong requests end with 2 and one line that helps",
    arguments: [
      (["--arm", "reacher"], "arm 'reacher' has no servos to calibrate; arms that have: koch, so100, so101, vx300s"),
      (["--arm", "so102"], "did you mean 'so100'"),
      (["--arm", "so101", "--name", "../x"], "is no name for a file"),
      (["--arm", "so101", "--joints", "griper"], "did you mean 'gripper'?"),
      (["--arm", "so101", "--joints", "gripper"], "there is no calibration calibration/so101.yaml yet"),
      (["--arm", "so101", "--verify"], "there is no calibration calibration/so101.yaml yet"),
      (["--arm", "so101", "--verify", "--resume"], "--verify checks a whole calibration"),
      (["--arm", "so101", "--resume"], "nothing to resume"),
      (["--arm", "so101"], "nowhere: there is no such port"),
    ])
  func wrongInput(arguments: [String], part: String) throws {
    let folder = try ScratchFolder()
    let outcome = try Command.run(["calibrate", "--port", "nowhere"] + arguments, in: folder)
    #expect(outcome.code == 2 && outcome.output.isEmpty)
    #expect(outcome.errors.contains(part), "\(outcome.errors)")
    #expect(try folder.snapshot().isEmpty)
  }
}
