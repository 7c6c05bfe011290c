import ArgumentParser
import ArmModel
import ArmProfiles

/// `sinew init`: a commented robot.yaml to start from.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Write a commented robot.yaml to start from.",
    discussion: """
      Every field stands in it with its default and a comment. 'sinew run --config' reads it; options on the command \
      line win over it.

      Examples:
        sinew init
        sinew init --arm so101 --output arm2.yaml

      Exit codes: 0 success; 1 the file could not be written; 2 wrong input (an unknown arm, an existing file).
      """)

  @Option(help: "Arm profile: a shipped name ('sinew list arms') or a YAML file.")
  var arm = "reacher"

  @Option(name: .shortAndLong, help: "The file to write.")
  var output = "robot.yaml"

  @Flag(help: "Replace an existing file.")
  var force = false

  func validate() throws { try refuseEmpty(["arm": arm, "output": output]) }

  mutating func run() throws {
    let name = arm
    _ = try checkingInput { try ArmProfile.named(name) }
    try NewFile.write(RobotConfiguration.template(for: arm), to: output, replacing: force)
    let task = RobotConfiguration.defaults(for: arm).task
    let isReady = task.flatMap { SessionPlanning.shippedPolicy(for: $0) } != nil
    print(
      """
      wrote \(output)
      next: read it, then
        sinew run --config \(output)\(isReady ? "" : " --policy POLICY   (a bundle folder or .onnx file trained on \(task.map { "task \($0)" } ?? "a task of this arm"))")
      """)
  }
}
