import Foundation
import Policies
import TestSupport
import Testing

@Suite("Evaluation of observation files")
struct EvaluationTests {
  private static func linear() throws -> LoadedPolicy {
    try BundleBuilder.linear(
      weights: [[1, 10]], bias: [0], distribution: "{kind: deterministic}", expected: { [$0[0] + 10 * $0[1]] }
    ).load()
  }

  private static func run(_ text: String) throws -> PolicyEvaluation {
    let folder = try TemporaryFolder()
    return try PolicyEvaluation.run(model: linear(), csv: folder.write("rows.csv", text), sequence: false)
  }

  @Test("columns are found by name in any order, others are ignored, spaces and Windows line ends too")
  func columns() throws {
    let evaluation = try Self.run("reward, obs[1] ,note,\"obs[0]\"\r\n0.5,2,hello,1\r\nnan, -1 ,,3\r\n\r\n")
    #expect(evaluation.actions == [[21], [-7]])
    #expect(evaluation.csv == "action[0]\n21.0\n-7.0\n")
  }

  @Test(
    "a wrong file is an error that names line and column",
    arguments: [
      ("", "is empty"), ("\n\n", "is empty"), ("obs[0],obs[1]\n", "has column names but no rows"),
      ("obs[0]\n1\n", "line 1: has no column 'obs[1]'"), ("a,b\n1,2\n", "line 1: has no column 'obs[0]'"),
      ("obs[0],obs[1],obs[2]\n1,2,3\n", "line 1: has the column 'obs[2]', but the policy has only 2"),
      ("obs[0],obs[1]\n1,2\n1\n", "line 3: has 1 cells, but there are 2 columns"),
      ("obs[0],obs[1]\n1,two\n", "line 2, column 'obs[1]': 'two' is not a finite number"),
      ("obs[0],obs[1]\n1,2\n\n1,nan\n", "line 4, column 'obs[1]': 'nan' is not a finite number"),
      ("obs[0],obs[1]\n1,\n", "line 2, column 'obs[1]': '' is not a finite number"),
      ("obs[0],obs[0],obs[1]\n1,1,1\n", "line 1: has the column 'obs[0]' twice"),
      ("obs[0],obs[1]\n1,1e300\n", "row 1: an observation is too large"),
    ])
  func wrongFile(text: String, expected: String) {
    let error = #expect(throws: PolicyError.self) { try Self.run(text) }
    #expect(error?.description.contains("rows.csv: " + expected) == true, "\(String(describing: error))")
    #expect(error?.description.contains("\n") == false)
  }

  @Test("a missing file is named")
  func missingFile() throws {
    let model = try Self.linear()
    let error = #expect(throws: PolicyError.self) {
      try PolicyEvaluation.run(model: model, csv: "/nowhere/rows.csv", sequence: false)
    }
    #expect(error?.description == "/nowhere/rows.csv: does not exist; check the path")
  }

  @Test("a sequence carries recurrent state, rows alone do not", .enabled(if: Fixtures.areAvailable))
  func sequence() throws {
    let model = try PolicyLoader.load(path: Fixtures.url("policies/rsl_rl_gru_reacher.onnx").path)
    let csv = Fixtures.url("policies/rsl_rl_gru_reacher.golden.csv").path
    let golden = try GoldenTable("policies/rsl_rl_gru_reacher.golden.csv").rows("action_onnx")
    let carried = try PolicyEvaluation.run(model: model, csv: csv, sequence: true)
    #expect(largestDifference(carried.actions, golden) <= 1e-5)
    let alone = try PolicyEvaluation.run(model: model, csv: csv, sequence: false)
    #expect(alone.actions[0] == carried.actions[0])
    #expect(alone.actions[1] != carried.actions[1])
  }

  @Test("the inspection is JSON and lines of text")
  func inspection() throws {
    let inspection = try Self.linear().inspection
    let data = try JSONEncoder().encode(inspection)
    #expect(try JSONDecoder().decode(PolicyInspection.self, from: data) == inspection)
    #expect(inspection.parameterCount == 3)
    #expect(inspection.text.contains("golden        6 rows reproduce"))
  }
}
