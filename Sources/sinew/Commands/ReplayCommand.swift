import ArgumentParser
import Foundation
import RealTime
import Sessions

/// `sinew replay`: what a log's commands did once, done again.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Do a recorded episode again, in simulation or on a real arm.",
    discussion: """
      Sends the commands that were executed in an episode once more, through the same safety core and limits. A real arm \
      first goes slowly to the episode's first pose. At the end stands how far the arm was from its commands and from what \
      was recorded. Arm, confirmation and Ctrl-C are as in 'sinew run'.

      Examples:
        sinew replay logs/RUN.mcap
        sinew replay logs/RUN.mcap --episode 3 --speed 0.5
        sinew replay logs/RUN.mcap --arm so101 --port /dev/ttyACM0 --calibration my-arm --speed 0.5

      Exit codes: 0 success; 1 the arm does not answer or is not as it should be, a fault was latched, or the arm did not \
      confirm how it was left; 2 wrong input, such as a log of another arm, one with losses, or one that was not closed, or \
      a port that cannot be opened; 3 the new log is lossy.
      """)

  @Argument(help: "The log.")
  var path: String

  @Option(help: "Which episode. Default: the log's first.")
  var episode: Int?

  @Option(help: "How fast, as a multiple of the recorded speed, up to 2.")
  var speed = 1.0

  @OptionGroup var hardware: HardwareOptions

  @Option(help: "Simulated model: a shipped name or an MJCF or URDF file. Default: the one it was recorded with.")
  var model: String?

  @Option(help: "Record the replay to this file.")
  var log: String?

  @Option(help: "SCHED_FIFO priority of the control thread, 1 to 99; 0 for an ordinary thread.")
  var priority = 80

  @Flag(
    name: .customLong("allow-non-realtime"),
    help: "Start on a real arm although real-time rights were refused; recorded in the log.")
  var allowNonRealTime = false

  @Flag(help: "Print one JSON object at the end.")
  var json = false

  func validate() throws {
    try refuseEmpty(["log": log, "model": model])
    guard speed > 0, speed <= 2 else { throw ValidationError("--speed must be above 0 and at most 2, found \(speed).") }
    if let episode, episode < 0 { throw ValidationError("--episode must not be negative, found \(episode).") }
    guard (0...99).contains(priority) else {
      throw ValidationError("--priority must be between 0 and 99, found \(priority).")
    }
  }

  mutating func run() throws {
    try StopSignals.hear()
    let plan = try SessionPlanning.plan(for: self)
    let report = try SessionRunning.run(plan, isQuiet: json, consentsByItself: hardware.yes)
    let output = ReplayOutput(plan: plan, report: report)
    if json {
      try printJSON(output)
    } else {
      print(output.text)
      RunSummary.print(report, plan: plan)
    }
    try RunSummary.failIfUnconfirmed(report, inReplay: true)
    try RunSummary.failIfFaulted(report, inReplay: true)
    try RunSummary.failIfLossy(report)
  }
}

/// How well a replay went.
struct ReplayOutput: Encodable {
  struct Joint: Encodable {
    let joint: String
    /// From the command of the step before, rad.
    let command_rms: Double
    let command_most: Double
    /// From the recorded position, rad.
    let recording_rms: Double
    let recording_most: Double
  }

  let log: String
  let episode: Int
  let steps: Int
  let ending: String
  /// Ticks in which the safety core changed the recorded command.
  let altered_ticks: Int
  let joints: [Joint]

  init(plan: SessionPlan, report: RunReport) {
    log = plan.replay?.path ?? ""
    episode = plan.replay?.episode ?? 0
    steps = plan.replay?.stepCount ?? 0
    ending = report.ending.rawValue
    altered_ticks = report.loop?.alteredTickCount ?? 0
    let errors = report.playback
    joints = plan.task.joints.enumerated().compactMap { index, name in
      guard let errors else { return nil }
      let (command, recording) = (errors.fromCommand(index), errors.fromRecording(index))
      return Joint(
        joint: name, command_rms: command.rms, command_most: command.most, recording_rms: recording.rms,
        recording_most: recording.most)
    }
  }

  var text: String {
    var table = TextTable(header: ["error in rad", "command rms", "most", "recording rms", "most"])
    for joint in joints {
      table.add([
        joint.joint, Format.fixed(joint.command_rms, 4), Format.fixed(joint.command_most, 4),
        Format.fixed(joint.recording_rms, 4), Format.fixed(joint.recording_most, 4),
      ])
    }
    return table.text
  }
}
