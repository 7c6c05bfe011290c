import ArmModel
import ArmProfiles
import Configuration
import Foundation
import ServoBus
import ServoWire
import Testing

/// Profile and calibration of hobby-servo arms as files, and names that are those of the protocol's schema.
@Suite struct FileTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  private func calibration(_ change: (String) -> String = { $0 }) throws -> ArmCalibration {
    let profile = try ArmProfile.named("hobby6")
    let nominal = try #require(ArmCalibration.nominal(of: profile, name: "mine", origin: "test"))
    let path = NSTemporaryDirectory() + "hobby-\(UUID().uuidString).yaml"
    try change(nominal.text).write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try ArmCalibration.load(path: path, for: profile)
  }

  @Test func `The shipped profile's nominal calibration is written, read and fit for a board`() throws {
    let profile = try ArmProfile.named("hobby6")
    let loaded = try calibration()
    #expect(loaded.joints.map(\.joint) == profile.jointNames)
    #expect(loaded.joints[0].zero == 6000 && loaded.joints[0].ticksPerRadian == 2164)
    let line = BoardLine(Rig().board)
    line.advance(to: line.now + 20_000_000)
    let arm = try BoardArm.connect(
      line.makeTransport(),
      configuration: ServoArmConfiguration(profile: profile, calibration: loaded, controlPeriod: 10_000_000),
      session: 3)
    #expect(arm.report.achievableRate > 100)
  }

  @Test(arguments: [
    ("sign: 1", "sign: 0", "0 is no sign"), ("channel: 5", "channel: 4", "channel 4 moves"),
    ("lower: 1300.0", "lower: 2300", "is not below"), ("lower: 1300.0", "lower: 100", "100"),
    ("upper: 2300.0", "upper: 2500", "allows 700.0 to 2300.0"), ("per_radian: 541.0", "per_radian: -541", "-541"),
    ("centre:", "center:", "center"), ("mg996r", "sts3215", "not sts3215"),
    ("gripper: {", "claw: {", "claw"), ("arm: hobby6", "arm: so101", "not 'hobby6'"),
  ])
  func `Mistakes in a calibration are errors that name the place`(wrong: (String, String, String)) throws {
    let text = try calibration().text
    try #require(text.contains(wrong.0))
    let error = #expect(throws: ConfigurationError.self) {
      try calibration { text in
        guard let place = text.range(of: wrong.0) else { return text }
        return text.replacingCharacters(in: place, with: wrong.1)
      }
    }
    #expect(error?.description.contains(wrong.2) == true, "\(error?.description ?? "")")
  }

  @Test func `A calibration of servos on a bus is refused for an arm of hobby servos`() throws {
    let profile = try ArmProfile.named("hobby6")
    let path = Self.root + "/calibration/examples/so101.yaml"
    try #require(FileManager.default.fileExists(atPath: path))
    #expect(throws: ConfigurationError.self) { try ArmCalibration.load(path: path, for: profile) }
  }

  @Test(arguments: [
    ("name: firmware", "name: firmwares", "firmware"), ("centre: 1500", "centre: wide", "wide"),
    ("channels:", "ids:", "ids"), ("shoulder_lift: 1,", "shoulder_lift: 0,", "channel 0 stands for"),
    ("lower: 700", "lower: 200", "200"), ("frame_rate: {rate: 50", "frame_rate: {rate: 500", "500"),
  ])
  func `Mistakes in a profile are errors that name the place`(wrong: (String, String, String)) throws {
    let text = try ArmProfile.text(of: "hobby6")
    let place = try #require(text.range(of: wrong.0))
    let path = NSTemporaryDirectory() + "profile-\(UUID().uuidString).yaml"
    try text.replacingCharacters(in: place, with: wrong.1).write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let error = #expect(throws: ConfigurationError.self) { try ArmProfile.load(path: path) }
    #expect(error?.description.contains(wrong.2) == true, "\(error?.description ?? "")")
  }

  @Test func `Settings have the names, keys and ranges of the schema`() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Self.root + "/firmware-protocol/schema.json"))
    let schema = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let settings = try #require(schema["settings"] as? [String: Any])
    func rows(_ key: String) throws -> [[String: Any]] { try #require(settings[key] as? [[String: Any]]) }
    let all = BoardSetting.all(channels: 2)
    let global = try rows("global")
    let channel = try rows("channel")
    #expect(all.count == global.count + 2 * channel.count)
    for (place, row) in global.enumerated() {
      #expect(all[place].name == row["name"] as? String)
      #expect(Int(all[place].range.upperBound) == row["maximum"] as? Int)
    }
    for (place, row) in channel.enumerated() {
      let setting = all[global.count + channel.count + place]
      #expect(setting.name == "channel 1 \(row["name"] as? String ?? "")")
      #expect(setting.key == 0x110 + UInt16(place))
    }
    #expect(BoardSetting.named("1.rate", channels: 2)?.key == 0x113)
    #expect(BoardSetting.named("2.rate", channels: 2) == nil)
  }
}
