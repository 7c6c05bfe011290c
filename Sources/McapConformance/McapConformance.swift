import Foundation
import Recording

/// The door for the public MCAP conformance cases: their JSON on one side, our reader and writer on the other.
public enum McapConformance {
  /// Why a case could not be run.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// Every record of the file in order, chunk contents in place, as the cases' JSON.
  public static func readStreamed(path: String) throws -> String {
    var records: [[String: Any]] = []
    try FileSource(path: path).scan { record, _ in
      if let object = RecordJSON(record)?.object { records.append(object) }
      return true
    }
    return try text(["records": records])
  }

  /// Schemas, channels, messages by log time, and statistics, read by way of the summary.
  public static func readIndexed(path: String) throws -> String {
    let reader = try McapIndexedReader(source: FileSource(path: path))
    var messages: [[String: Any]] = []
    try reader.forEachMessage { _, message in
      if let object = RecordJSON(.message(message))?.object { messages.append(object) }
      return true
    }
    let schemas = reader.schemas.values.sorted { $0.id < $1.id }.compactMap { RecordJSON(.schema($0))?.object }
    let channels = reader.channels.values.sorted { $0.id < $1.id }.compactMap { RecordJSON(.channel($0))?.object }
    let statistics = reader.statistics.flatMap { RecordJSON(.statistics($0))?.object }.map { [$0] } ?? []
    return try text(["schemas": schemas, "channels": channels, "messages": messages, "statistics": statistics])
  }

  /// The file that a case's JSON describes.
  public static func write(jsonPath: String) throws -> [UInt8] {
    let data = try Data(contentsOf: URL(fileURLWithPath: jsonPath))
    guard let root = try JSONSerialization.jsonObject(with: data) as? [String: Any],
      let meta = root["meta"] as? [String: Any], let variant = meta["variant"] as? [String: Any],
      let features = variant["features"] as? [String], let records = root["records"] as? [[String: Any]]
    else { throw Failure(description: "\(jsonPath): not a conformance case") }
    var writer = McapWriter(options: options(Set(features)))
    for record in records {
      let type = record["type"] as? String ?? ""
      if type == "DataEnd" { break }
      try write(CaseFields(record, path: jsonPath), type: type, to: &writer)
    }
    writer.finish()
    var bytes: [UInt8] = []
    writer.drain { bytes.append(contentsOf: $0) }
    return bytes
  }

  private static func options(_ features: Set<String>) -> McapWriter.Options {
    var options = McapWriter.Options()
    options.usesChunks = features.contains("ch")
    options.chunkBytes = nil
    options.compression = .none
    options.writesMessageIndex = features.contains("mx")
    options.writesStatistics = features.contains("st")
    options.repeatsSchemas = features.contains("rsh")
    options.repeatsChannels = features.contains("rch")
    options.writesAttachmentIndex = features.contains("ax")
    options.writesMetadataIndex = features.contains("mdx")
    options.writesChunkIndex = features.contains("chx")
    options.writesSummaryOffsets = features.contains("sum")
    return options
  }

  private static func write(_ fields: CaseFields, type: String, to writer: inout McapWriter) throws {
    switch type {
    case "Header": break
    case "Schema":
      writer.write(
        McapSchema(
          id: try fields.number("id"), name: try fields.string("name"), encoding: try fields.string("encoding"),
          data: try fields.bytes("data")))
    case "Channel":
      writer.write(
        McapChannel(
          id: try fields.number("id"), schemaID: try fields.number("schema_id"), topic: try fields.string("topic"),
          messageEncoding: try fields.string("message_encoding"), metadata: try fields.map("metadata")))
    case "Message":
      let channel: UInt16 = try fields.number("channel_id")
      let sequence: UInt32 = try fields.number("sequence")
      let logTime: UInt64 = try fields.number("log_time")
      let publishTime: UInt64 = try fields.number("publish_time")
      try fields.bytes("data").withUnsafeBytes {
        writer.writeMessage(
          channel: channel, sequence: sequence, logTime: logTime, publishTime: publishTime, data: $0)
      }
    case "Attachment":
      writer.write(
        McapAttachment(
          logTime: try fields.number("log_time"), createTime: try fields.number("create_time"),
          name: try fields.string("name"), mediaType: try fields.string("media_type"), data: try fields.bytes("data")))
    case "Metadata":
      writer.write(McapMetadata(name: try fields.string("name"), metadata: try fields.map("metadata")))
    default: throw Failure(description: "\(fields.path): record type '\(type)' in the data section")
    }
  }

  private static func text(_ object: [String: Any]) throws -> String {
    String(decoding: try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys]), as: UTF8.self)
  }
}

/// The fields of one record in a case's JSON.
struct CaseFields {
  let path: String
  private var values: [String: Any] = [:]

  init(_ record: [String: Any], path: String) {
    self.path = path
    for case let pair as [Any] in record["fields"] as? [Any] ?? [] where pair.count == 2 {
      if let name = pair[0] as? String { values[name] = pair[1] }
    }
  }

  private func missing(_ name: String) -> McapConformance.Failure { .init(description: "\(path): field '\(name)'") }

  func string(_ name: String) throws -> String {
    guard let value = values[name] as? String else { throw missing(name) }
    return value
  }

  func number<T: FixedWidthInteger>(_ name: String) throws -> T {
    guard let number = T(try string(name)) else { throw missing(name) }
    return number
  }

  func bytes(_ name: String) throws -> [UInt8] {
    guard let list = values[name] as? [String] else { throw missing(name) }
    return try list.map { text in
      guard let byte = UInt8(text) else { throw missing(name) }
      return byte
    }
  }

  func map(_ name: String) throws -> [String: String] {
    guard let map = values[name] as? [String: String] else { throw missing(name) }
    return map
  }
}
