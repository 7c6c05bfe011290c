import ArmModel
import ArmProfiles
import Calibration
import Configuration
import Numerics
import ServoBus
import Testing

@Suite("shipped arms on the bus")
struct ProfileTests {
  @Test("every protocol and servo that a shipped arm names is known", arguments: ArmProfile.shipped)
  func known(arm: String) throws {
    guard let bus = try ArmProfile.named(arm).bus, bus.wire != ArmBus.firmwareWire else { return }
    let wire = try #require(WireProtocol(name: bus.wire))
    for servo in bus.servos {
      for name in servo.models {
        let model = try #require(ServoModel.named(name), "\(name)")
        #expect(model.wire == wire && model.baudIndex(bus.baud) != nil)
        #expect(EncoderTraits(model).turn == 4096)
      }
    }
    // Hobby servos speak to their board only.
    let onBus = ArmBus.wireNames.filter { $0 != ArmBus.firmwareWire }
    #expect(onBus.allSatisfy { WireProtocol(name: $0) != nil })
    #expect(onBus.count == WireProtocol.allCases.count && ArmBus.wireNames.count == onBus.count + 1)
  }

  @Test("what an interrupted calibration kept is read back, for its own arm alone")
  func progress() throws {
    let so101 = try ArmProfile.named("so101")
    let progress = CalibrationProgress(profile: "so101", ranges: ["gripper": -20...900, "elbow_flex": 3000...5000])
    let read = { (text: String, arm: ArmProfile) throws in
      try CalibrationProgress(ConfigurationNode.parse(text: text, file: "u.yaml"), of: arm)
    }
    #expect(try read(progress.text, so101) == progress)
    let empty = CalibrationProgress(profile: "so101", ranges: [:])
    #expect(try read(empty.text, so101) == empty && !empty.isWorthKeeping && progress.isWorthKeeping)
    let other = #expect(throws: ConfigurationError.self) { try read(progress.text, ArmProfile.named("koch")) }
    #expect(other?.description.contains("unfinished calibration of an arm 'so101', not 'koch'") == true)
    let turned = progress.text.replacing("lower: -20", with: "lower: 2000")
    let error = #expect(throws: ConfigurationError.self) { try read(turned, so101) }
    #expect(error?.description.contains("joints.gripper: lower 2000 is above upper 900") == true)
    #expect(CalibrationProgress.path(besides: "calibration/a.yaml") == "calibration/a.unfinished.yaml")
  }

  @Test("no damage to LeRobot's file traps")
  func damagedFiles() throws {
    let text = """
      {"shoulder_pan": {"id": 1, "drive_mode": 0, "homing_offset": -1470, "range_min": 758, "range_max": 3292},
       "gripper": {"id": 6, "drive_mode": 0, "homing_offset": 1398, "range_min": 2031, "range_max": 3499}}
      """
    let profile = try #require(try ArmProfile.named("so101").selecting(["shoulder_pan", "gripper"]))
    var random = RandomStream(seed: 5, name: "damage")
    var readable = 0
    for _ in 0..<3000 {
      var damaged = Array(text.utf8)
      for _ in 0...Int(random.uniform() * 3) {
        let place = Int(random.uniform() * Double(damaged.count))
        damaged[place] = random.uniform() < 0.5 ? UInt8(truncatingIfNeeded: random.bits()) : UInt8(ascii: "9")
      }
      guard let text = String(validating: damaged, as: UTF8.self),
        let node = try? ConfigurationNode.parse(text: text, file: "f.json"),
        let file = try? LeRobotCalibration(node),
        let calibration = try? file.calibration(name: "n", of: profile)
      else { continue }
      readable += 1
      #expect(calibration.joints.allSatisfy { $0.lower < $0.upper })
    }
    #expect(readable > 0)
  }
}
