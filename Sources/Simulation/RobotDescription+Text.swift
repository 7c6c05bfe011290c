import Numerics

/// Writes indented XML: elements with attributes, and comments.
struct MarkupWriter {
  var text = ""
  private var depth = 0

  mutating func open(_ element: String, _ attributes: [(String, String)] = []) {
    line("<\(element)\(MarkupWriter.list(attributes))>")
    depth += 1
  }

  mutating func close(_ element: String) {
    depth -= 1
    line("</\(element)>")
  }

  mutating func empty(_ element: String, _ attributes: [(String, String)]) {
    line("<\(element)\(MarkupWriter.list(attributes))/>")
  }

  /// Two hyphens in a row would end a comment, so they are set apart.
  mutating func comment(_ words: String) {
    var safe = ""
    for character in MarkupWriter.printable(words) {
      if character == "-", safe.last == "-" { safe += " " }
      safe.append(character)
    }
    line("<!-- \(safe) -->")
  }

  private mutating func line(_ content: String) {
    text += String(repeating: "  ", count: depth) + content + "\n"
  }

  private static func list(_ attributes: [(String, String)]) -> String {
    attributes.map { " \($0.0)=\"\(escaped($0.1))\"" }.joined()
  }

  // MARK: Words

  private static func escaped(_ value: String) -> String {
    var result = ""
    for scalar in printable(value).unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&apos;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Underscores for what XML cannot hold, and for line breaks and tabs, which its readers turn into blanks.
  static func printable(_ words: String) -> String {
    var result = ""
    for scalar in words.unicodeScalars {
      let isHeld = scalar.value >= 0x20 && scalar.value != 0x7f && scalar.value != 0xfffe && scalar.value != 0xffff
      result.unicodeScalars.append(isHeld ? scalar : "_")
    }
    return result
  }

  // MARK: Numbers

  /// The shortest decimal that reads back as the same number; no sign on zero, no fraction on whole numbers.
  static func number<Number: BinaryFloatingPoint & CustomStringConvertible>(_ value: Number) -> String {
    let digits = value == 0 ? "0" : value.description
    return digits.hasSuffix(".0") ? String(digits.dropLast(2)) : digits
  }

  static func numbers(_ vector: Vector3) -> String {
    "\(number(vector.x)) \(number(vector.y)) \(number(vector.z))"
  }
}

/// Gives every name once: whoever asks for a taken one gets it with a number.
struct UniqueNames {
  private var taken: Set<String> = []

  mutating func claim(_ wish: String) -> String {
    let name = MarkupWriter.printable(wish)
    if taken.insert(name).inserted { return name }
    var number = 2
    while !taken.insert("\(name)_\(number)").inserted { number += 1 }
    return "\(name)_\(number)"
  }

  /// Claims a list; the empty names in it get their turn after all the others, from `fallback` by their place.
  mutating func claim(_ wishes: [String], or fallback: (Int) -> String) -> [String] {
    var result = wishes
    for (place, wish) in wishes.enumerated() where !wish.isEmpty { result[place] = claim(wish) }
    for (place, wish) in wishes.enumerated() where wish.isEmpty { result[place] = claim(fallback(place)) }
    return result
  }
}
