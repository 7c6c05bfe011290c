import CSystem
import Glibc

/// One thing that `sinew doctor` looked at.
public struct SystemFinding: Sendable, Equatable {
  /// How good it is.
  public enum Grade: String, Sendable {
    case good
    /// It works, but worse than it could.
    case warning
    /// Something will refuse to work.
    case bad
  }

  /// What was looked at.
  public let subject: String
  public let grade: Grade
  /// What was found, with units.
  public let detail: String
  /// The command or line that mends it; nil when there is nothing to mend.
  public let remedy: String?

  public init(_ subject: String, _ grade: Grade, _ detail: String, remedy: String? = nil) {
    self.subject = subject
    self.grade = grade
    self.detail = detail
    self.remedy = remedy
  }
}

/// Looks at what a real-time loop depends on in this machine. Reads only; a thread is started and ended for the rights
/// that can only be tried.
public enum SystemExamination {
  /// Scheduling rights, locked memory, processors, kernel settings.
  public static func realTimeFindings() -> [SystemFinding] {
    var findings: [SystemFinding] = []
    let grant = triedGrant()
    let limits =
      "add '@realtime - rtprio 95' and '@realtime - memlock unlimited' to /etc/security/limits.d/realtime.conf, "
      + "'sudo groupadd -f realtime && sudo usermod -aG realtime $USER', then log in again"
    if grant.priority > 0 {
      findings.append(SystemFinding("real-time scheduling", .good, "SCHED_FIFO priority \(grant.priority) is granted"))
    } else {
      findings.append(SystemFinding("real-time scheduling", .bad, "SCHED_FIFO is refused", remedy: limits))
    }
    if grant.memoryIsLocked {
      findings.append(SystemFinding("locked memory", .good, "all memory can be locked"))
    } else {
      findings.append(SystemFinding("locked memory", .bad, "locking memory is refused or limited", remedy: limits))
    }
    findings.append(
      grant.latencyIsHeld
        ? SystemFinding("processor sleep", .good, "/dev/cpu_dma_latency can be held")
        : SystemFinding(
          "processor sleep", .warning, "/dev/cpu_dma_latency is not writable: wake-ups come later",
          remedy: "sudo chgrp realtime /dev/cpu_dma_latency && sudo chmod g+rw /dev/cpu_dma_latency"))
    findings.append(kernelFinding())
    findings.append(isolationFinding())
    findings.append(throttlingFinding())
    findings.append(governorFinding())
    return findings
  }

  private static func triedGrant() -> RealTimeGrant {
    let box = GrantBox()
    guard
      let thread = try? ControlThread(body: {
        box.grant = RealTimeGrant.apply(RealTimeSettings(), name: "sinew-doctor")
      })
    else { return RealTimeGrant() }
    thread.join()
    if box.grant.memoryIsLocked { munlockall() }
    if box.grant.latencyDescriptor >= 0 { close(box.grant.latencyDescriptor) }
    return box.grant
  }

  private static func kernelFinding() -> SystemFinding {
    let isRealTime = readLine("/sys/kernel/realtime") == "1"
    let version = readLine("/proc/sys/kernel/osrelease") ?? "unknown"
    if isRealTime { return SystemFinding("kernel", .good, "\(version), PREEMPT_RT") }
    return SystemFinding(
      "kernel", .warning, "\(version), not PREEMPT_RT: wake-ups are usually below 0.1 ms late, rarely milliseconds",
      remedy: "sudo apt-get install linux-image-rt-amd64 (optional)")
  }

  private static func isolationFinding() -> SystemFinding {
    let isolated = readLine("/sys/devices/system/cpu/isolated") ?? ""
    let count = Int(sinew_cpu_count())
    if !isolated.isEmpty {
      return SystemFinding("processors", .good, "\(count) usable, isolated: \(isolated) (use one with --cpu)")
    }
    return SystemFinding(
      "processors", .warning, "\(count) usable, none isolated",
      remedy:
        "add 'isolcpus=\(max(count - 1, 1)) nohz_full=\(max(count - 1, 1))' to the kernel's command line and use --cpu \(max(count - 1, 1)) (optional)"
    )
  }

  private static func throttlingFinding() -> SystemFinding {
    guard let runtime = readLine("/proc/sys/kernel/sched_rt_runtime_us").flatMap({ Int($0) }) else {
      return SystemFinding("real-time throttling", .warning, "unknown", remedy: nil)
    }
    if runtime == 0 {
      return SystemFinding(
        "real-time throttling", .bad, "real-time threads get no time at all",
        remedy: "sudo sysctl kernel.sched_rt_runtime_us=950000")
    }
    return SystemFinding(
      "real-time throttling", .good,
      runtime < 0
        ? "off" : "\(runtime) µs of every second's 1000000 µs: a loop that sleeps to its deadlines is not affected")
  }

  private static func governorFinding() -> SystemFinding {
    guard let governor = readLine("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") else {
      return SystemFinding("processor frequency", .good, "not scaled by this kernel")
    }
    if governor == "performance" { return SystemFinding("processor frequency", .good, "governor performance") }
    return SystemFinding(
      "processor frequency", .warning, "governor \(governor): execution times vary",
      remedy: "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")
  }

  /// The first line of a small file, without its end; nil when it cannot be read.
  static func readLine(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 256)
    guard fgets(&buffer, 256, file) != nil else { return nil }
    let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
  }
}

/// Carries the grant out of the thread that tried; read only after the join.
private final class GrantBox: @unchecked Sendable {
  var grant = RealTimeGrant()
}
