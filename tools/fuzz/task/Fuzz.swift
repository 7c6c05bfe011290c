// Feeds arbitrary bytes to everything that reads YAML from a user: tasks, arm profiles, calibrations, LeRobot's files,
// robot.yaml. Each must end in a value or a ConfigurationError on one line; a task that loads is played for a few steps, a
// calibration must come back from its own text.
import ArmModel
import ArmProfiles
import Calibration
import Configuration
import Numerics
import Tasks

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let text = String(decoding: UnsafeBufferPointer(start: data, count: count), as: UTF8.self)
  do throws(ConfigurationError) {
    let root = try ConfigurationNode.parse(text: text, file: "fuzz")
    check { () throws(ConfigurationError) in _ = try RobotConfiguration(root) }
    check { () throws(ConfigurationError) in _ = try ArmProfile(root) }
    check { () throws(ConfigurationError) in writeAndRead(try ArmCalibration(root)) }
    check { () throws(ConfigurationError) in
      let file = try LeRobotCalibration(root)
      for profile in profiles {
        check { () throws(ConfigurationError) in writeAndRead(try file.calibration(name: "n", of: profile)) }
      }
    }
    check { () throws(ConfigurationError) in play(try TaskDefinition.parse(text: text, file: "fuzz")) }
  } catch {
    precondition(!error.description.contains("\n"), "an error of more than one line")
  }
  return 0
}

/// Arms of both protocols.
private let profiles = ["so101", "koch"].compactMap { name in
  try? ArmProfile.load(path: "../../Sources/ArmProfiles/Resources/arms/\(name).yaml")
}

private func writeAndRead(_ calibration: ArmCalibration) {
  let again = try? ArmCalibration(ConfigurationNode.parse(text: calibration.text, file: "again"))
  precondition(again == calibration, "a calibration that its own text does not give back")
}

private func check(_ body: () throws(ConfigurationError) -> Void) {
  do throws(ConfigurationError) {
    try body()
  } catch {
    precondition(!error.description.contains("\n"), "an error of more than one line")
  }
}

/// Two steps of a task that loads, with buffers of exactly the sizes it declares.
private func play(_ task: TaskDefinition) {
  var evaluator = task.makeEvaluator()
  var random = RandomStream(seed: 1)
  let joints = JointState(count: task.joints.count)
  let points = PointSet(count: task.points.count)
  let observation = UnsafeMutablePointer<Double>.allocate(capacity: task.observationCount)
  let terms = UnsafeMutablePointer<Double>.allocate(capacity: task.rewardTermNames.count)
  let action = UnsafeMutablePointer<Float>.allocate(capacity: task.actionCount)
  defer {
    observation.deallocate()
    terms.deallocate()
    action.deallocate()
  }
  action.initialize(repeating: 0.5, count: task.actionCount)
  var command = JointCommand(mode: .position, goal: JointVector([]), stamp: 0)
  evaluator.beginEpisode(random: &random)
  for _ in 0..<2 {
    evaluator.observe(joints, points: points, into: observation)
    evaluator.command(action: action, joints: joints, into: &command)
    _ = evaluator.reward(action: action, joints: joints, points: points, terms: terms)
    _ = evaluator.outcome(joints: joints, points: points)
  }
  precondition(command.goal.count == task.joints.count, "a command for other joints")
}
