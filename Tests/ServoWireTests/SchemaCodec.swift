import Foundation
import ServoWire
import TestSupport
import Testing

/// The messages of schema.json, encoded and decoded by its letter and without the library's own messages.
struct SchemaCodec {
  typealias Object = [String: Any]

  let messages: [String: Object]
  private let names: [Int: String]
  private let enums: [String: [String: Int]]

  static var folder: URL { Fixtures.packageRoot.appendingPathComponent("firmware-protocol") }

  static func json(_ path: String) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(contentsOf: folder.appendingPathComponent(path)))
  }

  init() throws {
    let schema = try #require(Self.json("schema.json") as? Object)
    var messages: [String: Object] = [:]
    var names: [Int: String] = [:]
    for message in try #require(schema["messages"] as? [Object]) {
      let (name, type) = (try #require(message["name"] as? String), try #require(message["type"] as? Int))
      messages[name] = message
      names[type] = name
    }
    var enums: [String: [String: Int]] = [:]
    for group in try #require(schema["enums"] as? [Object]) {
      var values: [String: Int] = [:]
      for value in try #require(group["values"] as? [Object]) {
        values[try #require(value["name"] as? String)] = try #require(value["value"] as? Int)
      }
      enums[try #require(group["name"] as? String)] = values
    }
    (self.messages, self.names, self.enums) = (messages, names, enums)
  }

  func type(_ name: String) throws -> UInt8 { UInt8(try #require(messages[name]?["type"] as? Int)) }
  func name(_ type: UInt8) -> String? { names[Int(type)] }
  func value(_ group: String, _ name: String) throws -> Int { try #require(enums[group]?[name]) }

  private func fields(_ name: String) throws -> [Object] { try #require(messages[name]?["fields"] as? [Object]) }

  private static func size(_ field: Object) -> Int {
    ["u8": 1, "u16": 2, "u32": 4, "u64": 8][field["type"] as? String ?? ""] ?? 0
  }

  /// The number a test writes: itself, or the name of a value.
  private func number(_ value: Any?, _ field: Object) throws -> UInt64 {
    if let name = value as? String {
      if name == "hash" { return UInt64(WireSchema.hash) }
      return UInt64(try self.value(try #require(field["enum"] as? String), name))
    }
    return (value as? NSNumber)?.uint64Value ?? 0
  }

  /// The payload of a message; fields that are not given are 0, an unnamed session is 0x1234.
  func payload(_ name: String, _ values: Object) throws -> [UInt8] {
    var bytes: [UInt8] = []
    for field in try fields(name) {
      let key = try #require(field["name"] as? String)
      let given: Any? = values[key] ?? (key == "session" ? 0x1234 : nil)
      let elements: [Any?] = field["count"] == nil ? [given] : (given as? [Any] ?? [])
      for element in elements {
        let number = try number(element, field)
        for byte in 0..<Self.size(field) { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * byte))) }
      }
    }
    return bytes
  }

  /// The fields of a payload, lists as arrays.
  func fields(of name: String, _ payload: [UInt8]) throws -> [String: [UInt64]] {
    var found: [String: [UInt64]] = [:]
    var rest = payload[...]
    for field in try fields(name) {
      let (key, size) = (try #require(field["name"] as? String), Self.size(field))
      var count = 1
      switch field["count"] as? String {
      case nil: break
      case "rest": count = rest.count / size
      case "bits of mask": count = try #require(found["mask"]?.first).nonzeroBitCount
      case let other?: count = Int(try #require(found[other]?.first))
      }
      found[key] = []
      for _ in 0..<count {
        try #require(rest.count >= size)
        found[key]?.append(rest.prefix(size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        rest = rest.dropFirst(size)
      }
    }
    #expect(rest.isEmpty, "\(name) is longer than its fields")
    return found
  }

  /// What a test expects of a field, as numbers.
  func expected(_ name: String, _ key: String, _ value: Any) throws -> [UInt64] {
    let field = try #require(try fields(name).first { $0["name"] as? String == key })
    if let list = value as? [Any] { return try list.map { try number($0, field) } }
    return [try number(value, field)]
  }
}

func bytes(hex: String) -> [UInt8] {
  var found: [UInt8] = []
  var digits = Substring(hex)
  while digits.count >= 2 {
    found.append(UInt8(digits.prefix(2), radix: 16) ?? 0)
    digits = digits.dropFirst(2)
  }
  return found
}
