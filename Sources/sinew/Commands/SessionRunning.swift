import CSystem
import Sessions

/// From a plan to a report, on whatever arm the plan names, with the terminal beside it.
enum SessionRunning {
  /// Prepares and runs a plan. `isQuiet` leaves the lines at the start out; `consentsByItself` switches torque on without
  /// asking, once.
  static func run(_ plan: SessionPlan, isQuiet: Bool, consentsByItself: Bool) throws -> RunReport {
    guard plan.hardware != nil else {
      let session = try checkingInput { try SimulatedSession(plan) }
      return try run(session, isQuiet: isQuiet) { _ in }
    }
    let session = try checkingInput { try HardwareSession(plan) }
    let prompt = OperatorPrompt(
      consentsByItself: consentsByItself, isReplay: plan.replay != nil, joints: session.summary.jointLabels)
    // The first stops the arm, the second leaves out the parking, the third is the way out of a program that hangs.
    sinew_stop_signals_exit_at(3)
    return try run(session, isQuiet: isQuiet) { status in
      prompt.attend(status, consent: { session.consent() }, refuse: { session.refuse() })
    }
  }

  private static func run(
    _ session: any PreparedSession, isQuiet: Bool, attend: (LoopStatus) -> Void
  ) throws -> RunReport {
    if !isQuiet { RunSummary.printStart(session.summary) }
    let line = StatusLine(plan: session.summary.plan)
    let report = try session.runBlocking { status in
      attend(status)
      for note in session.takeNotes() { line.say(note) }
      line.show(status)
    }
    line.finish()
    return report
  }
}
