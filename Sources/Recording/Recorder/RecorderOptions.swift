/// How a log is made.
public struct RecorderOptions: Sendable {
  /// What the stamps of the records mean.
  public enum Clock: String, Sendable {
    /// CLOCK_MONOTONIC; the log's time is the realtime clock's, by one offset fixed at the start.
    case monotonic
    /// A simulation's own time from 0; nothing of the wall clock enters the file.
    case virtual
  }

  /// What the stamps mean.
  public var clock = Clock.monotonic
  /// How chunks are compressed.
  public var compression = Compression.zstd
  /// zstd's level.
  public var compressionLevel = 3
  /// No chunk spans more than this, and no record waits longer for its chunk to be written, ns (the log thread begins
  /// at three fifths of it). Nil: 250 ms; on the virtual clock, where only the records' own stamps count, 10 s.
  public var chunkDuration: Int64?
  /// A chunk is written when its content reaches this, bytes.
  public var chunkBytes = 1 << 18
  /// Bytes of the ring between control thread and log thread. Nil: 4 s of records at 1 kHz.
  public var ringBytes: Int?
  /// Most joint states per second that enter the log.
  public var jointStateRate = 100.0
  /// Whether each chunk is synchronised to the disk. Nil: on the monotonic clock only; the end always is.
  public var synchronizesChunks: Bool?
  /// How long `finish()` keeps trying to write to a disk that refuses, ns.
  public var finishPatience: Int64 = 1_000_000_000
  /// Whether the log has a channel `/bus`: for arms on a servo bus.
  public var recordsBus = false
  /// Names for the numbers in events.
  public var vocabulary = LogVocabulary()

  /// The defaults: a run on the real clock.
  public init() {}

  var effectiveChunkDuration: Int64 { chunkDuration ?? (clock == .monotonic ? 250_000_000 : 10_000_000_000) }
  var effectiveSynchronizes: Bool { synchronizesChunks ?? (clock == .monotonic) }
}

/// A file to be carried inside the log: a policy, a task, a calibration.
public struct LogAttachment: Sendable, Equatable {
  /// A file name.
  public var name: String
  /// For example `application/yaml`.
  public var mediaType: String
  /// The file's bytes.
  public var data: [UInt8]
  /// A file by name, kind and content.
  public init(name: String, mediaType: String, data: [UInt8]) {
    self.name = name
    self.mediaType = mediaType
    self.data = data
  }
}

/// What became of a log.
public struct RecordingSummary: Sendable, Equatable {
  /// The log.
  public var path: String
  /// Messages per topic.
  public var messageCounts: [String: UInt64] = [:]
  /// Bytes that the disk took.
  public var bytes: UInt64 = 0
  /// Records lost because the ring was full.
  public var dropped = 0
  /// Most bytes that were seen waiting in the ring, and how many it holds.
  public var ringPeak = 0
  public var ringCapacity = 0
  /// Bytes made but never taken by the disk.
  public var unwrittenBytes = 0
  /// Whether anything was lost.
  public var isLossy: Bool { dropped > 0 || unwrittenBytes > 0 }
  /// The first failure of the disk, if there was one (it may have been made up for since).
  public var error: String?
}
