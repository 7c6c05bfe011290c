import ArmModel
import ArmProfiles
import Configuration
import Foundation
import Numerics
import Testing

private let example = ArmCalibration(
  name: "left \"one\"", profile: "so101", origin: "sinew calibrate",
  joints: ["shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper"].enumerated().map {
    JointCalibration(
      joint: $1, servo: UInt8($0 + 1), model: "sts3215", modelNumber: 777, zero: 2047.5 + Double($0),
      sign: $0 == 3 ? -1 : 1,
      lower: 800 + $0, upper: 3295, isContinuous: $0 == 4, homingOffset: $0 == 2 ? nil : 12 - $0 * 300,
      mode: $0 == 1 ? .extended : .position,
      followers: $0 == 1 ? [FollowerCalibration(servo: 12, homingOffset: -3), FollowerCalibration(servo: 13)] : [])
  })

private func parsed(_ text: String) throws -> ArmCalibration { try ArmCalibration(node(text, file: "c.yaml")) }

@Suite("calibration files")
struct CalibrationFileTests {
  @Test("what is written is read back the same")
  func roundTrip() throws {
    #expect(try parsed(example.text) == example)
  }

  @Test("whatever the numbers, what is written is read back the same")
  func randomRoundTrips() throws {
    var random = RandomStream(seed: 3, name: "calibrations")
    for _ in 0..<200 {
      var calibration = example
      for index in calibration.joints.indices {
        calibration.joints[index].zero = (random.uniform() - 0.5) * 100_000
        calibration.joints[index].lower = Int((random.uniform() - 0.5) * 8000)
        calibration.joints[index].upper = calibration.joints[index].lower + 1 + Int(random.uniform() * 4000)
        calibration.joints[index].homingOffset = Int((random.uniform() - 0.5) * 4000)
      }
      #expect(try parsed(calibration.text) == calibration)
    }
  }

  @Test("no damage to a file traps; what still reads is still consistent")
  func fuzz() throws {
    var random = RandomStream(seed: 4, name: "damage")
    let bytes = Array(example.text.utf8)
    var readable = 0
    for _ in 0..<3000 {
      var damaged = bytes
      for _ in 0...Int(random.uniform() * 3) {
        let place = Int(random.uniform() * Double(damaged.count))
        switch Int(random.uniform() * 3) {
        case 0: damaged[place] = UInt8(truncatingIfNeeded: random.bits())
        case 1: damaged.remove(at: place)
        default: damaged.insert(UInt8(truncatingIfNeeded: random.bits()), at: place)
        }
      }
      guard let text = String(validating: damaged, as: UTF8.self),
        let calibration = try? parsed(text)
      else { continue }
      readable += 1
      #expect(calibration.joints.allSatisfy { $0.lower < $0.upper && abs($0.sign) == 1 })
      #expect(calibration.fingerprint == example.fingerprint || text.contains(calibration.fingerprint))
    }
    #expect(readable > 0 && readable < 3000)
  }

  @Test(
    "mistakes are named where they stand",
    arguments: [
      (
        "version: 1", "version: 2",
        "c.yaml:2:10: version: this program reads version 1, found 2; calibrate again, or use the program that wrote the file"
      ),
      ("sign * (ticks", "(ticks", "convention: another convention than this program's"),
      ("units: \"ticks", "units: \"degrees", "units: another convention than this program's"),
      ("zero: 2047.5", "zero: left", "joints.shoulder_pan.zero: expected a number"),
      ("lower: 800", "lower: 4000", "joints.shoulder_pan: lower 4000 is not below upper 3295"),
      ("sign: -1", "sign: 0", "joints.wrist_flex.sign: 0 is no sign; write 1 or -1"),
      ("continuous: true", "continous: true", "unknown key 'continous'; did you mean 'continuous'?"),
      ("mode: extended", "mode: extnded", "unknown value 'extnded'; did you mean 'extended'?"),
      (
        "homing_offset: 12", "homing_offset: 13",
        "ids, models or offsets were changed after calibration; calibrate again"
      ),
      (
        "servo: 6", "servo: 5",
        "joints.gripper: servo 5 moves wrist_roll and gripper; every servo of a bus has its own id"
      ),
      ("fingerprint:", "fingreprint:", "unknown key 'fingreprint'; did you mean 'fingerprint'?"),
    ])
  func mistakes(find: String, replace: String, part: String) {
    let text = example.text
    #expect(text.contains(find))
    let error = errorText { _ = try parsed(text.replacingFirst(find, with: replace)) }
    #expect(error.contains(part), "\(error)")
  }

  @Test("a file is read for the arm that it is of alone")
  func otherArms() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("a.yaml").path
    var plain = example
    plain.joints[1].followers = []
    try plain.text.write(toFile: path, atomically: true, encoding: .utf8)
    let so101 = try ArmProfile.named("so101")
    #expect(try ArmCalibration.load(path: path, for: so101) == plain)
    func error(_ change: (inout ArmCalibration) -> Void, _ profile: String = "so101") throws -> String {
      var other = plain
      change(&other)
      try other.text.write(toFile: path, atomically: true, encoding: .utf8)
      let profile = try ArmProfile.named(profile)
      return errorText { _ = try ArmCalibration.load(path: path, for: profile) }
    }
    #expect(
      try error({ _ in }, "so100").contains("arm: this is the calibration of an arm 'so101', not 'so100'; name the"))
    #expect(try error({ _ in }, "reacher").contains("arm 'reacher' has no servos to calibrate"))
    #expect(try error { $0.joints.removeLast() }.contains("joints: the key 'gripper' is missing"))
    #expect(try error { $0.joints[0].joint = "waist" }.contains("unknown key 'waist'"))
    #expect(try error { $0.joints.swapAt(0, 1) }.contains("the joints stand in another order than the arm's"))
    #expect(
      try error { $0.joints[0].model = "sts3250" }
        .contains(
          "shoulder_pan.model: arm 'so101' has sts3215 here, not sts3250; this is the calibration of another arm"))
    #expect(
      try error { $0.joints[5].servo = 9 }.contains("gripper.servo: arm 'so101' has servo 6 here, not 9; set the ids"))
  }

  @Test("the fingerprint tells servos apart by id, model and offset, whatever their order")
  func fingerprints() {
    let servos = example.servos
    #expect(servos.count == 8 && example.fingerprint.count == 16)
    #expect(ArmCalibration.fingerprint(of: servos.reversed()) == example.fingerprint)
    #expect(example.differences(from: servos).isEmpty)
    var others = servos
    others[0].homingOffset = 0
    others[2].modelNumber = 2825
    others.removeLast()
    #expect(ArmCalibration.fingerprint(of: others) != example.fingerprint)
    #expect(
      example.differences(from: others) == [
        "servo 1 has homing offset 0, the calibration 12", "servo 12 has model number 2825, the calibration 777",
        "servo 6 is missing",
      ])
  }

  @Test("a name is a file of the user's folder, a path is itself")
  func paths() {
    #expect(ArmCalibration.path(of: "left") == "calibration/left.yaml")
    #expect(ArmCalibration.path(of: "/a/b.yaml") == "/a/b.yaml" && ArmCalibration.path(of: "b.yaml") == "b.yaml")
  }
}

extension String {
  fileprivate func replacingFirst(_ text: String, with other: String) -> String {
    guard let range = firstRange(of: text) else { return self }
    return replacingCharacters(in: range, with: other)
  }

  private func replacingCharacters(in range: Range<Index>, with other: String) -> String {
    String(self[..<range.lowerBound]) + other + String(self[range.upperBound...])
  }
}
