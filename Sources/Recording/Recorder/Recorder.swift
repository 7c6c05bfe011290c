import CSystem
import Glibc
import RealTime

/// Records a run: takes records from the control thread through a ring and writes them into an MCAP file on a thread
/// of its own.
///
/// From `start` on the file holds header, schemas, channels, metadata and attachments; each record is in the file at
/// most a chunk's duration (250 ms) later, whatever becomes of the process. Not for the control thread, which holds the
/// `RecorderPort`.
public final class Recorder {
  private let memory: RecorderMemory
  private let worker: LogWorker
  private let options: RecorderOptions
  private let layout: TransitionLayout
  private var thread: pthread_t?
  private var hasPort = false

  /// Creates the file and starts the log thread, which runs on the cores that the calling thread may use: call this
  /// before pinning.
  ///
  /// - Parameters:
  ///   - path: a file that does not exist yet.
  ///   - layout: dimensions of the run's transitions.
  ///   - jointNames: as many as `layout.jointCount`, in the arm's joint order.
  ///   - metadata: metadata records by name; `session` is completed by the clock, its offset and the joints.
  ///   - attachments: files to carry along.
  ///   - robotDescription: URDF for `/robot_description`.
  /// - Throws: when the file cannot be created or the joints do not fit the layout.
  public static func start(
    path: String, options: RecorderOptions = .init(), layout: TransitionLayout, jointNames: [String],
    metadata: [String: [String: String]] = [:], attachments: [LogAttachment] = [], robotDescription: String? = nil
  ) throws(RecordingError) -> Recorder {
    try check(path: path, options: options, layout: layout, jointNames: jointNames)
    let sink = try FileSink(path: path)
    return try start(
      sink: sink, path: path, options: options, layout: layout, jointNames: jointNames, metadata: metadata,
      attachments: attachments, robotDescription: robotDescription)
  }

  /// The same with a sink of the caller's; `path` only names it.
  public static func start(
    sink: any LogSink, path: String, options: RecorderOptions = .init(), layout: TransitionLayout,
    jointNames: [String], metadata: [String: [String: String]] = [:], attachments: [LogAttachment] = [],
    robotDescription: String? = nil
  ) throws(RecordingError) -> Recorder {
    try check(path: path, options: options, layout: layout, jointNames: jointNames)
    let isReal = options.clock == .monotonic
    let preamble = LogPreamble(
      layout: layout, jointNames: jointNames, metadata: metadata, attachments: attachments,
      robotDescription: robotDescription, startStamp: isReal ? sinew_now_ns() : 0,
      realtimeOffset: isReal ? sinew_realtime_ns() - sinew_now_ns() : 0)
    let recorder = Recorder(path: path, options: options, preamble: preamble, sink: sink)
    try recorder.startThread(path: path)
    return recorder
  }

  private static func check(
    path: String, options: RecorderOptions, layout: TransitionLayout, jointNames: [String]
  ) throws(RecordingError) {
    guard jointNames.count == layout.jointCount else {
      throw RecordingError(
        path: path, message: "\(jointNames.count) joint names for \(layout.jointCount) joints",
        suggestion: "give one name per joint")
    }
    guard options.jointStateRate > 0, options.jointStateRate.isFinite, options.chunkBytes > 0,
      options.effectiveChunkDuration > 0
    else {
      throw RecordingError(path: path, message: "joint-state rate, chunk size and chunk duration must be positive")
    }
  }

  private init(path: String, options: RecorderOptions, preamble: LogPreamble, sink: any LogSink) {
    self.options = options
    layout = preamble.layout
    let largest =
      32
      + max(
        preamble.layout.byteCount(isFinal: true), 24 * preamble.layout.jointCount, MemoryLayout<BusRecord>.size)
    let joints = Int(min(options.jointStateRate, 1000)) * (32 + 24 * preamble.layout.jointCount)
    let perSecond = 1000 * (24 + preamble.layout.byteCount(isFinal: false)) + joints
    memory = RecorderMemory(ringBytes: max(options.ringBytes ?? 4 * perSecond, 16 * largest))
    worker = LogWorker(path: path, memory: memory, options: options, preamble: preamble, sink: sink)
  }

  deinit { _ = finish() }

  private func startThread(path: String) throws(RecordingError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    // Ordinary scheduling, also when the thread that starts us runs in real time.
    pthread_attr_setinheritsched(&attributes, CInt(PTHREAD_EXPLICIT_SCHED))
    pthread_attr_setschedpolicy(&attributes, SCHED_OTHER)
    // Signals are for the threads that asked for them.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    // A fault of its own must still reach the handler that stops the arm.
    for fault in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS] { sigdelset(&all, fault) }
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let argument = Unmanaged.passRetained(worker)
    var thread = pthread_t()
    let status = pthread_create(&thread, &attributes, logThread, argument.toOpaque())
    guard status == 0 else {
      argument.release()
      throw RecordingError(path: path, operation: "cannot start the log thread", code: status)
    }
    self.thread = thread
  }

  /// The control thread's end; there is one.
  public func makePort() -> RecorderPort {
    precondition(!hasPort, "a recorder has one port")
    hasPort = true
    return RecorderPort(memory: memory, layout: layout, jointPeriod: Int64(1e9 / options.jointStateRate))
  }

  /// Records lost so far because the ring was full.
  public var droppedCount: Int { memory.ring.droppedCount }

  /// Bytes that the disk has taken so far.
  public var bytesWritten: Int { memory.gate.written.pointee.load(ordering: .relaxed) }

  /// Bytes of the ring.
  public var ringCapacity: Int { memory.ring.capacity }

  /// Writes what is left in the ring, closes the file and ends the thread. Again: the same summary.
  public func finish() -> RecordingSummary {
    if let thread {
      memory.gate.stop.pointee.store(1, ordering: .releasing)
      pthread_join(thread, nil)
      self.thread = nil
    }
    return worker.summary
  }
}

private func logThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  // A crash of this thread, too, must still reach the arm.
  _ = sinew_thread_add_fault_stack()
  Unmanaged<LogWorker>.fromOpaque(argument).takeRetainedValue().run()
  sinew_thread_remove_fault_stack()
  return nil
}
