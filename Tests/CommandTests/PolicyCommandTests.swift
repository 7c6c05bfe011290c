import Foundation
import TestSupport
import Testing

/// A golden file of another framework, and what the command must make of it.
struct GoldenCase: Sendable, CustomTestStringConvertible {
  let model: String
  let golden: String
  /// The golden columns of the action.
  let column: String
  var isSequence = false

  var testDescription: String { model }

  static let all = [
    GoldenCase(
      model: "sb3_ppo_reacher.with_norm_clip.onnx", golden: "sb3_ppo_reacher", column: "with_norm_clip_action"),
    GoldenCase(
      model: "sb3_ppo_pendulum.with_norm_clip.onnx", golden: "sb3_ppo_pendulum", column: "with_norm_clip_action"),
    GoldenCase(model: "sb3_td3_pendulum.onnx", golden: "sb3_td3_pendulum", column: "scaled_action_onnx"),
    GoldenCase(model: "rsl_rl_gru_reacher.onnx", golden: "rsl_rl_gru_reacher", column: "action_onnx", isSequence: true),
  ]
}

/// A CSV text as its columns.
struct Columns {
  let names: [String]
  let rows: [[Substring]]

  init(_ text: String) {
    let lines = text.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    names = lines.first?.map(String.init) ?? []
    rows = Array(lines.dropFirst())
  }

  func values(_ name: String) throws -> [Double] {
    let column = try #require(names.firstIndex(of: name), "no column \(name)")
    return try rows.map { row in try #require(Double(row[column])) }
  }
}

struct PolicyCommandTests {
  @Test(
    "eval reproduces the actions that the other frameworks computed", .enabled(if: Fixtures.areAvailable),
    arguments: GoldenCase.all)
  func golden(_ golden: GoldenCase) throws {
    let file = Fixtures.url("policies/\(golden.golden).golden.csv")
    let outcome = try Command.run(
      ["policy", "eval", Fixtures.url("policies/\(golden.model)").path, "--observations", file.path]
        + (golden.isSequence ? ["--sequence"] : []), in: ScratchFolder())
    #expect(outcome.code == 0)
    #expect(outcome.errors.isEmpty)
    let expected = Columns(try String(contentsOf: file, encoding: .utf8))
    let actual = Columns(outcome.output)
    #expect(actual.rows.count == expected.rows.count && actual.rows.count > 100)
    #expect(!actual.names.isEmpty && actual.names.allSatisfy { $0.hasPrefix("action[") })
    for index in actual.names.indices {
      let pairs = zip(try actual.values("action[\(index)]"), try expected.values("\(golden.column)[\(index)]"))
      let largest = pairs.map { abs($0 - $1) }.max() ?? .infinity
      #expect(largest <= 1e-5)
    }
  }

  @Test("without --sequence each row of a recurrent policy starts anew", .enabled(if: Fixtures.areAvailable))
  func rowsAlone() throws {
    let folder = try ScratchFolder()
    let model = Fixtures.url("policies/rsl_rl_gru_reacher.onnx").path
    let golden = try String(contentsOf: Fixtures.url("policies/rsl_rl_gru_reacher.golden.csv"), encoding: .utf8)
    let lines = golden.split(separator: "\n")
    try folder.write([lines[0], lines[1], lines[2], lines[1]].joined(separator: "\n"), to: "o.csv")
    let alone = try Command.run(["policy", "eval", model, "--observations", "o.csv"], in: folder)
    let together = try Command.run(["policy", "eval", model, "--observations", "o.csv", "--sequence"], in: folder)
    let rows = alone.output.split(separator: "\n")
    #expect(rows.count == 4 && rows[1] == rows[3])
    let sequence = together.output.split(separator: "\n")
    #expect(sequence[1] == rows[1] && sequence[3] != rows[3])
  }

  @Test("the printed digits give back the same single-precision numbers, for a shipped name too")
  func digits() throws {
    let folder = try ScratchFolder()
    let golden = Shipped.bundle.appendingPathComponent("golden.csv").path
    let named = try Command.run(["policy", "eval", "reacher-sb3", "--observations", golden], in: folder)
    let file = try Command.run(
      ["policy", "eval", Shipped.bundle.path, "--observations", golden], in: folder)
    #expect(named.code == 0 && named.output == file.output)
    let cells = named.output.split(separator: "\n").dropFirst().flatMap { $0.split(separator: ",") }
    #expect(cells.count == 32)
    for cell in cells {
      let number = try #require(Float(cell))
      #expect("\(number)" == cell)
    }
  }

  @Test("inspect says what the bundle is, as text and as JSON")
  func inspect() throws {
    let folder = try ScratchFolder()
    let text = try Command.run(["policy", "inspect", "reacher-sb3"], in: folder)
    #expect(text.code == 0 && text.errors.isEmpty)
    #expect(text.output.contains("joint1, joint2") && text.output.contains("16 rows reproduce"))
    let json = try #require(try Command.run(["policy", "inspect", "reacher-sb3", "--json"], in: folder).json)
    #expect(json["observation_count"] as? Int == 10)
    #expect(json["action_count"] as? Int == 2)
    #expect(json["joint_names"] as? [String] == ["joint1", "joint2"])
    #expect((json["hash"] as? String)?.count == 64)
  }
}
