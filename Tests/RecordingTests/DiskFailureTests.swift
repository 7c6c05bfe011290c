import Foundation
import Recording
import RecordingTestSupport
import Synchronization
import Testing

/// A disk that can be slow, full or broken.
final class FaultySink: LogSink {
  struct State {
    var bytes: [UInt8] = []
    /// Bytes accepted before the disk is full.
    var capacity = Int.max
    /// Most bytes accepted by one call.
    var piece = Int.max
    /// Every call blocks until this is false.
    var isBlocked = false
    var synchronizations = 0
    var synchronizationFails = false
    var isClosed = false
  }
  private let shared: SharedState
  init(_ shared: SharedState) { self.shared = shared }

  /// What test and log thread both see.
  final class SharedState: Sendable {
    let state = Mutex(State())
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(SinkFailure) -> Int {
    while shared.state.withLock({ $0.isBlocked }) { usleep(1000) }
    let copy = Array(bytes)
    let count = shared.state.withLock { state -> Int in
      let count = min(copy.count, state.piece, state.capacity - state.bytes.count)
      state.bytes += copy[..<count]
      return count
    }
    guard count > 0 else { throw SinkFailure(code: ENOSPC) }
    return count
  }

  func synchronize() throws(SinkFailure) {
    let fails = shared.state.withLock { state in
      state.synchronizations += 1
      return state.synchronizationFails
    }
    if fails { throw SinkFailure(code: EIO) }
  }

  func close() { shared.state.withLock { $0.isClosed = true } }
}

@Suite
struct DiskFailureTests {
  private func start(
    _ shared: FaultySink.SharedState, ringBytes: Int? = nil, patience: Int64 = 100_000_000
  ) throws -> Recorder {
    var options = RecorderOptions()
    options.ringBytes = ringBytes
    options.finishPatience = patience
    return try Recorder.start(
      sink: FaultySink(shared), path: "faulty", options: options, layout: reacher, jointNames: ["a", "b"])
  }

  private func messages(_ bytes: [UInt8], topic: String) throws -> Int {
    let reader = try McapIndexedReader(source: MemorySource(bytes))
    let id = try #require(reader.channels.values.first { $0.topic == topic }?.id)
    return Int(reader.statistics?.channelMessageCounts[id] ?? 0)
  }

  @Test("a disk that blocks for two seconds at 1 kHz costs nothing: the default ring holds them")
  func slowDisk() throws {
    let shared = FaultySink.SharedState()
    let recorder = try start(shared)
    var port = recorder.makePort()
    shared.state.withLock { $0.isBlocked = true }
    var noise = Noise(seed: 1)
    let began = monotonicNow()
    for index in 0..<2000 {
      record(index, stamp: began + Int64(index) * 1_000_000, duration: 0.001, into: &port, noise: &noise)
    }
    #expect(port.droppedCount == 0)
    shared.state.withLock { $0.isBlocked = false }
    let summary = recorder.finish()
    #expect(!summary.isLossy && summary.error == nil)
    let state = shared.state.withLock { $0 }
    #expect(try messages(state.bytes, topic: "/transition") == 2000)
    #expect(state.isClosed && state.synchronizations > 0)
  }

  @Test("a disk that blocks for longer loses records, counts them and says so in the log; the producer never waits")
  func blockedDisk() throws {
    let shared = FaultySink.SharedState()
    shared.state.withLock { $0.isBlocked = true }
    let recorder = try start(shared, ringBytes: 65_536)
    var port = recorder.makePort()
    var noise = Noise(seed: 1)
    let began = monotonicNow()
    for index in 0..<5000 {
      record(index, stamp: began + Int64(index) * 1_000_000, duration: 0.001, into: &port, noise: &noise)
    }
    let dropped = port.droppedCount
    #expect(dropped > 4000)
    shared.state.withLock { $0.isBlocked = false }
    let summary = recorder.finish()
    #expect(summary.isLossy && summary.dropped == dropped && summary.unwrittenBytes == 0)
    let bytes = shared.state.withLock { $0.bytes }
    let total = try ["/transition", "/joint_states", "/events"].map { try messages(bytes, topic: $0) }.reduce(0, +)
    // All that was not dropped is there, and one event of the log thread's own.
    #expect(total == 5000 + 500 + 200 - dropped + 1)
    let reader = try McapIndexedReader(source: MemorySource(bytes))
    let index = try #require(reader.metadataIndexes.first { $0.name == "recording" })
    #expect(try reader.metadata(index).metadata == ["lossy": "true", "dropped": "\(dropped)"])
    var texts: [String] = []
    try reader.forEachMessage(topics: ["/events"]) { _, message in
      texts.append(String(decoding: message.data, as: UTF8.self))
      return true
    }
    #expect(texts.contains { $0.contains("\(dropped) records lost so far") })
  }

  @Test("a full disk keeps what it took: a valid beginning of the log, and the summary says what is missing")
  func fullDisk() throws {
    let shared = FaultySink.SharedState()
    shared.state.withLock { $0.capacity = 50_000 }
    let recorder = try start(shared)
    var port = recorder.makePort()
    var noise = Noise(seed: 1)
    let began = monotonicNow()
    for index in 0..<1500 {
      record(index, stamp: began + Int64(index) * 1_000_000, duration: 0.001, into: &port, noise: &noise)
    }
    let summary = recorder.finish()
    #expect(summary.isLossy && summary.unwrittenBytes > 0 && summary.bytes == 50_000)
    #expect(summary.error == "cannot write the log: No space left on device")
    let bytes = shared.state.withLock { $0.bytes }
    var count = 0
    #expect(throws: McapError.self) {
      try MemorySource(bytes).scan { record, _ in
        if case .message = record { count += 1 }
        return true
      }
    }
    #expect(count > 100)
  }

  @Test("a disk that is full for a while and takes bytes piece by piece loses nothing")
  func recoveringDisk() throws {
    let shared = FaultySink.SharedState()
    shared.state.withLock { ($0.capacity, $0.piece) = (10_000, 777) }
    let recorder = try start(shared, patience: 10_000_000_000)
    var port = recorder.makePort()
    var noise = Noise(seed: 1)
    let began = monotonicNow()
    for index in 0..<1500 {
      record(index, stamp: began + Int64(index) * 1_000_000, duration: 0.001, into: &port, noise: &noise)
    }
    while shared.state.withLock({ $0.bytes.count }) < 10_000 { usleep(1000) }
    usleep(50_000)
    shared.state.withLock { $0.capacity = .max }
    let summary = recorder.finish()
    #expect(!summary.isLossy)
    #expect(summary.error == "cannot write the log: No space left on device")
    #expect(try messages(shared.state.withLock { $0.bytes }, topic: "/transition") == 1500)
  }

  @Test("a failing synchronisation is noted and the log goes on")
  func failingSynchronisation() throws {
    let shared = FaultySink.SharedState()
    shared.state.withLock { $0.synchronizationFails = true }
    let recorder = try start(shared)
    var port = recorder.makePort()
    var noise = Noise(seed: 1)
    for index in 0..<100 { record(index, stamp: monotonicNow(), duration: 0.001, into: &port, noise: &noise) }
    let summary = recorder.finish()
    #expect(summary.error == "cannot write the log: Input/output error")
    #expect(try messages(shared.state.withLock { $0.bytes }, topic: "/transition") == 100)
  }

  @Test("an empty file is taken for a log once; while it is written, or holds anything, it is another's")
  func emptyFile() throws {
    let folder = try ScratchFolder()
    let path = folder.path("run.mcap")
    #expect(FileManager.default.createFile(atPath: path, contents: Data()))
    let sink = try FileSink(path: path)
    // Nothing is written yet, and yet it is taken.
    #expect(throws: RecordingError.self) { try FileSink(path: path) }
    #expect(try withUnsafeBytes(of: UInt8(1)) { (bytes) throws(SinkFailure) in try sink.write(bytes) } == 1)
    sink.close()
    #expect(throws: RecordingError.self) { try FileSink(path: path) }
  }

  @Test("/dev/full: the producer goes on, the summary names the cause")
  func devFull() throws {
    var options = RecorderOptions()
    options.finishPatience = 50_000_000
    let recorder = try Recorder.start(path: "/dev/full", options: options, layout: reacher, jointNames: ["a", "b"])
    var port = recorder.makePort()
    var noise = Noise(seed: 1)
    for index in 0..<3000 { record(index, stamp: monotonicNow(), duration: 0.001, into: &port, noise: &noise) }
    let summary = recorder.finish()
    #expect(summary.bytes == 0 && summary.isLossy && summary.unwrittenBytes > 0)
    #expect(summary.error == "cannot write the log: No space left on device")
  }
}
