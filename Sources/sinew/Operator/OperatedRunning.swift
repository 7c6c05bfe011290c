import Foundation
import Sessions

/// A run with a person, simulated or on a physical arm, and the terminal beside it.
enum OperatedRunning {
  /// Prepares and runs a plan with the person's opened device, prints what came of it, and throws where it did not go well.
  static func run(_ plan: SessionPlan, device: OperatorDevice, json: Bool) throws {
    guard let session = try prepare(plan, device) else {
      try tell(StopSignals.earlyReport, plan, json: json)
      return
    }
    if !json {
      RunSummary.printStart(session.summary)
      for line in device.help { printError(line) }
    }
    if plan.hardware != nil { warn(device) }
    let line = OperatorLine(
      joints: plan.task.joints, movesHardware: plan.hardware != nil, device: device.kind)
    var cues = OperatorCues()
    let report = try session.runBlocking { status in
      if let cue = cues.next(status) { device.play(cue) }
      for note in device.takeNotes() + session.takeNotes() { line.say(note) }
      line.show(status)
    }
    line.finish()
    try tell(report, plan, json: json)
    try RunSummary.failIfUnconfirmed(report)
    try RunSummary.failIfFaulted(report)
    try RunSummary.failIfLossy(report)
  }

  private static func tell(_ report: RunReport, _ plan: SessionPlan, json: Bool) throws {
    if json {
      try printJSON(OperationOutput(plan: plan, report: report))
    } else {
      RunSummary.print(report, plan: plan)
    }
  }

  /// Nil when a stop signal ended the search for a physical arm.
  private static func prepare(_ plan: SessionPlan, _ device: OperatorDevice) throws -> (any PreparedSession)? {
    guard plan.hardware != nil else {
      return try checkingInput { try OperatedSession(plan, feed: device.feed, keeping: device) }
    }
    return try StopSignals.unlessStopped { try HardwareSession(plan, feed: device.feed, keeping: device) }
  }

  /// What must be said before a real arm moves, whatever else is printed.
  private static func warn(_ device: OperatorDevice) {
    printError(
      "start switches torque on, and the arm may move: keep clear of it, and its power switch at hand. This is not a "
        + "safety-rated function.")
    if device.isKeyboard {
      printError(
        "warning: a keyboard cannot hold enable: space switches it on, and it goes off by itself only after 2 s without a "
          + "key. A gamepad is safer.")
    }
  }
}
