import CSystem

/// Signals that ask a run to stop.
enum StopSignals {
  /// From here on they are heard: one that comes while a run is still being prepared ends it at its first tick, with its
  /// report, instead of ending the process without a word.
  static func hear() throws {
    guard sinew_install_stop_signals() == 0 else { throw RunFailure("stop signals could not be installed") }
  }
}
