import Glibc

/// Bytes that can be read at any place: a file, or memory.
public protocol ByteSource {
  /// Number of bytes there are.
  var size: UInt64 { get }
  /// Exactly `count` bytes from `offset`; asking beyond the end is an error, so a length from a file cannot make this
  /// allocate more than there is.
  func read(at offset: UInt64, count: UInt64) throws(McapError) -> [UInt8]
}

/// Bytes in memory.
public struct MemorySource: ByteSource {
  private let bytes: [UInt8]
  /// A source over a copy of `bytes`.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }
  /// Number of bytes.
  public var size: UInt64 { UInt64(bytes.count) }

  /// The bytes asked for; beyond the end is `.truncated`.
  public func read(at offset: UInt64, count: UInt64) throws(McapError) -> [UInt8] {
    guard offset <= size, count <= size - offset else {
      throw McapError(.truncated(needed: count, available: size - min(offset, size)), at: offset)
    }
    return Array(bytes[Int(offset)..<Int(offset + count)])
  }
}

/// A file opened for reading; closed when the last reference goes.
public final class FileSource: ByteSource {
  private let descriptor: Int32
  /// The file's path as given.
  public let path: String
  /// Bytes the file had when it was opened.
  public let size: UInt64

  /// Opens an existing regular file.
  public init(path: String) throws(RecordingError) {
    // O_NONBLOCK: opening a pipe must not wait for a writer; it is refused below. On regular files it has no effect.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw RecordingError(path: path, operation: "cannot open", code: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw RecordingError(path: path, operation: "cannot inspect", code: code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw RecordingError(path: path, message: "is not a regular file", suggestion: "give the path of a .mcap log")
    }
    self.descriptor = descriptor
    self.path = path
    size = UInt64(max(0, status.st_size))
  }

  deinit { close(descriptor) }

  /// The bytes asked for; beyond the end is `.truncated`, a refusal of the system `.system`.
  public func read(at offset: UInt64, count: UInt64) throws(McapError) -> [UInt8] {
    guard offset <= size, count <= size - offset else {
      throw McapError(.truncated(needed: count, available: size - min(offset, size)), at: offset)
    }
    var bytes = [UInt8](repeating: 0, count: Int(count))
    var filled = 0
    while filled < bytes.count {
      let got = bytes.withUnsafeMutableBytes { room -> Int in
        guard let base = room.baseAddress else { return 0 }
        return pread(descriptor, base + filled, room.count - filled, off_t(offset) + off_t(filled))
      }
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw McapError(.system(code: errno, operation: "read"), at: offset + UInt64(filled)) }
      guard got > 0 else {
        throw McapError(.truncated(needed: count, available: UInt64(filled)), at: offset)
      }
      filled += got
    }
    return bytes
  }
}

extension ByteSource {
  /// Feeds everything to a linear reader, piece by piece, and hands each event's record to `body`, until the end of
  /// the data, or until `body` answers false. Recoverable errors go to `failed`, which decides whether to go on (true).
  public func scan(
    options: McapLinearReader.Options = .init(), failed: (McapError) -> Bool = { _ in false },
    _ body: (McapRecord, _ offset: UInt64) throws(McapError) -> Bool
  ) throws(McapError) {
    var reader = McapLinearReader(options: options)
    var position: UInt64 = 0
    while true {
      do throws(McapError) {
        switch try reader.next() {
        case .finished: return
        case .record(let record, let offset): if try !body(record, offset) { return }
        case .needMore(let count):
          let piece = min(size - position, UInt64(max(count, 1 << 18)))
          guard piece > 0 else {
            reader.end()
            continue
          }
          let bytes = try read(at: position, count: piece)
          bytes.withUnsafeBytes { reader.feed($0) }
          position += piece
        }
      } catch {
        guard error.isRecoverable, failed(error) else { throw error }
      }
    }
  }
}
