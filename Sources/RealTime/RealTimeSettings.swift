import CSystem

/// What the control thread asks of the operating system.
public struct RealTimeSettings: Sendable, Equatable {
  /// SCHED_FIFO priority 1 … 99; nil leaves the thread an ordinary one.
  public var priority: Int?
  /// The processor the thread is bound to; nil leaves the choice to the kernel.
  public var processor: Int?
  /// Whether all memory is locked.
  public var locksMemory: Bool
  /// Whether processors are kept out of deep sleep.
  public var holdsLatency: Bool
  /// Nanoseconds of each wait that a thread with a real-time priority spends awake before its deadline, at most a tenth
  /// of its period: the kernel's wake-up latency hides there. Throttling of real-time threads begins at 950 ms a second.
  public var spin: Int64
  /// Stack of the thread, bytes; touched before the first tick.
  public var stackBytes: Int

  public init(
    priority: Int? = 80, processor: Int? = nil, locksMemory: Bool = true, holdsLatency: Bool = true,
    spin: Int64 = 60_000, stackBytes: Int = 1 << 20
  ) {
    self.priority = priority
    self.processor = processor
    self.locksMemory = locksMemory
    self.holdsLatency = holdsLatency
    self.spin = spin
    self.stackBytes = stackBytes
  }

  /// An ordinary thread.
  public static let ordinary = RealTimeSettings(priority: nil, locksMemory: false, holdsLatency: false)
}

/// One right that the operating system refused, with what grants it.
public struct RealTimeRefusal: Sendable, Equatable {
  /// What was asked for.
  public let request: String
  /// The system's answer, an errno value.
  public let errorNumber: Int32
  /// The command or line that grants it.
  public let remedy: String
  /// Whether strict real time cannot do without it.
  public let isEssential: Bool
}

extension RealTimeRefusal: CustomStringConvertible {
  public var description: String { "\(request) was refused (errno \(errorNumber)); \(remedy)" }
}

/// What the control thread got of what it asked for.
public struct RealTimeGrant: Sendable {
  /// Its SCHED_FIFO priority, 0 for an ordinary thread.
  public internal(set) var priority: Int = 0
  /// The processor it is bound to.
  public internal(set) var processor: Int?
  public internal(set) var memoryIsLocked = false
  public internal(set) var latencyIsHeld = false
  /// What was refused.
  public internal(set) var refusals: [RealTimeRefusal] = []
  var latencyDescriptor: Int32 = -1

  init() {}

  /// Whether everything that strict real time needs was granted.
  public var isStrict: Bool { !refusals.contains { $0.isEssential } }

  /// Applies settings to the calling thread. Set-up only.
  public static func apply(_ settings: RealTimeSettings, name: String) -> RealTimeGrant {
    var grant = RealTimeGrant()
    _ = sinew_thread_set_name(name)
    if let processor = settings.processor {
      let status = sinew_thread_set_affinity(Int32(clamping: processor))
      if status == 0 {
        grant.processor = processor
      } else {
        grant.refuse(
          "binding the control thread to processor \(processor)", status, essential: true,
          remedy: "choose a processor below \(sinew_cpu_count()) with --cpu")
      }
    }
    if settings.locksMemory {
      let status = sinew_lock_memory()
      grant.memoryIsLocked = status == 0
      if status != 0 {
        grant.refuse(
          "locking memory", status, essential: true,
          remedy:
            "add '@realtime - memlock unlimited' to /etc/security/limits.conf (or run 'ulimit -l unlimited'), then log in again"
        )
      }
    }
    if let priority = settings.priority {
      let status = sinew_thread_set_fifo(Int32(clamping: priority))
      if status == 0 {
        grant.priority = priority
      } else {
        grant.refuse(
          "SCHED_FIFO priority \(priority)", status, essential: true,
          remedy:
            "add '@realtime - rtprio 95' to /etc/security/limits.conf and yourself to the group ('sudo groupadd -f realtime && sudo usermod -aG realtime $USER'), then log in again"
        )
      }
    }
    if settings.holdsLatency {
      let descriptor = sinew_hold_cpu_latency()
      grant.latencyDescriptor = descriptor
      grant.latencyIsHeld = descriptor >= 0
      if descriptor < 0 {
        grant.refuse(
          "holding /dev/cpu_dma_latency", -descriptor, essential: false,
          remedy:
            "'sudo chgrp realtime /dev/cpu_dma_latency && sudo chmod g+rw /dev/cpu_dma_latency' (lowers wake-up latency; not required)"
        )
      }
    }
    _ = sinew_prefault_stack(settings.stackBytes / 2)
    return grant
  }

  private mutating func refuse(_ request: String, _ status: Int32, essential: Bool, remedy: String) {
    refusals.append(RealTimeRefusal(request: request, errorNumber: status, remedy: remedy, isEssential: essential))
  }
}
