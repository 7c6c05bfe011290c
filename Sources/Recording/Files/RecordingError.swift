/// Why a log could not be made, read or mended. The description is one line: file, what happened, what to do.
public struct RecordingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file it concerns.
  public var path: String
  /// What happened.
  public var message: String
  /// What to do next.
  public var suggestion: String?

  /// A failure in words.
  public init(path: String, message: String, suggestion: String? = nil) {
    self.path = path
    self.message = message
    self.suggestion = suggestion
  }

  /// A system call that failed with an errno value.
  public init(path: String, operation: String, code: Int32, suggestion: String? = nil) {
    self.init(path: path, message: "\(operation): \(systemErrorText(code))", suggestion: suggestion)
  }

  /// A file that is not the MCAP it should be.
  public init(path: String, _ error: McapError) {
    let suggestion: String? =
      switch error.cause {
      case .badMagic(atEnd: false): "give the path of an MCAP log"
      case .system: nil
      default: "try 'sinew log recover'"
      }
    self.init(path: path, message: error.description, suggestion: suggestion)
  }

  /// One line: file, what happened, what to do.
  public var description: String { "\(path): \(message)" + (suggestion.map { "; \($0)" } ?? "") }
}
