import ArmModel
import RealTime

/// Where the control thread hears its operator: the newest input of a device that another thread reads, a recording on the
/// loop's own clock, or nobody.
///
/// Trivial pointers, so that the control thread counts no references; what they lead to must outlive the loop.
public enum OperatorFeed: @unchecked Sendable, BitwiseCopyable {
  // Unchecked: a triple buffer has one reader, the control thread; a track is read by it alone.
  /// Nobody is there.
  case nobody
  /// The newest input of a device.
  case live(UnsafeMutablePointer<TripleBuffer<OperatorInput>>)
  /// A recording, from its beginning at the time given to the first look.
  case recorded(OperatorTrack.Ear)

  /// What the person's device says at `now` (ns); an input whose reader has not looked for 100 ms is nobody's.
  @_noLocks
  mutating func look(at now: Int64) -> OperatorInput {
    switch self {
    case .nobody: return OperatorInput()
    case .live(let buffer): return buffer.pointee.latest().current(at: now)
    case .recorded(var ear):
      let input = ear.input(at: now)
      self = .recorded(ear)
      return input
    }
  }

  /// Whether a recording has come to its end; never of a device.
  var isOver: Bool {
    @_noLocks get {
      switch self {
      case .nobody, .live: return false
      case .recorded(let ear): return ear.isOver
      }
    }
  }
}

/// A person's input over time, ready to be given to a loop once more. Owns the memory that its ear points to.
// Unchecked: the samples are written before anybody else has the track, and never again.
public final class OperatorTrack: @unchecked Sendable {
  /// One moment of a recording: from `time` (ns since its beginning) on the input is this.
  public struct Sample: Sendable, BitwiseCopyable {
    public var time: Int64
    public var input: OperatorInput

    public init(time: Int64, input: OperatorInput) {
      self.time = time
      self.input = input
    }
  }

  /// The control thread's end.
  public struct Ear: @unchecked Sendable, BitwiseCopyable {
    // Unchecked: the samples are written before an ear exists and never again.
    fileprivate let samples: UnsafeMutablePointer<Sample>
    fileprivate let count: Int
    fileprivate let end: Int64
    private var index = 0
    private var start = Int64.min
    /// Whether the recording is over; its device is gone then.
    private(set) var isOver = false

    fileprivate init(samples: UnsafeMutablePointer<Sample>, count: Int, end: Int64) {
      self.samples = samples
      self.count = count
      self.end = end
    }

    /// The input at `now`, ns; the recording began with the first call. Its stamps are shifted to the clock of `now`.
    @_noLocks
    mutating func input(at now: Int64) -> OperatorInput {
      if start == .min { start = now }
      let time = now &- start
      while index &+ 1 < count && samples[index &+ 1].time <= time { index &+= 1 }
      isOver = time > end
      if isOver || samples[0].time > time {
        var gone = samples[isOver ? count &- 1 : 0].input.current(at: .max)
        gone.stamp = now
        return gone
      }
      var input = samples[index].input
      input.eventStamp = start &+ input.eventStamp
      // A recording's reader is always awake.
      input.stamp = now
      return input
    }
  }

  private let samples: UnsafeMutablePointer<Sample>
  /// Number of samples, at least one.
  public let count: Int
  /// How long it lasts, ns.
  public let duration: Int64

  /// A recording of `recorded`, in order of time; it is over at `duration` ns, or with the last sample. Stamps in the
  /// samples count from the recording's beginning.
  public init(_ recorded: [Sample], duration: Int64? = nil) {
    precondition(!recorded.isEmpty, "a recording has samples")
    precondition(zip(recorded, recorded.dropFirst()).allSatisfy { $0.time <= $1.time }, "samples are in order of time")
    count = recorded.count
    self.duration = duration ?? recorded[recorded.count - 1].time
    samples = .allocate(capacity: recorded.count)
    for (index, sample) in recorded.enumerated() { (samples + index).initialize(to: sample) }
  }

  deinit { samples.deallocate() }

  /// A control thread's end; it must not outlive the track.
  public var feed: OperatorFeed { .recorded(Ear(samples: samples, count: count, end: duration)) }
}
