/// Why bytes are not the MCAP that they claim to be, or could not be read at all: the cause, and the byte where it was
/// seen.
public struct McapError: Error, Sendable, Equatable {
  /// The kinds of failure.
  public enum Cause: Sendable, Equatable {
    /// The first or the last eight bytes are not MCAP's.
    case badMagic(atEnd: Bool)
    /// The data ends inside a record; `needed` bytes were announced, `available` are there.
    case truncated(needed: UInt64, available: UInt64)
    /// The data ends before a footer was seen.
    case missingFooter
    /// A record announces more bytes than the reader accepts.
    case recordTooLarge(length: UInt64, limit: UInt64)
    /// Opcode 0, which the format forbids (a zero-filled tail looks like this).
    case invalidOpcode
    /// A field of a record reaches beyond the record, or is not what its type allows.
    case malformed(record: String, field: String)
    /// A chunk names a compression that this reader does not have.
    case unsupportedCompression(String)
    /// The compressed bytes of a chunk do not decompress.
    case decompression(String)
    /// A chunk's content is shorter or longer than it announced.
    case sizeMismatch(announced: UInt64, found: UInt64)
    /// A checksum does not fit its bytes.
    case checksumMismatch(announced: UInt32, computed: UInt32)
    /// A record that may not lie inside a chunk lies there.
    case notAllowedInChunk(opcode: UInt8)
    /// A record lies where an index or the footer says that another one lies.
    case unexpectedRecord(expected: String)
    /// The file has no summary to read by.
    case noSummary
    /// A message names a channel that no record before it described.
    case unknownChannel(UInt16)
    /// The system refused to read or write; `errno` says why.
    case system(code: Int32, operation: String)
  }

  /// What is wrong.
  public var cause: Cause
  /// Byte in the file (or stream) at which the failure was seen.
  public var offset: UInt64

  /// A failure seen at byte `offset`.
  public init(_ cause: Cause, at offset: UInt64) {
    self.cause = cause
    self.offset = offset
  }

  /// Whether a linear reader can go on behind the record that caused this: its length was sound, its content was not.
  public var isRecoverable: Bool {
    switch cause {
    case .malformed, .unsupportedCompression, .decompression, .sizeMismatch, .checksumMismatch, .notAllowedInChunk,
      .unknownChannel:
      true
    case .badMagic, .truncated, .missingFooter, .recordTooLarge, .invalidOpcode, .unexpectedRecord, .noSummary, .system:
      false
    }
  }
}

extension McapError: CustomStringConvertible {
  /// One line: cause and byte.
  public var description: String { "\(causeText) at byte \(offset)" }

  private var causeText: String {
    switch cause {
    case .badMagic(let atEnd): atEnd ? "no MCAP magic at the end" : "no MCAP magic at the start: not an MCAP file"
    case .truncated(let needed, let available): "truncated: \(needed) bytes announced, \(available) there"
    case .missingFooter: "the data ends without a footer"
    case .recordTooLarge(let length, let limit): "a record announces \(length) bytes, more than the limit of \(limit)"
    case .invalidOpcode: "opcode 0, which is no record"
    case .malformed(let record, let field): "malformed \(record): \(field)"
    case .unsupportedCompression(let name): "unsupported compression '\(name)'"
    case .decompression(let reason): "chunk does not decompress: \(reason)"
    case .sizeMismatch(let announced, let found): "chunk announces \(announced) bytes but holds \(found)"
    case .checksumMismatch(let announced, let computed): "checksum \(computed), announced \(announced)"
    case .notAllowedInChunk(let opcode): "record with opcode \(opcode) inside a chunk"
    case .unexpectedRecord(let expected): "no \(expected) record where one was announced"
    case .noSummary: "the file has no summary"
    case .unknownChannel(let id): "message on channel \(id), which nothing described before"
    case .system(let code, let operation): "\(operation) failed: \(systemErrorText(code))"
    }
  }
}
