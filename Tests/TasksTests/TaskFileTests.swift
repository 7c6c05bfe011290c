import ArmModel
import Configuration
import Foundation
import Tasks
import TestSupport
import Testing

@Suite struct ShippedTaskTests {
  @Test func bothShippedTasksLoadByName() throws {
    #expect(TaskDefinition.shipped == ["reach", "reach-hobby6", "reacher-v5"])
    for name in TaskDefinition.shipped {
      let task = try TaskDefinition.named(name)
      #expect(task.name == name)
      #expect(task.sha256 == ContentHash.sha256(task.sourceText) && task.sha256.count == 64)
      #expect(task.observationNames.count == task.observationCount)
      #expect(task.makeEvaluator().observationCount == task.observationCount)
    }
  }

  @Test func reacherIsWhatGymnasiumSays() throws {
    let task = try TaskDefinition.named("reacher-v5")
    #expect(task.model == "reacher" && task.joints == ["joint1", "joint2"])
    #expect(task.points == [PointDefinition(name: "fingertip", kind: .body, modelName: "fingertip")])
    #expect(task.pointSource == .lastPhysicsStep)
    #expect(task.stepDuration == 0.02 && task.timeLimitSteps == 50)
    #expect(task.variables.map { $0.name } == ["target"])
    #expect(task.variables[0].binding == .joints(["target_x", "target_y"]))
    #expect(
      task.observationNames == [
        "joint_position_cos.joint1", "joint_position_cos.joint2", "joint_position_sin.joint1",
        "joint_position_sin.joint2", "target.x", "target.y", "joint_velocity.joint1", "joint_velocity.joint2",
        "fingertip-target.x", "fingertip-target.y",
      ])
    #expect(task.actionNames == ["joint1", "joint2"] && task.commandMode == .effort)
    #expect(task.rewardTermNames == ["reward_dist", "reward_ctrl"])
  }

  @Test func reachCommandsFiveJointsAndHoldsTheGripper() throws {
    let task = try TaskDefinition.named("reach")
    #expect(task.joints.count == 6 && task.actionCount == 5 && task.observationCount == 29)
    #expect(task.commandMode == .position && task.pointSource == .measured)
    #expect(task.variables[0].binding == .mocap("target"))
    #expect(Double(try #require(task.timeLimitSteps)) * task.stepDuration == 4)
  }

  @Test func unknownNamesAndMissingFilesAreNamed() {
    #expect(
      errorText { _ = try TaskDefinition.named("reacher-v4") }
        == "reacher-v4: there is no shipped task of this name; did you mean 'reacher-v5'? Else give the path of a .yaml file"
    )
    #expect(
      errorText { _ = try TaskDefinition.named("walk") }
        == "walk: there is no shipped task of this name; shipped: reach, reach-hobby6, reacher-v5; else give the path of "
        + "a .yaml file"
    )
    #expect(errorText { _ = try TaskDefinition.named("./no.yaml") } == "./no.yaml: no such file; check the path")
  }

  /// The reader lists what it knows when a name is near to none.
  @Test(arguments: ["observation: [{term: zzz}]", "reward: [{term: zzz, weight: 1}]", "action: {mode: zzz}"])
  func theDescriptionOfTheVocabularyIsComplete(line: String) throws {
    let key = try #require(line.split(separator: ":").first)
    let text = smallTask().split(separator: "\n").map { $0.hasPrefix(key + ":") ? line : String($0) }.joined(
      separator: "\n")
    let message = errorText { _ = try TaskDefinition.parse(text: text, file: "t.yaml") }
    let names = try #require(message.split(separator: "; one of ").last).split(separator: ", ")
    #expect(names.count >= 3)
    let description = try String(
      contentsOf: Fixtures.packageRoot.appendingPathComponent("Sources/Tasks/Resources/tasks/README.md"),
      encoding: .utf8)
    for name in names { #expect(description.contains("`\(name)`"), "\(name) is not described") }
  }
}
