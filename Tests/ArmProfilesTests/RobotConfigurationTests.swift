import ArmModel
import ArmProfiles
import Configuration
import Testing

@Suite struct RobotConfigurationTests {
  @Test(arguments: ["reacher", "so101", "my arms/left \"one\".yaml", "null", "12", "héron"])
  func theTemplateReadsBackAsTheDefaults(arm: String) throws {
    let text = RobotConfiguration.template(for: arm)
    let read = try RobotConfiguration(node(text, file: "robot.yaml"))
    #expect(read == .defaults(for: arm))
    #expect(read.arm == arm)
    // Every line that is not a comment is a field; each carries its section's key once.
    for section in ["simulation:", "control:", "run:", "log:", "realtime:", "safety:"] {
      #expect(text.split(separator: "\n").count { $0 == section } == 1)
    }
  }

  @Test func theExamplesInTheTemplateAreValid() throws {
    let text = RobotConfiguration.template(for: "so101")
      .replacing("# perturbations: {", with: "perturbations: {").replacing("    perturbations:\n", with: "")
      .replacing("# every_joint:", with: "every_joint:").replacing("# joints:", with: "joints:")
      .replacing("  perturbations:\n", with: "")
    let read = try RobotConfiguration(node(text, file: "robot.yaml"))
    #expect(read.simulation.perturbations != nil && read.safetyLimits.count == 4)
    let profile = try ArmProfile.named("so101").tightened(by: read.safetyLimits)
    #expect(profile.joints[0].velocity == 1 && profile.joints[1].velocity == 1.5 && profile.joints[0].upper == 1)
  }

  @Test func everyFieldIsRead() throws {
    let read = try RobotConfiguration(
      node(
        """
        arm: so101
        task: none
        policy: policies/p.onnx
        simulation: {model: a.xml, servo: sts3215-7v4, perturbations: {payload: 0.1}}
        control: {rate_hz: 200}
        run: {seed: 9, duration: , sampling: sample, clock: virtual}
        log: {enabled: false, folder: /tmp/x, compression: lz4}
        realtime: {priority: 50, cpu: 3, lock_memory: false, allow_non_realtime: true}
        safety: {every_joint: {velocity: 2}, joints: {gripper: {upper: 1}}}
        """))
    #expect(read.arm == "so101" && read.task == nil && read.policy == "policies/p.onnx")
    #expect(read.simulation.model == "a.xml" && read.simulation.servo == "sts3215-7v4")
    #expect(try read.simulation.perturbations?.child("payload").double() == 0.1)
    #expect(read.controlRate == 200 && read.seed == 9 && read.duration == nil)
    #expect(read.sampling == .sample && read.clock == .virtual)
    #expect(!read.log.isEnabled && read.log.folder == "/tmp/x" && read.log.compression == .lz4)
    #expect(read.realTime.priority == 50 && read.realTime.processor == 3)
    #expect(!read.realTime.lockMemory && read.realTime.allowNonRealtime)
    #expect(read.safetyLimits.map { $0.joint } == [nil, "gripper"])
    #expect(try RobotConfiguration(node("arm: so101\n")) == .defaults(for: "so101"))
    #expect(try RobotConfiguration(node("{}")) == RobotConfiguration())
  }

  @Test(arguments: [
    ("arms: so101", "p.yaml:1:1: unknown key 'arms'; did you mean 'arm'?"),
    ("arm: [a]", "p.yaml:1:6: arm: expected a text, found a list of 1"),
    ("control: {rate: 5}", "p.yaml:1:11: control: unknown key 'rate'; known: rate_hz"),
    ("control: {rate_hz: 0}", "p.yaml:1:20: control.rate_hz: 0.0 is outside 1.0 … 10000.0"),
    ("control: fast", "p.yaml:1:10: control: expected a mapping (key: value), found 'fast'"),
    ("run: {seed: -1}", "p.yaml:1:13: run.seed: -1 is outside 0 … \(Int.max)"),
    ("run: {duration: .inf}", "p.yaml:1:17: run.duration: expected a finite number, found '.inf'"),
    ("run: {sampling: men}", "p.yaml:1:17: run.sampling: unknown value 'men'; did you mean 'mean'?"),
    ("log: {enabled: yes}", "p.yaml:1:16: log.enabled: expected true or false, found 'yes'; write true"),
    ("log: {folder: ''}", "p.yaml:1:15: log.folder: the folder has no name"),
    ("log: {compression: gzip}", "p.yaml:1:20: log.compression: unknown value 'gzip'; one of none, lz4, zstd"),
    ("realtime: {priority: 100}", "p.yaml:1:22: realtime.priority: 100 is outside 1 … 99"),
    ("realtime: {cpu: one}", "p.yaml:1:17: realtime.cpu: expected a whole number, found 'one'"),
    (
      "simulation: {perturbations: 5}",
      "p.yaml:1:29: simulation.perturbations: expected a mapping (key: value), found the number 5"
    ),
    (
      "safety: {every_joint: {lower: 0}}",
      "p.yaml:1:24: safety.every_joint: unknown key 'lower'; known: velocity, acceleration, jerk, effort"
    ),
    ("safety: {joints: {gripper: {velocity: 0}}}", "p.yaml:1:39: safety.joints.gripper.velocity: 0.0 must be above 0"),
  ])
  func mistakesAreNamedWhereTheyStand(text: String, message: String) {
    #expect(errorText { _ = try RobotConfiguration(node(text)) } == message)
  }

  @Test(arguments: [
    ("{joints: {griper: {upper: 1}}}", "p.yaml:1:35: the arm so101 has no joint 'griper'; did you mean 'gripper'?"),
    (
      "{joints: {gripper: {upper: 2}}}",
      "p.yaml:1:36: gripper: upper 2.0 is looser than the profile's 1.74533; make a profile of your own to loosen a limit"
    ),
    (
      "{joints: {gripper: {lower: -1}}}",
      "p.yaml:1:36: gripper: lower -1.0 is looser than the profile's -0.174533; make a profile of your own to loosen a limit"
    ),
    ("{joints: {gripper: {lower: 1, upper: 0.5}}}", "p.yaml: gripper: lower 1.0 is not below upper 0.5"),
  ])
  func limitsMayOnlyBeTightened(safety: String, message: String) throws {
    let overrides = try RobotConfiguration(node("safety: \(safety)")).safetyLimits
    #expect(errorText { _ = try ArmProfile.named("so101").tightened(by: overrides) } == message)
  }

  @Test func posesFollowTightenedLimits() throws {
    let overrides = try RobotConfiguration(
      node("safety: {joints: {shoulder_lift: {lower: -1}}, every_joint: {velocity: 9}}")
    ).safetyLimits
    let profile = try ArmProfile.named("so101").tightened(by: overrides)
    #expect(profile.park[1] == -1 && profile.home[1] == -0.5)
    // A common limit looser than the profile's changes nothing.
    #expect(profile.joints.allSatisfy { $0.velocity == 5.2155 })
  }
}

@Suite struct WorkspaceTests {
  @Test func aBoxIsReadAndWhatIsNotGivenHasNoWall() throws {
    let read = try RobotConfiguration(
      node("safety: {workspace: {x: [-0.3, 0.4], z: [0, 0.5]}, self_collision: false, every_joint: {velocity: 2}}"))
    #expect(read.workspace?.lower == [-0.3, -.infinity, 0])
    #expect(read.workspace?.upper == [0.4, .infinity, 0.5])
    #expect(read.checksSelfCollision == false && read.safetyLimits.count == 1)
    let empty = try RobotConfiguration(node("safety: {workspace: }"))
    #expect(empty.workspace == nil && empty.checksSelfCollision == nil)
  }

  @Test(arguments: [
    ("{x: [0.4, 0.3]}", "0.4 is not below 0.3"), ("{x: [1]}", "a list of 2 numbers"),
    ("{u: [0, 1]}", "unknown key 'u'"),
    ("3", "safety.workspace"),
  ])
  func aBoxThatIsNoneIsRefusedWithItsPlace(text: String, message: String) {
    do {
      _ = try RobotConfiguration(node("safety: {workspace: \(text)}"))
      Issue.record("accepted")
    } catch { #expect("\(error)".hasPrefix("p.yaml:1:") && "\(error)".contains(message), "\(error)") }
  }
}
