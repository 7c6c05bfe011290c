import CSystem
import Sessions

/// Signals that ask a run to stop.
enum StopSignals {
  /// From here on they are heard: one that comes while a run is still being prepared ends it at its first tick, with its
  /// report, instead of ending the process without a word.
  static func hear() throws {
    guard sinew_install_stop_signals() == 0 else { throw RunFailure("stop signals could not be installed") }
  }

  /// Prepares a run on a physical arm, which has to be looked for: nil when a stop signal ended that. Nothing was switched on
  /// then, so it is no failure.
  static func unlessStopped<Session>(_ prepare: () throws -> Session) throws -> Session? {
    // The first ends the search, the third is the way out where that hangs; in the run itself the second leaves out the
    // parking.
    sinew_stop_signals_exit_at(3)
    do {
      return try checkingInput(prepare)
    } catch  where sinew_stop_requests() > 0 {
      return nil
    }
  }

  /// The report of a run that did not come about for that reason.
  static var earlyReport: RunReport { .stoppedInSetUp(by: sinew_last_stop_signal()) }
}
