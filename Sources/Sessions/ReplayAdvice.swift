import Safety

extension Condition {
  /// What happened and what to do next, in the run at hand: in a replay no policy proposes, the log does.
  public func advice(inReplay: Bool) -> String {
    guard inReplay else { return advice }
    switch self {
    case .clampedTooOften:
      return
        "the limits alter the recorded commands for most of the time; replay them with a lower --speed, or with the "
        + "arm and limits that they were recorded with"
    case .proposalInvalid, .proposalsInvalid:
      return
        "a recorded command lies far outside the limits; replay the log on the arm and with the limits that it was "
        + "recorded with, or another episode with --episode"
    case .proposalLate: return "the next recorded command did not come in time; grant real-time rights ('sinew doctor')"
    default: return advice
    }
  }
}
