import Sessions

/// The figures of a run with a person as one JSON object: those of `sinew run`, and what the person did.
struct OperationOutput: Encodable {
  /// How the tool followed the sticks, m.
  struct Path: Encodable {
    let length_m: Double
    /// By the joints' commands, and by the measured joints.
    let commanded_error_rms_m: Double
    let commanded_error_max_m: Double
    let measured_error_rms_m: Double
    let measured_error_max_m: Double
    /// How often the arm could not follow and the comparison began anew.
    let cuts: Int
  }

  let run: RunOutput
  /// Nil where no tool was moved by the sticks.
  let path: Path?
  let discarded_episodes: Int
  let interventions: Int

  init(plan: SessionPlan, report: RunReport) {
    run = RunOutput(plan: plan, report: report)
    let operation = report.operation
    discarded_episodes = operation?.discarded ?? 0
    interventions = operation?.interventions ?? 0
    path = operation.flatMap { operation in
      operation.path.measured.count == 0
        ? nil
        : Path(
          length_m: operation.path.length, commanded_error_rms_m: operation.path.commanded.rms,
          commanded_error_max_m: operation.path.commanded.most, measured_error_rms_m: operation.path.measured.rms,
          measured_error_max_m: operation.path.measured.most,
          cuts: operation.path.cuts)
    }
  }
}
