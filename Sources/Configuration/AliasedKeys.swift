/// Lists, mappings and aliases as keys are hashed by the parser with all their aliases expanded, before our own count of
/// nodes can stop them. A document that has aliases may therefore not have such keys.
///
/// That is decided on the bare text, without its grammar: it may refuse a strange document (a comment that looks like
/// one), but never lets a bomb through.
enum AliasedKeys {
  static func refuse(in text: String, file: String) throws(ConfigurationError) {
    guard text.utf8.contains(asterisk) else { return }
    var previous = newline
    // Whether the last token but for blanks closed a flow collection or was an alias: a colon then makes it a key.
    var wouldBeKey = false
    var insideAlias = false
    var hasAlias = false
    var line = 1
    var keyLine: Int?
    var bytes = Substring(text).utf8
    while let byte = bytes.popFirst() {
      if insideAlias, !isNameByte(byte) {
        insideAlias = false
        wouldBeKey = true
      }
      switch byte {
      case asterisk:
        if !isNameByte(previous), let next = bytes.first, isNameByte(next) {
          hasAlias = true
          insideAlias = true
        }
        wouldBeKey = false
      case UInt8(ascii: "?"):
        if !isNameByte(previous) { keyLine = keyLine ?? line }
        wouldBeKey = false
      case UInt8(ascii: ":"):
        if wouldBeKey { keyLine = keyLine ?? line }
        wouldBeKey = false
      case UInt8(ascii: "]"), UInt8(ascii: "}"): wouldBeKey = true
      case UInt8(ascii: " "), UInt8(ascii: "\t"): break
      default: wouldBeKey = false
      }
      if byte == newline { line += 1 }
      previous = byte
    }
    if hasAlias, let keyLine {
      throw ConfigurationError(
        file: file, line: keyLine, message: "a list, mapping or alias as a key in a document with aliases",
        suggestion: "write the value out instead of using an alias")
    }
  }

  private static var asterisk: UInt8 { UInt8(ascii: "*") }
  private static var newline: UInt8 { 0x0A }

  /// Letters, digits, `-`, `_` and everything beyond ASCII: what an anchor's name is made of.
  private static func isNameByte(_ byte: UInt8) -> Bool {
    (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5A) || (byte >= 0x61 && byte <= 0x7A)
      || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte >= 0x80
  }
}
