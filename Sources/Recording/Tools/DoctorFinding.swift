/// One thing that is wrong, or odd, about a log.
public struct DoctorFinding: Sendable, Equatable, CustomStringConvertible {
  /// How bad it is.
  public enum Severity: String, Sendable {
    /// The file breaks the format, or contradicts itself.
    case error
    /// Legal, but a sign of a mistake or a nuisance for readers.
    case warning
  }

  /// What kind of thing; the raw value is its name in output and scripts.
  public enum Kind: String, Sendable, CaseIterable {
    // Frame of the file.
    case unreadable = "unreadable-record"
    case headerMissing = "header-missing"
    case headerRepeated = "header-repeated"
    case profileUnknown = "profile-unknown"
    case libraryEmpty = "library-empty"
    case dataEndMissing = "data-end-missing"
    case dataEndRepeated = "data-end-repeated"
    case footerMissing = "footer-missing"
    case dataChecksum = "data-checksum"
    case summaryChecksum = "summary-checksum"
    case summaryStart = "summary-start"
    case summaryOffsetStart = "summary-offset-start"
    case recordAfterDataEnd = "record-after-data-end"
    case trailingBytes = "trailing-bytes"
    // Definitions.
    case schemaIdentifierZero = "schema-id-zero"
    case schemaRedefined = "schema-redefined"
    case schemaRepeated = "schema-repeated"
    case schemaOnlyInSummary = "schema-only-in-summary"
    case schemaNotInSummary = "schema-not-in-summary"
    case schemaWithoutEncoding = "schema-without-encoding"
    case channelRedefined = "channel-redefined"
    case channelRepeated = "channel-repeated"
    case channelOnlyInSummary = "channel-only-in-summary"
    case channelNotInSummary = "channel-not-in-summary"
    case channelWithoutSchema = "channel-schema-unknown"
    // Messages.
    case messageBeforeChannel = "message-before-channel"
    case messageOrder = "message-order"
    case messageUndecodable = "message-undecodable"
    // Chunks.
    case chunkUnreadable = "chunk-unreadable"
    case chunkEmpty = "chunk-empty"
    case chunkTimes = "chunk-times"
    case recordInChunk = "record-in-chunk"
    case chunkNotIndexed = "chunk-not-indexed"
    case chunkIndexWithoutChunk = "chunk-index-without-chunk"
    case chunkIndexRepeated = "chunk-index-repeated"
    case chunkIndexLength = "chunk-index-length"
    case chunkIndexTimes = "chunk-index-times"
    case chunkIndexSizes = "chunk-index-sizes"
    case chunkIndexCompression = "chunk-index-compression"
    case chunkIndexMessageIndexes = "chunk-index-message-indexes"
    case messageIndexOutsideChunk = "message-index-misplaced"
    case messageIndexWrong = "message-index-wrong"
    case messageIndexIncomplete = "message-index-incomplete"
    // Attachments, metadata, statistics.
    case attachmentChecksum = "attachment-checksum"
    case attachmentIndex = "attachment-index"
    case metadataIndex = "metadata-index"
    case statisticsRepeated = "statistics-repeated"
    case statisticsCounts = "statistics-counts"
    case statisticsTimes = "statistics-times"
    case summaryOffset = "summary-offset"
    // Profile ros2.
    case ros2Encoding = "ros2-encoding"
    case ros2QualityOfService = "ros2-offered-qos-profiles"
  }

  /// How bad it is.
  public var severity: Severity
  /// What kind of thing.
  public var kind: Kind
  /// What was found, with numbers.
  public var message: String
  /// Byte in the file that it concerns.
  public var offset: UInt64

  /// One line: severity, kind, words, byte.
  public var description: String { "\(severity.rawValue): \(kind.rawValue): \(message) (at byte \(offset))" }
}
