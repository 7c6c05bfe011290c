import ArgumentParser
import Glibc

/// Checks of `--cpu`.
enum ProcessorOption {
  /// Refuses a processor that this machine has not; nil is fine.
  static func validate(_ processor: Int?) throws {
    guard let processor, let problem = problem(processor) else { return }
    throw ValidationError("--cpu \(problem)")
  }

  /// What is wrong with a processor's number; nil when it is one.
  static func problem(_ processor: Int) -> String? {
    // Those that are configured: one that is switched off now is the system's to refuse.
    let count = sysconf(Int32(_SC_NPROCESSORS_CONF))
    guard count > 0, !(0..<count).contains(processor) else { return nil }
    return "\(processor) is no processor of this machine: it has 0 to \(count - 1)."
  }
}
