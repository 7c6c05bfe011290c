import ArmModel
import ArmProfiles
import Configuration
import Foundation
import Tasks
import TestSupport
import Testing

/// The error text of what `body` throws; "" when it throws nothing.
func errorText(_ body: () throws -> Void) -> String {
  do {
    try body()
    return ""
  } catch {
    return (error as? ConfigurationError)?.description ?? "another type of error: \(error)"
  }
}

func node(_ text: String, file: String = "p.yaml") throws -> ConfigurationNode {
  try ConfigurationNode.parse(text: text, file: file)
}

@Suite struct ShippedProfileTests {
  @Test func bothLoadByNameWithTheirModelsAndModes() throws {
    #expect(ArmProfile.shipped == ["hobby6", "koch", "reacher", "so100", "so101", "vx300s"])
    let reacher = try ArmProfile.named("reacher")
    #expect(reacher.model == "reacher" && reacher.commandMode == .effort && reacher.jointNames == ["joint1", "joint2"])
    #expect(reacher.joints[0].upper == .infinity && reacher.joints[1].lower == -3 && reacher.joints[1].effort == 200)
    let so101 = try ArmProfile.named("so101")
    #expect(so101.model == "so101" && so101.commandMode == .position && so101.joints.count == 6)
    #expect(so101.limits.velocity.array == [Double](repeating: 5.2155, count: 6))
    #expect(so101.limits.lower[0] == -1.91986 && so101.limits.upper[5] == 1.74533)
  }

  @Test func aTaskOfTheArmStaysWithinItsProfile() throws {
    for (profileName, taskName) in [("so101", "reach"), ("reacher", "reacher-v5")] {
      let task = try TaskDefinition.named(taskName)
      let profile = try #require(try ArmProfile.named(profileName).selecting(task.joints))
      #expect(
        profile.jointNames == task.joints && profile.commandMode == task.commandMode && profile.model == task.model)
      for (joint, angle) in zip(profile.joints, task.meanResetPosition) {
        #expect(angle >= joint.lower && angle <= joint.upper)
      }
    }
  }

  @Test func theUsersFolderShowsTheShippedProfiles() throws {
    let folder = Fixtures.packageRoot.appendingPathComponent("calibration/arms")
    for name in ArmProfile.shipped {
      let path = folder.appendingPathComponent("\(name).yaml").path
      #expect(try ArmProfile.load(path: path) == ArmProfile.named(name))
    }
  }

  @Test func unknownProfilesAreNamed() {
    #expect(
      errorText { _ = try ArmProfile.named("so102") }
        == "so102: there is no shipped arm profile of this name; did you mean 'so100'? Else give the path of a .yaml file"
    )
  }
}

@Suite struct ProfileFileTests {
  static let text = """
    name: one
    model: m
    command_mode: position
    every_joint:
      velocity: {maximum: 1, source: s}
      acceleration: {maximum: 2, source: s}
      jerk: {maximum: none, source: s}
    joints:
      a:
        position: {lower: -1, upper: 1, source: s}
        effort: {maximum: 3, source: s}
        velocity: {maximum: 0.5, source: s}
    poses:
      home: {source: s, joints: {a: 0}}
      park: {source: s, joints: {a: 0.5}}
    """

  @Test func aJointsOwnLimitGoesBeforeTheCommonOne() throws {
    let profile = try ArmProfile(node(Self.text))
    let joint = JointProfile(name: "a", lower: -1, upper: 1, velocity: 0.5, acceleration: 2, effort: 3)
    #expect(profile.joints == [joint] && profile.home == [0] && profile.park == [0.5])
    #expect(profile.limits.jerk[0] == .infinity)
  }

  @Test(arguments: [
    ("model: m\n", "", "p.yaml:1:1: the key 'model' is missing"),
    (
      "command_mode: position", "command_mode: speed",
      "p.yaml:3:15: command_mode: unknown value 'speed'; one of position, effort"
    ),
    (
      "effort: {maximum: 3, source: s}", "",
      "p.yaml:10:5: joints.a: effort is missing here and in every_joint; write maximum: none if there is no limit"
    ),
    ("maximum: 3, source: s", "maximum: 3", "p.yaml:11:13: joints.a.effort: the key 'source' is missing"),
    ("maximum: 3", "maximum: 0", "p.yaml:11:23: joints.a.effort.maximum: 0.0 must be above 0"),
    ("maximum: 3", "maximum: .nan", "p.yaml:11:23: joints.a.effort.maximum: expected a finite number, found '.nan'"),
    (
      "lower: -1, upper: 1", "lower: 1, upper: -1", "p.yaml:10:15: joints.a.position: lower 1.0 is not below upper -1.0"
    ),
    (
      "lower: -1, upper", "lower: -1, uper",
      "p.yaml:10:27: joints.a.position: unknown key 'uper'; did you mean 'upper'?"
    ),
    ("{a: 0.5}", "{a: 1.5}", "p.yaml:15:33: poses.park.joints.a: 1.5 rad is outside the joint's limits -1.0 … 1.0"),
    ("{a: 0.5}", "{b: 0.5}", "p.yaml:15:30: poses.park.joints: unknown key 'b'; known: a"),
    ("{a: 0.5}", "{}", "p.yaml:15:29: poses.park.joints: the key 'a' is missing"),
    (
      "jerk: {maximum: none", "jerk: {maximum: ",
      "p.yaml:7:19: every_joint.jerk.maximum: expected a number, found nothing"
    ),
  ])
  func mistakesAreNamedWhereTheyStand(find: String, replace: String, message: String) {
    let text = Self.text.replacing(find, with: replace)
    #expect(errorText { _ = try ArmProfile(node(text)) } == message)
  }

  @Test func jointsAreSelectedByNameInAnyOrder() throws {
    let profile = try ArmProfile.named("so101")
    let two = try #require(profile.selecting(["gripper", "elbow_flex"]))
    #expect(
      two.jointNames == ["gripper", "elbow_flex"] && two.park == [0, 1.65] && two.limits.upper.array == [1.74533, 1.69])
    #expect(profile.selecting(["elbow"]) == nil)
  }
}

@Suite struct JointLimitsTests {
  @Test func unlimitedMeansInfinite() {
    let limits = JointLimits(unlimited: 3)
    #expect(limits.count == 3 && limits.lower.array == [Double](repeating: -.infinity, count: 3))
    #expect(limits.jerk[2] == .infinity && limits == JointLimits(unlimited: 3))
    var tighter = limits
    tighter.effort[1] = 2
    #expect(tighter != limits)
  }
}
