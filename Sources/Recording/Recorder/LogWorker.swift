import CSystem
import Glibc
import RealTime

/// The log thread: empties the ring, encodes, compresses and writes; a second thread synchronises.
///
/// A disk that refuses never reaches the control thread: bytes wait in a bounded backlog and are offered again from
/// where the disk stopped, so that the file is always a valid beginning of the log; when the backlog is full the ring
/// fills, too, and records are dropped and counted there.
final class LogWorker {
  /// Most bytes that wait for a disk that refuses.
  static let backlogLimit = 8 << 20
  /// ns between looks at the ring, and between tries on a disk that refuses.
  private static let pollPeriod: Int64 = 2_000_000
  private static let retryPeriod: Int64 = 100_000_000

  private let memory: RecorderMemory
  private let options: RecorderOptions
  private let sink: any LogSink
  private var encoder: LogEncoder
  private var backlog: [UInt8] = []
  private var backlogStart = 0
  private var retryAt: Int64 = 0
  private var reportedDrops = 0
  private var dropsReportedAt = Int64.min / 2
  private var needsSynchronizing = false
  /// Nil when chunks are not to be synchronised.
  private var synchronizer: SinkSynchronizer?
  /// Complete when the thread has ended.
  private(set) var summary: RecordingSummary

  init(path: String, memory: RecorderMemory, options: RecorderOptions, preamble: LogPreamble, sink: any LogSink) {
    self.memory = memory
    self.options = options
    self.sink = sink
    encoder = LogEncoder(options: options, preamble: preamble)
    summary = RecordingSummary(path: path)
    summary.ringCapacity = memory.ring.capacity
  }

  /// The thread's body: returns when it was asked to stop and the file is finished.
  func run() {
    // The chunk duration is a promise on a busy machine, too. Without the right to it the thread stays ordinary.
    _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, -10)
    if options.effectiveSynchronizes { synchronizer = SinkSynchronizer(sink) }
    // What explains the chunks goes to the disk before the first of them.
    drainWriter()
    flush()
    while true {
      let isStopping = memory.gate.stop.pointee.load(ordering: .acquiring) != 0
      let isBusy = emptyRing(limit: isStopping ? .max : Self.backlogLimit)
      noteDrops(isLast: false)
      closeOldChunk()
      drainWriter()
      flush()
      let isStalled = backlogCount >= Self.backlogLimit
      memory.gate.stalled.pointee.store(isStalled ? 1 : 0, ordering: .relaxed)
      if isStopping && !isBusy { break }
      if !isStopping && (!isBusy || isStalled) { _ = sinew_sleep_until_ns(sinew_now_ns() + Self.pollPeriod) }
    }
    finish()
  }

  private var backlogCount: Int { backlog.count - backlogStart }

  /// Encodes what is in the ring, a batch at a time so that chunks are written in between; true when there was any.
  private func emptyRing(limit: Int) -> Bool {
    let duration = options.effectiveChunkDuration
    summary.ringPeak = max(summary.ringPeak, memory.ring.backlog)
    var count = 0
    while count < 512, backlogCount < limit {
      let isTaken = memory.ring.pop { kind, payload in
        if let oldest = encoder.oldestStamp, LogEncoder.stamp(of: kind, payload) &- oldest >= duration {
          encoder.writer.closeChunk()
        }
        encoder.append(kind: kind, payload, dropped: memory.ring.droppedCount)
        memory.gate.consumed.pointee.wrappingAdd((payload.count + 15) & ~7, ordering: .releasing)
      }
      guard isTaken else { break }
      count += 1
    }
    return count > 0
  }

  /// On the real clock a chunk is also closed when its oldest message has waited. Begun at three fifths of the
  /// duration, because on a busy machine this thread is late by tens of milliseconds, more than once on the way to the
  /// disk, and the duration is a promise.
  private func closeOldChunk() {
    guard options.clock == .monotonic, let oldest = encoder.oldestStamp else { return }
    let patience = options.effectiveChunkDuration / 5 * 3
    if sinew_now_ns() &- oldest >= patience { encoder.writer.closeChunk() }
  }

  /// Says in the log that records were lost, at most once a second.
  private func noteDrops(isLast: Bool) {
    let dropped = memory.ring.droppedCount
    guard dropped > reportedDrops, isLast || encoder.lastStamp &- 1_000_000_000 >= dropsReportedAt else { return }
    reportedDrops = dropped
    dropsReportedAt = encoder.lastStamp
    encoder.append(.lossy, stamp: encoder.lastStamp, first: Int64(dropped), second: 0, value: 0)
  }

  private func drainWriter() {
    if backlogStart > 0 && backlogStart == backlog.count {
      backlog.removeAll(keepingCapacity: true)
      backlogStart = 0
    }
    encoder.writer.drain { backlog.append(contentsOf: $0) }
  }

  /// Offers the backlog to the disk. After a refusal it waits before it tries again.
  private func flush() {
    guard backlogCount > 0 else { return }
    let now = sinew_now_ns()
    guard now >= retryAt else { return }
    do throws(SinkFailure) {
      while backlogCount > 0 {
        let start = backlogStart
        let taken = try backlog.withUnsafeBufferPointer { (bytes) throws(SinkFailure) -> Int in
          try sink.write(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[start...])))
        }
        guard taken > 0 else { throw SinkFailure(code: 0) }
        backlogStart += taken
        summary.bytes += UInt64(taken)
        memory.gate.written.pointee.wrappingAdd(taken, ordering: .relaxed)
        needsSynchronizing = true
      }
      if let synchronizer {
        synchronizer.request()
      } else if options.effectiveSynchronizes {
        // No second thread was to be had.
        try synchronize()
      }
    } catch {
      note(error)
      retryAt = sinew_now_ns() + Self.retryPeriod
    }
  }

  private func synchronize() throws(SinkFailure) {
    guard needsSynchronizing else { return }
    needsSynchronizing = false
    try sink.synchronize()
  }

  private func note(_ failure: SinkFailure) {
    guard summary.error == nil else { return }
    summary.error = "cannot write the log: " + (failure.code == 0 ? "nothing accepted" : systemErrorText(failure.code))
  }

  private func finish() {
    noteDrops(isLast: true)
    let dropped = memory.ring.droppedCount
    encoder.writer.write(
      McapMetadata(name: "recording", metadata: ["lossy": "\(dropped > 0)", "dropped": "\(dropped)"]))
    encoder.writer.finish()
    drainWriter()
    let deadline = sinew_now_ns() + options.finishPatience
    flush()
    while backlogCount > 0 && sinew_now_ns() < deadline {
      _ = sinew_sleep_until_ns(sinew_now_ns() + Self.pollPeriod)
      flush()
    }
    synchronizer?.stop()
    if let failure = synchronizer?.firstFailure { note(failure) }
    do throws(SinkFailure) { try synchronize() } catch { note(error) }
    sink.close()
    summary.dropped = dropped
    summary.unwrittenBytes = backlogCount
    summary.messageCounts = encoder.messageCounts
  }
}
