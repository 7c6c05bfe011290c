import ArmModel
import CSystem
import RealTime

/// How the loop kept its time over an interval, for the log.
public struct LoopRecord: Sendable, BitwiseCopyable {
  /// Monotonic end of the interval, ns.
  public var stamp: Int64 = 0
  /// Ticks and missed deadlines since the start of the run.
  public var ticks: UInt64 = 0
  /// Missed deadlines since the start of the run.
  public var overruns: UInt64 = 0
  /// Hz over the interval.
  public var achievedRate: Double = 0
  /// ns behind the deadline at wake-up.
  public var latenessMinimum: Int64 = 0
  /// Mean over the interval, ns.
  public var latenessMean: Int64 = 0
  /// Largest of the interval, ns.
  public var latenessMaximum: Int64 = 0
  /// ns from wake-up to the end of the tick.
  public var executionMinimum: Int64 = 0
  /// Mean over the interval, ns.
  public var executionMean: Int64 = 0
  /// Largest of the interval, ns.
  public var executionMaximum: Int64 = 0

  /// All zero.
  @_noLocks
  public init() {}
}

/// An event on its way through the ring.
struct EventRecord: BitwiseCopyable {
  var stamp: Int64
  var first: Int64
  var second: Int64
  var value: Double
  var code: UInt16
}

/// The control thread's end of a recorder.
///
/// Real-time safe: nothing here allocates, locks or waits (except `awaitRoom`, for simulations that run ahead of the
/// clock). When the ring is full a record is dropped and counted, and the log says so. One thread at a time; the
/// memory lives as long as the port. Records put in after `Recorder.finish()` are lost without count.
public struct RecorderPort: ~Copyable {
  private let producer: RingProducer
  private let gate: RecorderGate
  private let memory: Unmanaged<RecorderMemory>
  private let capacity: Int
  private let jointPeriod: Int64
  private var nextJoints: Int64 = .min
  private var produced = 0
  private var pending = 0
  /// Dimensions of the transitions of this log.
  public let layout: TransitionLayout

  init(memory: RecorderMemory, layout: TransitionLayout, jointPeriod: Int64) {
    producer = memory.ring.makeProducer()
    gate = memory.gate
    capacity = memory.ring.capacity
    self.memory = .passRetained(memory)
    self.layout = layout
    self.jointPeriod = jointPeriod
  }

  deinit { memory.release() }

  /// Room for one transition, or nil (and counted as dropped) when the ring is full. Fill it, then commit.
  /// - Parameter isFinal: whether it carries the observation after the last step of an episode.
  @_noLocks
  public mutating func reserveTransition(isFinal: Bool) -> TransitionWriter? {
    // Four bytes ahead, so that what follows the 4-byte CDR header is aligned to 8.
    pending = 4 &+ layout.byteCount(isFinal: isFinal)
    guard let slot = producer.reserve(bytes: pending, kind: RecordKind.transition) else { return nil }
    slot.storeBytes(of: 0, as: UInt32.self)
    return TransitionWriter(slot + 4, layout: layout, isFinal: isFinal)
  }

  /// Publishes the transition reserved last.
  @_noLocks
  public mutating func commitTransition() { commit(pending) }

  @_noLocks
  private mutating func commit(_ bytes: Int) {
    producer.commit(bytes: bytes)
    produced = produced &+ ((bytes &+ 15) & ~7)
  }

  /// Records what the arm measured, at most as often as the options' `jointStateRate`, on a grid from the first call.
  @_noLocks
  public mutating func recordJoints(_ joints: JointState) {
    guard joints.stamp >= nextJoints else { return }
    if nextJoints == .min { nextJoints = joints.stamp }
    nextJoints = nextJoints &+ jointPeriod
    if nextJoints <= joints.stamp { nextJoints = joints.stamp &+ jointPeriod }
    let count = min(joints.count, layout.jointCount)
    let bytes = 16 &+ 24 &* count
    guard let slot = producer.reserve(bytes: bytes, kind: RecordKind.joints) else { return }
    slot.storeBytes(of: joints.stamp, as: Int64.self)
    slot.storeBytes(of: UInt32(truncatingIfNeeded: count), toByteOffset: 8, as: UInt32.self)
    slot.storeBytes(of: UInt32(joints.present.rawValue), toByteOffset: 12, as: UInt32.self)
    for index in 0..<count {
      slot.storeBytes(of: joints.position[index], toByteOffset: 16 &+ 8 &* index, as: Double.self)
      slot.storeBytes(of: joints.velocity[index], toByteOffset: 16 &+ 8 &* (count &+ index), as: Double.self)
      slot.storeBytes(of: joints.effort[index], toByteOffset: 16 &+ 8 &* (2 &* count &+ index), as: Double.self)
    }
    commit(bytes)
  }

  /// Records the loop's timing.
  @_noLocks
  public mutating func recordLoop(_ loop: LoopRecord) {
    let bytes = MemoryLayout<LoopRecord>.size
    guard let slot = producer.reserve(bytes: bytes, kind: RecordKind.loop) else { return }
    slot.storeBytes(of: loop, as: LoopRecord.self)
    commit(bytes)
  }

  /// Records how the servo bus and its servos are; only in a log that has the channel (`RecorderOptions.recordsBus`).
  @_noLocks
  public mutating func recordBus(_ bus: BusRecord) {
    let bytes = MemoryLayout<BusRecord>.size
    guard let slot = producer.reserve(bytes: bytes, kind: RecordKind.bus) else { return }
    slot.storeBytes(of: bus, as: BusRecord.self)
    commit(bytes)
  }

  /// Records an event; what the arguments mean is said at each case of `LogEvent`.
  @_noLocks
  public mutating func recordEvent(
    _ event: LogEvent, stamp: Int64, first: Int64 = 0, second: Int64 = 0, value: Double = 0
  ) {
    let bytes = MemoryLayout<EventRecord>.size
    guard let slot = producer.reserve(bytes: bytes, kind: RecordKind.event) else { return }
    slot.storeBytes(
      of: EventRecord(stamp: stamp, first: first, second: second, value: value, code: event.code), as: EventRecord.self)
    commit(bytes)
  }

  /// Records lost so far because the ring was full.
  public var droppedCount: Int { @_noLocks get { producer.droppedCount } }

  /// Sleeps until half of the ring is free. For runs on the virtual clock, which are faster than the log thread; never
  /// on a loop that keeps time. Returns at once when the disk refuses to take more (records are then dropped).
  @_noLocks
  public func awaitRoom() {
    while produced &- gate.consumed.pointee.load(ordering: .acquiring) > capacity / 2 {
      if gate.stalled.pointee.load(ordering: .relaxed) != 0 { return }
      _ = sinew_sleep_until_ns(sinew_now_ns() &+ 100_000)
    }
  }
}
