/// What is wrong with a configuration, where, and what to do about it: one line, `FILE:LINE:COLUMN: message; suggestion`.
public struct ConfigurationError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The file as the user named it.
  public var file: String
  /// Line of the mistake, from 1; nil when it concerns the whole file.
  public var line: Int?
  /// Column of the mistake in characters, from 1.
  public var column: Int?
  /// What happened.
  public var message: String
  /// What to do next, when there is something to say.
  public var suggestion: String?

  /// An error about `file`, at a position if there is one.
  public init(file: String, line: Int? = nil, column: Int? = nil, message: String, suggestion: String? = nil) {
    self.file = file
    self.line = line
    self.column = column
    self.message = message
    self.suggestion = suggestion
  }

  /// The whole error on one line.
  public var description: String {
    var text = oneLine(file)
    if let line {
      text += ":\(line)"
      if let column { text += ":\(column)" }
    }
    text += ": " + oneLine(message)
    if let suggestion { text += "; " + oneLine(suggestion) }
    return text
  }
}

/// `text` with control characters (line breaks above all) made visible, so that an error stays on its line.
func oneLine(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: { isControl($0) }) else { return text }
  var result = ""
  for scalar in text.unicodeScalars {
    if isControl(scalar) {
      result += scalar == "\n" ? "\\n" : scalar == "\t" ? "\\t" : "\\u{" + String(scalar.value, radix: 16) + "}"
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
  return result
}

private func isControl(_ scalar: Unicode.Scalar) -> Bool {
  scalar.value < 0x20 || (scalar.value >= 0x7F && scalar.value < 0xA0) || scalar.value == 0x2028
    || scalar.value == 0x2029
}
