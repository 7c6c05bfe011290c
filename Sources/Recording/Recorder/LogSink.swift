import Glibc

/// A system call of a sink that failed.
public struct SinkFailure: Error, Sendable, Equatable {
  /// The errno value.
  public let code: Int32
  /// A failure with an errno value.
  public init(code: Int32) { self.code = code }
}

/// Where a recorder's bytes go. `write` and `close` are called by the log thread, `synchronize` also by another one
/// while a `write` may be under way. Tests put slow and full ones in the place of a file.
public protocol LogSink: AnyObject {
  /// Accepts the bytes, or the first part of them; returns how many.
  func write(_ bytes: UnsafeRawBufferPointer) throws(SinkFailure) -> Int
  /// Returns when what was written would survive a loss of power.
  func synchronize() throws(SinkFailure)
  /// No more is written.
  func close()
}

/// A file made for one log, and locked for as long as it is written.
public final class FileSink: LogSink {
  private var descriptor: Int32

  /// Creates the file; an existing regular file is never overwritten, but for an empty one that nobody is writing: what a
  /// full disk left of another log.
  public init(path: String) throws(RecordingError) {
    var descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    if descriptor < 0 && errno == EEXIST {
      var status = stat()
      guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR,
        status.st_mode & S_IFMT != S_IFREG || status.st_size == 0
      else { throw Self.existing(path) }
      // A device or a pipe: written to, not made. A pipe that nobody reads is refused at once instead of waited for.
      descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK)
      if descriptor >= 0 { _ = fcntl(descriptor, F_SETFL, O_WRONLY) }
    }
    guard descriptor >= 0 else {
      throw RecordingError(
        path: path, operation: "cannot create the log", code: errno,
        suggestion: "check that the folder exists and may be written")
    }
    // Another run may have begun the same file just now, and not have written to it yet.
    var status = stat()
    let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    guard !isFile || (flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) && status.st_size == 0 else {
      _ = Glibc.close(descriptor)
      throw Self.existing(path)
    }
    self.descriptor = descriptor
  }

  private static func existing(_ path: String) -> RecordingError {
    RecordingError(path: path, message: "exists already", suggestion: "choose another name or move it away")
  }

  deinit { close() }

  /// Writes some of the bytes, in one system call.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(SinkFailure) -> Int {
    while true {
      let count = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
      if count >= 0 { return count }
      guard errno == EINTR else { throw SinkFailure(code: errno) }
    }
  }

  /// `fdatasync`; what cannot be synchronised (pipes, devices) is passed over.
  public func synchronize() throws(SinkFailure) {
    guard fdatasync(descriptor) != 0 else { return }
    // Pipes and devices have nothing to synchronise.
    guard errno == EINVAL || errno == EROFS else { throw SinkFailure(code: errno) }
  }

  /// Closes the file; a second time nothing happens.
  public func close() {
    guard descriptor >= 0 else { return }
    _ = Glibc.close(descriptor)
    descriptor = -1
  }
}
