import ArmModel
import Foundation
import LoopTestSupport
import Simulation
import Tasks
import TestSupport
import Testing

@testable import Sessions

/// What a particular arm reaches by its calibration bounds what it is asked for.
struct CalibratedLimitsTests {
  /// A plan for an SO-101 with the example calibration, of whose elbow one line is another.
  private func plan(_ line: String, _ other: String, in folder: TemporaryFolder) throws -> SessionPlan {
    let path = Fixtures.packageRoot.appendingPathComponent("calibration/examples/so101.yaml")
    let text = try String(contentsOf: path, encoding: .utf8).replacing(line, with: other)
    try text.write(toFile: folder.file("arm.yaml"), atomically: true, encoding: .utf8)
    var plan = SessionPlan(task: try TaskDefinition.named("reach"), policy: "", perturbations: Perturbations())
    plan.profile = "so101"
    plan.hardware = HardwareSettings(port: "none", calibration: folder.file("arm.yaml"))
    return plan
  }

  @Test("limits end where the arm's own stops are, a note says so, and the park pose moves with them")
  func narrowed() throws {
    let folder = try TemporaryFolder()
    let setup = try TaskSetup(plan("upper: 3090", "upper: 2900", in: folder))
    let elbow = try #require(setup.task.joints.firstIndex(of: "elbow_flex"))
    let reach = (2900 - 1978.5) * 2 * Double.pi / 4096
    #expect(abs(setup.limits.upper[elbow] - reach) < 1e-9 && setup.limits.lower[elbow] == -1.69)
    let notes = setup.notes.filter { $0.contains("reaches less than its model") }
    #expect(notes == ["by its calibration this arm reaches less than its model: elbow_flex -1.69 to 1.414 rad"])
    let pose = setup.limits.containing(JointVector(repeating: 1.6, count: setup.task.joints.count))
    #expect(abs(pose[elbow] - reach) < 1e-9 && pose[0] == 1.6)
  }

  @Test("an arm that reaches all of its model's limits keeps them, and a calibration that cannot be is refused")
  func whole() throws {
    let folder = try TemporaryFolder()
    let setup = try TaskSetup(plan("zero: 1978.5", "zero: 1978.5", in: folder))
    let elbow = try #require(setup.task.joints.firstIndex(of: "elbow_flex"))
    #expect(setup.limits.upper[elbow] == 1.69 && !setup.notes.contains { $0.contains("reaches less") })
    let error = #expect(throws: SessionError.self) {
      try TaskSetup(plan("zero: 1978.5", "zero: 200.0", in: folder))
    }
    #expect(error?.description.contains("joint elbow_flex: by its zero at 200 ticks") == true)
  }
}
