import ArmModel
import Control
import LoopTestSupport
import Policies
import Recording
import Sessions
import Simulation
import Tasks
import Testing

/// Requests that do not fit together are refused in one line, before anything is written.
@Suite struct RefusalTests {
  /// Prepares a plan, expects a refusal whose one line holds every word, and no log.
  private func expectRefusal(
    _ words: String..., sourceLocation: SourceLocation = #_sourceLocation,
    _ make: (TemporaryFolder) throws -> SessionPlan
  ) throws {
    let folder = try TemporaryFolder()
    var plan = try make(folder)
    let asked = plan.log
    if asked == nil { plan.log = folder.file("run.mcap") }
    let before = folder.contents
    let error = #expect(throws: (any Error).self, sourceLocation: sourceLocation) { _ = try SimulatedSession(plan) }
    let text = error.map { "\($0)" } ?? ""
    for word in words {
      #expect(text.contains(word), "'\(text)' lacks '\(word)'", sourceLocation: sourceLocation)
    }
    #expect(!text.contains("\n") && text.count > 20, sourceLocation: sourceLocation)
    #expect(folder.contents == before, sourceLocation: sourceLocation)
  }

  private let joints = ["joint1", "joint2"]

  // MARK: Policy and task

  @Test func `An observation of another length`() throws {
    try expectRefusal("takes 7 observations", "gives 10", "joint_velocity.joint1", "choose") { folder in
      try plan(
        policy: DensePolicy.random(observations: 7, hidden: [4], jointNames: joints, seed: 1).write(to: folder),
        episodes: 1)
    }
  }

  @Test func `An action of another length`() throws {
    try expectRefusal("gives 3 actions", "takes 2", "joint1, joint2", "choose") { folder in
      try plan(
        policy: DensePolicy.random(observations: 10, hidden: [4], jointNames: ["a", "b", "c"], seed: 1).write(
          to: folder), episodes: 1)
    }
  }

  @Test(arguments: [["joint2", "joint1"], ["shoulder", "elbow"]])
  func `Joints of other names or in another order`(names: [String]) throws {
    try expectRefusal(names.joined(separator: ", "), "joint1, joint2", "by name and order") { folder in
      try plan(
        policy: DensePolicy.random(observations: 10, hidden: [4], jointNames: names, seed: 1).write(to: folder),
        episodes: 1)
    }
  }

  @Test func `A policy that is not there`() throws {
    try expectRefusal("nowhere.onnx") { _ in try plan(policy: "/nowhere/nowhere.onnx", episodes: 1) }
    try expectRefusal("reacher-sb4", "did you mean 'reacher-sb3'") { _ in try plan(policy: "reacher-sb4", episodes: 1) }
  }

  // MARK: Rates

  @Test(arguments: [75.0, 60, 149.9, 50.0001]) func `A control rate that is no multiple of the policy's`(
    rate: Double
  ) throws {
    let below = (rate / 50).rounded(.down) * 50
    try expectRefusal("\(rate) Hz", "50.0 Hz", "nearest are \(below) and \(below + 50) Hz") { _ in
      try plan(episodes: 1) { $0.controlRate = rate }
    }
  }

  @Test(arguments: [0, -50, .nan, .infinity, 1e9, 10]) func `A control rate that no loop can have`(rate: Double) throws
  {
    try expectRefusal("\(rate) Hz", "50.0 Hz") { _ in try plan(episodes: 1) { $0.controlRate = rate } }
  }

  @Test func `A control period that the physics step does not divide`() throws {
    try expectRefusal("0.005", "0.002", "a physics step of 0.001666667 s") { folder in
      try plan(task: "reach", policy: DensePolicy.reach().write(to: folder), episodes: 1) { $0.controlRate = 200 }
    }
  }

  @Test(arguments: [0, -0.01, .nan, 1]) func `A physics step without sense`(step: Double) throws {
    try expectRefusal("\(step) s", "0.05") { _ in try plan(episodes: 1) { $0.physicsTimestep = step } }
  }

  @Test(arguments: [0, -1, .nan, .infinity, 1e300]) func `A duration without sense`(duration: Double) throws {
    try expectRefusal("duration", "\(duration) s") { _ in try plan(duration: duration) }
  }

  @Test(arguments: [0, -3]) func `A number of episodes without sense`(episodes: Int) throws {
    try expectRefusal("episodes", "\(episodes)") { _ in try plan(episodes: episodes) }
  }

  @Test func `Simulated time without an end`() throws {
    try expectRefusal("duration", "episodes") { _ in try plan() }
  }

  // MARK: Arm

  @Test func `An arm profile without the task's joints`() throws {
    try expectRefusal("'so101'", "'joint1', 'joint2'", "reacher-v5", "shoulder_pan") { _ in
      try plan(episodes: 1) { $0.profile = "so101" }
    }
  }

  @Test func `A profile that is not there`() throws {
    try expectRefusal("so102", "so100") { _ in try plan(episodes: 1) { $0.profile = "so102" } }
  }

  @Test func `Limits for an arm that has no profile`() throws {
    try expectRefusal("limits", "--profile") { folder in
      let model = try nameless(folder)
      return try plan(episodes: 1) {
        $0.model = model
        $0.limitOverrides = [tighter(.effort, to: 1)]
      }
    }
  }

  /// The Reacher's model under a name that no profile has.
  private func nameless(_ folder: TemporaryFolder) throws -> String {
    let text = try PhysicsModel.named("reacher").sourceText
    return try folder.write("other.xml", text.replacing(#"model="reacher""#, with: #"model="other""#))
  }

  /// A task of positions on an arm of torque motors.
  private func positions(_ folder: TemporaryFolder, model: String) throws -> String {
    try folder.write(
      "positions.yaml",
      """
      name: positions
      model: \(model)
      joints: [joint1, joint2]
      step_duration: 0.02
      time_limit: 10
      observation: [{term: joint_position}]
      action: {mode: position}
      reward: [{term: constant, weight: 1}]
      """)
  }

  @Test func `A task of positions for a profile of efforts`() throws {
    try expectRefusal("'positions' commands positions", "'reacher' takes efforts") { folder in
      try plan(
        task: positions(folder, model: "reacher"),
        policy: DensePolicy.random(observations: 2, hidden: [], jointNames: joints, seed: 1).write(to: folder),
        episodes: 1)
    }
  }

  @Test func `A task of positions for a model of torque motors`() throws {
    try expectRefusal("'positions' commands positions", "takes efforts", "choose") { folder in
      let model = try nameless(folder)
      return try plan(
        task: positions(folder, model: model),
        policy: DensePolicy.random(observations: 2, hidden: [], jointNames: joints, seed: 1).write(to: folder),
        episodes: 1)
    }
  }

  @Test func `A servo that is not there, or has nothing to do`() throws {
    try expectRefusal("sts3216", "sts3215") { folder in
      try plan(task: "reach", policy: DensePolicy.reach().write(to: folder), episodes: 1) { $0.servo = "sts3216" }
    }
    try expectRefusal("sts3215-7v4", "efforts") { _ in try plan(episodes: 1) { $0.servo = "sts3215-7v4" } }
  }

  @Test func `A model without the task's joints`() throws {
    try expectRefusal("joint1", "shoulder_pan") { _ in
      try plan(episodes: 1) {
        $0.model = "so101"
        $0.profile = "reacher"
      }
    }
  }

  @Test func `A perturbation that the arm cannot have`() throws {
    try expectRefusal("voltage") { _ in
      try plan(episodes: 1) { $0.perturbations = try perturbed([(.voltage, 7)]) }
    }
  }

  // MARK: Log

  @Test func `A log in a folder below one that does not exist`() throws {
    try expectRefusal("/none/deeper/run.mcap", "/none/deeper' cannot be made", "mkdir -p") { folder in
      try plan(episodes: 1, log: folder.file("none/deeper/run.mcap"))
    }
  }

  @Test func `A log that exists already is left alone`() throws {
    try expectRefusal("run.mcap", "exists already", "another name") { folder in
      try plan(episodes: 1, log: folder.write("run.mcap", "precious"))
    }
  }

  @Test func `A log that is a folder`() throws {
    try expectRefusal("exists already") { folder in try plan(episodes: 1, log: folder.path) }
  }

  @Test func `A log rate that makes no sense`() throws {
    try expectRefusal("joint-state rate", "positive") { _ in
      try plan(episodes: 1) { $0.recorderOptions.jointStateRate = 0 }
    }
  }
}
