import ArmModel
import ArmProfiles
import Configuration
import LoopTestSupport
import Recording
import Safety
import Simulation
import Testing

@testable import Sessions

/// Goals that would lead an arm into itself, its table or out of its workspace, in whole runs of the SO-101.
@Suite struct GeometryTests {
  static let joints = ["shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll"]
  /// Ways that lead somewhere they should not, as a policy's action in every step: forward and down onto the table; back,
  /// folded, and with the gripper into the base and the own shoulder.
  static let forward: [Float] = [0, 1, -0.2, 1, 0]
  static let folding: [Float] = [0, -0.4, 1, 1, 0]

  /// What is under `safety` in a `robot.yaml`.
  private func configuration(_ safety: String) throws -> RobotConfiguration {
    try RobotConfiguration(ConfigurationNode.parse(text: "arm: so101\nsafety: \(safety)\n", file: "robot.yaml"))
  }

  /// A run whose policy always acts the same.
  private func plan(_ action: [Float], _ safety: String, in folder: TemporaryFolder) throws -> SessionPlan {
    let layer = DensePolicy.Layer(weights: action.map { _ in [Float](repeating: 0, count: 29) }, bias: action)
    let policy = DensePolicy(layers: [layer], jointNames: Self.joints)
    let given = try configuration(safety)
    let written = try policy.write(to: folder)
    return try SessionsTests.plan(task: "reach", policy: written, duration: 3.9, log: folder.file("run.mcap")) {
      $0.workspace = given.workspace
      $0.checksSelfCollision = given.checksSelfCollision
    }
  }

  /// The clearance of every command that was executed, by the shape of the plan with these safety settings, m.
  private func clearances(
    _ action: [Float], _ safety: String, judgedBy judge: String
  ) throws -> (least: Double, report: RunReport) {
    let folder = try TemporaryFolder()
    let report = try run(plan(action, safety, in: folder))
    let log = try LogContents(path: folder.file("run.mcap"))
    let capsules = try TaskSetup(plan(action, judge, in: TemporaryFolder())).capsules
    #expect(log.transitions.count > 30)
    let goals = log.transitions.map { JointVector($0.command.map(Double.init)) }
    return (goals.map { capsules.clearance(at: $0) }.min() ?? 0, report)
  }

  @Test(arguments: [forward, folding])
  func `A policy that leads the arm into the table or itself is kept clear of it and stopped`(action: [Float]) throws {
    let free = try clearances(action, "{}", judgedBy: "{self_collision: true}")
    #expect(free.least < -0.005, "unwatched it goes \(free.least) m")
    let watched = try clearances(action, "{self_collision: true}", judgedBy: "{self_collision: true}")
    #expect(watched.least >= 0.005 - 1e-6, "watched it comes to \(watched.least) m")
    #expect(watched.report.causes.has(.collisionPredicted), "\(watched.report.causes.conditions.map(\.name))")
  }

  @Test func `A policy that leads the arm out of its workspace is kept inside and stopped`() throws {
    let box = "{workspace: {x: [-0.3, 0.36], z: [0.03, 0.5]}}"
    let free = try clearances([0, 1, -1, 0, 0], "{}", judgedBy: box)
    #expect(free.least < -0.005)
    let watched = try clearances([0, 1, -1, 0, 0], box, judgedBy: box)
    #expect(watched.least >= 0.005 - 1e-6 && watched.report.causes.has(.collisionPredicted))
  }

  @Test func `A workspace that does not hold the arm's own poses is refused with its place`() throws {
    let plan = try plan(Self.forward, "{workspace: {x: [-0.1, 0.1]}}", in: TemporaryFolder())
    var message = ""
    do { _ = try TaskSetup(plan) } catch { message = "\(error)" }
    #expect(
      message.hasPrefix("robot.yaml:2:") && message.contains("home pose") && message.contains("widen"), "\(message)")
  }

  @Test func `A workspace for an arm of torques is refused, and one without shapes says that nothing is checked`()
    throws
  {
    let given = try configuration("{workspace: {x: [-1, 1]}}")
    var message = ""
    do { _ = try TaskSetup(SessionsTests.plan(episodes: 1) { $0.workspace = given.workspace }) } catch {
      message = "\(error)"
    }
    #expect(message.contains("commands efforts"), "\(message)")
    let folder = try TemporaryFolder()
    let text = try PhysicsModel.named("so101").sourceText
    let bare = text.replacing("<geom contype=\"1\" conaffinity=\"2\"", with: "<geom contype=\"0\" conaffinity=\"0\"")
    let file = try folder.write("bare.xml", bare)
    var plan = try plan(Self.forward, "{self_collision: true}", in: folder)
    plan.model = file
    plan.profile = "so101"
    #expect(try TaskSetup(plan).notes.contains { $0.contains("no shapes that collide") })
    plan.workspace = given.workspace
    #expect(throws: ConfigurationError.self) { try TaskSetup(plan) }
  }

  @Test func `A physical arm is watched unless that is switched off, a simulated one where it is asked for`() throws {
    var plan = try plan(Self.forward, "{}", in: TemporaryFolder())
    #expect(try TaskSetup(plan).capsules.capsuleCount == 0)
    plan.profile = "so101"
    plan.hardware = HardwareSettings(port: "nowhere", calibration: "none")
    let watched = try TaskSetup(plan).capsules
    #expect(watched.capsuleCount == 12 && watched.workspaceLower.z == 0)
    plan.checksSelfCollision = false
    #expect(try TaskSetup(plan).capsules.capsuleCount == 0)
  }

  @Test
  func `Every two links of the SO-101 that are not joined are kept apart, but for what its own poses fold together`()
    throws
  {
    let setup = try TaskSetup(plan(Self.forward, "{self_collision: true}", in: TemporaryFolder()))
    #expect(setup.capsules.capsuleCount == 12)
    let shape = try setup.model.armShape(joints: setup.task.joints)
    let profile = try ArmProfile.named("so101")
    let pairs = CapsuleModel.pairs(of: shape, clearAt: [JointVector(profile.home), JointVector(profile.park)])
    let all = CapsuleModel.pairs(of: shape, clearAt: [])
    let names = { (pair: (first: Int, second: Int)) in
      "\(shape.capsules[pair.first].body) – \(shape.capsules[pair.second].body)"
    }
    let left = Set(all.map(names)).subtracting(pairs.map(names))
    #expect(left == [])
    // The gripper and its jaw against base and shoulder.
    for pair in ["base – gripper", "base – moving_jaw", "shoulder – gripper", "shoulder – moving_jaw"] {
      #expect(pairs.map(names).contains(pair), "\(pair)")
    }
  }
}
