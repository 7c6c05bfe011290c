/// A decoded field of a message whose schema is known only at run time.
public indirect enum RosValue: Sendable, Equatable {
  case boolean(Bool)
  case integer(Int64)
  case unsigned(UInt64)
  case float(Float)
  case double(Double)
  case text(String)
  case list([RosValue])
  case message([RosMember])
}

/// One named field of a decoded message.
public struct RosMember: Sendable, Equatable {
  /// The field's name.
  public var name: String
  /// What the message holds.
  public var value: RosValue
  /// A field with its value.
  public init(name: String, value: RosValue) {
    self.name = name
    self.value = value
  }
}

extension RosSchema {
  /// Decodes a CDR message, either byte order, into its fields in order.
  public func decode(_ bytes: UnsafeRawBufferPointer) throws(MessageError) -> [RosMember] {
    var reader = try CdrReader(bytes)
    return try members(fields, from: &reader, depth: 0)
  }

  private func members(
    _ fields: [Field], from reader: inout CdrReader, depth: Int
  ) throws(MessageError) -> [RosMember] {
    guard depth < 32 else { throw MessageError(name, "messages nested more than 32 deep") }
    var members: [RosMember] = []
    members.reserveCapacity(fields.count)
    for field in fields {
      members.append(RosMember(name: field.name, value: try value(of: field, from: &reader, depth: depth)))
    }
    return members
  }

  private func value(of field: Field, from reader: inout CdrReader, depth: Int) throws(MessageError) -> RosValue {
    let count: Int
    switch field.arity {
    case .one: return try element(field.element, field.name, from: &reader, depth: depth)
    case .sequence: count = try reader.count(field.name)
    case .fixed(let length):
      guard length <= reader.remaining else { throw MessageError(field.name, "the message ends inside it") }
      count = length
    }
    var list: [RosValue] = []
    for _ in 0..<count { list.append(try element(field.element, field.name, from: &reader, depth: depth)) }
    return .list(list)
  }

  private func element(
    _ element: Element, _ field: String, from reader: inout CdrReader, depth: Int
  ) throws(MessageError) -> RosValue {
    switch element {
    case .boolean: return .boolean(try reader.integer(UInt8.self, field) != 0)
    case .int8: return .integer(Int64(try reader.integer(Int8.self, field)))
    case .uint8: return .unsigned(UInt64(try reader.integer(UInt8.self, field)))
    case .int16: return .integer(Int64(try reader.integer(Int16.self, field)))
    case .uint16: return .unsigned(UInt64(try reader.integer(UInt16.self, field)))
    case .int32: return .integer(Int64(try reader.integer(Int32.self, field)))
    case .uint32: return .unsigned(UInt64(try reader.integer(UInt32.self, field)))
    case .int64: return .integer(try reader.integer(Int64.self, field))
    case .uint64: return .unsigned(try reader.integer(UInt64.self, field))
    case .float32: return .float(Float(bitPattern: try reader.integer(UInt32.self, field)))
    case .float64: return .double(Double(bitPattern: try reader.integer(UInt64.self, field)))
    case .string: return .text(try reader.string(field))
    case .wideString: throw MessageError(field, "wstring is not supported")
    case .message(let type):
      guard let definition = definitions[type] else { throw MessageError(field, "the schema does not define \(type)") }
      return .message(try members(definition, from: &reader, depth: depth + 1))
    }
  }
}

extension RosValue {
  /// The value as JSON; numbers that are not finite become null.
  public var json: String {
    var text = ""
    write(to: &text)
    return text
  }

  func write(to text: inout String) {
    switch self {
    case .boolean(let value): text += value ? "true" : "false"
    case .integer(let value): text += "\(value)"
    case .unsigned(let value): text += "\(value)"
    case .float(let value): text += value.isFinite ? "\(value)" : "null"
    case .double(let value): text += value.isFinite ? "\(value)" : "null"
    case .text(let value): text += jsonText(value)
    case .list(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += "," }
        value.write(to: &text)
      }
      text += "]"
    case .message(let members):
      text += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { text += "," }
        text += jsonText(member.name) + ":"
        member.value.write(to: &text)
      }
      text += "}"
    }
  }
}

/// A JSON string literal.
func jsonText(_ value: String) -> String {
  var text = "\""
  for scalar in value.unicodeScalars {
    switch scalar {
    case "\"": text += "\\\""
    case "\\": text += "\\\\"
    case "\n": text += "\\n"
    case "\r": text += "\\r"
    case "\t": text += "\\t"
    case _ where scalar.value < 0x20:
      let digits = String(scalar.value, radix: 16)
      text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: text.unicodeScalars.append(scalar)
    }
  }
  return text + "\""
}
