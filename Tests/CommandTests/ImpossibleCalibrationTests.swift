import Foundation
import TestSupport
import Testing

/// Calibrations that cannot be right are refused before a port is opened, with the joint and its numbers.
struct ImpossibleCalibrationTests {
  /// What is changed of one joint in the example, and what the refusal says of it.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let joint: String
    let replaced: String
    let replacement: String
    let part: String
    var testDescription: String { name }
  }

  static let cases = [
    Case(
      name: "a zero far outside the range", joint: "elbow_flex", replaced: "zero: 1978.5", replacement: "zero: 200.0",
      part: "by its zero at 200 ticks and its sign +, its range of 867 to 3090 ticks is 1.023 to 4.433 rad, "
        + "arm 'so101' has -1.69 to 1.69 rad"),
    Case(
      name: "a range of one side only", joint: "elbow_flex", replaced: "lower: 867", replacement: "lower: 3000",
      part: "its range of 3000 to 3090 ticks is 1.567 to 1.705 rad"),
    Case(
      name: "a range that the servo does not have", joint: "elbow_flex", replaced: "lower: 867",
      replacement: "lower: -50",
      part: "its range of -50 to 3090 ticks leaves what a sts3215 can be sent to, 0 to 4095 ticks"),
    Case(
      name: "a range of a whole turn", joint: "elbow_flex", replaced: "lower: 867\n    upper: 3090",
      replacement: "lower: 0\n    upper: 4095",
      part: "its range of 0 to 4095 ticks covers 6.282 rad, arm 'so101' has -1.69 to 1.69 rad: the sweep crossed"),
    Case(
      name: "a gripper the other way round", joint: "gripper", replaced: "sign: 1", replacement: "sign: -1",
      part: "ticks and its sign -, its range of"),
  ]

  /// The example calibration with a joint of it changed, as `calibration/so101.yaml` in `folder`.
  private func write(_ change: Case?, in folder: ScratchFolder) throws {
    let path = Fixtures.packageRoot.appendingPathComponent("calibration/examples/so101.yaml")
    let text = try String(contentsOf: path, encoding: .utf8)
    try folder.makeFolder("calibration")
    guard let change else { return try folder.write(text, to: "calibration/so101.yaml") }
    let start = try #require(text.range(of: "  \(change.joint):\n")).upperBound
    let rest = text[start...]
    let place = try #require(rest.range(of: change.replaced))
    try folder.write(text.replacingCharacters(in: place, with: change.replacement), to: "calibration/so101.yaml")
  }

  private let run = [
    "run", "--unsupervised", "--yes", "--arm", "so101", "--port", "nowhere", "--calibration", "so101", "--no-log",
  ]

  @Test("a run and --verify refuse what cannot be, before the port is opened", arguments: cases)
  func refused(_ change: Case) throws {
    let folder = try ScratchFolder()
    try write(change, in: folder)
    for words in [run, ["calibrate", "--arm", "so101", "--port", "nowhere", "--verify", "--yes"]] {
      let outcome = try Command.run(words, in: folder)
      #expect(outcome.code == 2 && outcome.output.isEmpty)
      #expect(outcome.errorLines.count == 1)
      #expect(outcome.errors.hasPrefix("error: calibration/so101.yaml: joint \(change.joint): "), "\(outcome.errors)")
      #expect(outcome.errors.contains(change.part), "\(outcome.errors)")
      #expect(outcome.errors.contains("calibrate it again with 'sinew calibrate'"), "\(outcome.errors)")
    }
  }

  @Test("a right one gets as far as the port, and a wrong joint may be calibrated anew")
  func accepted() throws {
    let right = try ScratchFolder()
    try write(nil, in: right)
    let wrong = try ScratchFolder()
    try write(Self.cases[0], in: wrong)
    for (folder, words) in [
      (right, run), (wrong, ["calibrate", "--arm", "so101", "--port", "nowhere", "--joints", "elbow_flex"]),
    ] {
      let outcome = try Command.run(words, in: folder)
      #expect(outcome.code == 2 && outcome.errors.contains("nowhere: there is no such port"), "\(outcome.errors)")
    }
    let other = try Command.run(
      ["calibrate", "--arm", "so101", "--port", "nowhere", "--joints", "gripper"], in: wrong)
    #expect(other.code == 2 && other.errors.contains("joint elbow_flex"), "\(other.errors)")
  }

  @Test("limits tightened for a run are no reason to doubt a calibration")
  func tightened() throws {
    let folder = try ScratchFolder()
    try write(nil, in: folder)
    try folder.write(
      "arm: so101\ntask: reach\npolicy: reach\nsafety: {joints: {elbow_flex: {lower: -0.3, upper: 0.6}}}\n",
      to: "robot.yaml")
    let outcome = try Command.run(run + ["--config", "robot.yaml"], in: folder)
    #expect(outcome.code == 2 && outcome.errors.contains("nowhere: there is no such port"), "\(outcome.errors)")
  }
}
