/// Lockstep: a control period must be a whole number of physics steps.
enum ControlPeriod {
  /// The number of physics steps in `period` seconds.
  static func substeps(_ period: Double, timestep: Double) throws(SimulationError) -> Int {
    guard period.isFinite, period > 0, period <= 10 else {
      throw SimulationError(.controlPeriod, "the control period is \(period) s; it must be above 0 and at most 10 s")
    }
    let ratio = period / timestep
    let steps = max(1, ratio.rounded())
    guard (ratio - steps).magnitude <= 1e-6 * steps else {
      // A finer step always fits; a rate beside the one wanted may be none that the policy can have.
      let fitting = period / max(1, ratio.rounded(.up))
      throw SimulationError(
        .controlPeriod,
        "a control period of \(text(period)) s is not a whole number of the model's physics steps of \(text(timestep)) s; "
          + "choose another control rate, or a physics step of \(text(fitting)) s")
    }
    return Int(steps)
  }

  /// Without the last digits of binary fractions: 0.006, not 0.006000000000000001.
  private static func text(_ value: Double) -> String {
    let rounded = (value * 1e9).rounded() / 1e9
    return "\(rounded)"
  }
}
