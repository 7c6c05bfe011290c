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
    guard let session = try StopSignals.unlessStopped({ try HardwareSession(plan) }) else {
      return StopSignals.earlyReport
    }
    let prompt = OperatorPrompt(
      consentsByItself: consentsByItself, isReplay: plan.replay != nil, joints: session.summary.jointLabels)
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
