import Foundation

/// Prints one JSON object on standard output.
func printJSON(_ value: some Encodable) throws { print(try JSONText.pretty(value)) }

/// JSON as the command writes it: keys sorted and in snake case; a number that is none, or endless, is null, which is all
/// that JSON has for it.
enum JSONText {
  /// On several lines, for one object.
  static func pretty(_ value: some Encodable) throws -> String { try text(value, [.prettyPrinted]) }

  /// On one line, for a stream of objects.
  static func line(_ value: some Encodable) throws -> String { try text(value, []) }

  private static func text(_ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
    // The encoder knows only texts for such numbers: one that stands nowhere else, taken out again below.
    let mark = "\u{1}not a number\u{1}"
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: mark, negativeInfinity: mark, nan: mark)
    let text = String(decoding: try encoder.encode(value), as: UTF8.self)
    return text.replacing("\"\\u0001not a number\\u0001\"", with: "null")
  }

  /// JSON on one line as JSON on several, its order and numbers as they are.
  static func indented(_ line: String) -> String {
    var text = ""
    var depth = 0
    var isString = false
    var isEscaped = false
    func newLine() -> String { "\n" + String(repeating: "  ", count: depth) }
    for character in line {
      if isString {
        text.append(character)
        if isEscaped {
          isEscaped = false
        } else if character == "\\" {
          isEscaped = true
        } else if character == "\"" {
          isString = false
        }
        continue
      }
      switch character {
      case "\"":
        isString = true
        text.append(character)
      case "{", "[":
        depth += 1
        text += "\(character)" + newLine()
      case "}", "]":
        depth -= 1
        text += newLine() + "\(character)"
      case ",": text += "," + newLine()
      case ":": text += " : "
      default: text.append(character)
      }
    }
    // Empty ones stay on a line.
    return text.replacing(/\[\s+\]/, with: "[]").replacing(/\{\s+\}/, with: "{}")
  }
}
