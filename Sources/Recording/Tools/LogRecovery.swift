import Glibc

/// What a recovery brought back, and what not.
public struct RecoveryReport: Sendable, Equatable {
  /// How many of each kind of record.
  public struct Counts: Sendable, Equatable {
    /// Schemas.
    public var schemas = 0
    /// Channels.
    public var channels = 0
    /// Messages.
    public var messages = 0
    /// Chunks.
    public var chunks = 0
    /// Attachments.
    public var attachments = 0
    /// Metadata records.
    public var metadata = 0
  }
  /// What is in the output.
  public var recovered = Counts()
  /// A discarded chunk counts once; its messages cannot be counted.
  public var discarded = Counts()
  /// Records of any kind whose content made no sense.
  public var malformedRecords = 0
  /// Bytes at the end that belong to no whole record.
  public var discardedBytes: UInt64 = 0
  /// Whether the input was finished properly.
  public var wasClosed = false
  /// What was found, a line each.
  public var notes: [String] = []

  /// Whether anything in the input could not be brought back. Indexes, checksums and the summary are made anew and are
  /// no loss.
  public var isLossy: Bool { discarded != Counts() || malformedRecords > 0 || discardedBytes > 0 }
  /// 0: all recovered; 3: recovered with loss. (A hard failure is thrown: exit code 1.)
  public var exitCode: Int32 { isLossy ? 3 : 0 }

  /// Lines for a terminal.
  public var text: String {
    func line(_ name: String, _ counts: Counts) -> String {
      let parts = [
        counted(counts.messages, "message"), counted(counts.chunks, "chunk"), counted(counts.schemas, "schema"),
        counted(counts.channels, "channel"), counted(counts.attachments, "attachment"), "\(counts.metadata) metadata",
      ]
      return "\(name): \(parts.joined(separator: ", "))"
    }
    var lines = notes + [line("recovered", recovered), line("discarded", discarded)]
    if malformedRecords > 0 { lines.append("discarded: \(counted(malformedRecords, "malformed record"))") }
    if discardedBytes > 0 { lines.append("discarded: \(counted(discardedBytes, "byte")) at the end") }
    return lines.joined(separator: "\n")
  }
}

/// Mends logs: whatever can be read of a damaged or unfinished file goes into a new, complete one.
public enum LogRecovery {
  /// Recovers `source` into `target`.
  ///
  /// The source is only read. The target is written under a temporary name beside it and renamed when it is complete;
  /// it must not exist before.
  /// - Parameters:
  ///   - compression: nil keeps that of the first chunk.
  ///   - progress: is told while reading which fraction of the bytes was read.
  /// - Throws: a hard failure (exit code 1): nothing readable, the target cannot be written.
  public static func recover(
    from source: String, to target: String, compression: Compression? = nil, chunkBytes: Int = 1 << 20,
    progress: ((Double) -> Void)? = nil
  ) throws(RecordingError) -> RecoveryReport {
    let file = try check(from: source, to: target)
    let input: any ByteSource = progress.map { ObservedSource(file, progress: $0) } ?? file
    let temporary = "\(target).recovering-\(getpid())"
    let sink = try FileSink(path: temporary)
    do throws(RecordingError) {
      let report = try recover(
        input, name: source, into: sink, name: target, compression: compression, chunkBytes: chunkBytes)
      try save(temporary, as: target, sink: sink)
      return report
    } catch {
      sink.close()
      unlink(temporary)
      throw error
    }
  }

  /// Recovers bytes into a sink; the names are for errors.
  public static func recover(
    _ source: any ByteSource, name sourceName: String, into sink: any LogSink, name targetName: String,
    compression: Compression? = nil, chunkBytes: Int = 1 << 20, limit: UInt64 = McapLimits.record
  ) throws(RecordingError) -> RecoveryReport {
    var session = try RecoverySession(
      input: source, inputPath: sourceName, output: sink, path: targetName, compression: compression,
      chunkBytes: chunkBytes, limit: limit)
    return try session.run()
  }

  /// Whether the request makes sense, before anything is read or written: a readable file, a new target in a folder
  /// that may be written to. Returns the opened source.
  @discardableResult
  public static func check(from source: String, to target: String) throws(RecordingError) -> FileSource {
    let file = try FileSource(path: source)
    try refuseUnlessNew(target, source: source)
    let slash = target.lastIndex(of: "/")
    let folder = slash.map { $0 == target.startIndex ? "/" : String(target[..<$0]) } ?? "."
    guard !target.isEmpty, !target.hasSuffix("/"), access(folder, W_OK | X_OK) == 0 else {
      let code = target.isEmpty || target.hasSuffix("/") ? EISDIR : errno
      throw RecordingError(
        path: target, operation: "cannot be created", code: code,
        suggestion: "check that the folder exists and may be written")
    }
    return file
  }

  private static func refuseUnlessNew(_ target: String, source: String) throws(RecordingError) {
    var found = stat()
    guard stat(target, &found) == 0 else { return }
    var original = stat()
    if stat(source, &original) == 0, found.st_dev == original.st_dev, found.st_ino == original.st_ino {
      throw RecordingError(path: target, message: "is the input itself", suggestion: "name another output")
    }
    throw RecordingError(path: target, message: "exists already", suggestion: "choose another name or move it away")
  }

  private static func save(_ temporary: String, as target: String, sink: FileSink) throws(RecordingError) {
    do throws(SinkFailure) { try sink.synchronize() } catch {
      throw RecordingError(path: target, operation: "cannot synchronise", code: error.code)
    }
    sink.close()
    // link + unlink instead of rename: a file that appeared meanwhile is not overwritten.
    if link(temporary, target) == 0 {
      unlink(temporary)
      return
    }
    let code = errno
    guard code != EEXIST else { throw RecordingError(path: target, message: "exists already") }
    // File systems without hard links.
    guard rename(temporary, target) == 0 else {
      throw RecordingError(path: target, operation: "cannot rename", code: errno)
    }
  }
}
