/// Why a policy could not be loaded, built or evaluated: one line that names the file, the place and the cause.
public struct PolicyError: Error, CustomStringConvertible, Sendable, Equatable {
  /// What kind of thing went wrong, for programs; `message` is for people.
  public enum Code: String, Sendable, CaseIterable {
    /// A file is missing, is not a regular file, cannot be read or is too large.
    case unreadable
    /// The bytes do not follow their format.
    case malformed
    /// A valid file asks for something that is not implemented (operator, opset, type).
    case unsupported
    /// Sizes do not fit each other.
    case shape
    /// Something must be chosen by the user: nothing is guessed.
    case ambiguous
    /// A weight, statistic or vector is NaN or infinite.
    case notFinite
    /// A path leaves the folder that it must stay in.
    case escape
    /// A file is not the one that the bundle was made with.
    case hash
    /// Golden vectors do not reproduce.
    case golden
    /// A manifest or an option is wrong.
    case configuration
    /// A table of observations is wrong.
    case table
  }

  /// The kind of failure.
  public var code: Code
  /// The file that caused it.
  public var file: String
  /// Where in the file: a node with its operator, a key, a row and column.
  public var place: String?
  /// What happened.
  public var message: String
  /// What to do next.
  public var suggestion: String?

  /// An error about `file`.
  public init(_ code: Code, file: String, place: String? = nil, _ message: String, suggestion: String? = nil) {
    self.code = code
    self.file = file
    self.place = place
    self.message = message
    self.suggestion = suggestion
  }

  /// `FILE: PLACE: MESSAGE; SUGGESTION`, always one line.
  public var description: String {
    var text = file
    if let place { text += ": " + place }
    text += ": " + message
    if let suggestion { text += "; " + suggestion }
    return text.singleLine(limit: 600)
  }
}

extension String {
  /// The text without control characters and shortened, so that a name out of an untrusted file fits in one line.
  func singleLine(limit: Int = 80) -> String {
    var text = ""
    var count = 0
    for scalar in unicodeScalars {
      if count == limit { return text + "…" }
      text.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7f ? " " : scalar)
      count += 1
    }
    return text
  }

  /// The name in quotes, safe to print.
  var quoted: String { "'" + singleLine() + "'" }
}
