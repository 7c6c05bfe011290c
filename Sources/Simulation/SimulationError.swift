/// Why a model could not be loaded or a simulated arm could not be set up. One line: what happened, where, what to do.
public struct SimulationError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The kinds of failure.
  public enum Code: String, Sendable {
    /// The MuJoCo library is not the one this program was built for.
    case libraryMismatch
    /// The file is missing, a directory, unreadable, not text or too large.
    case unreadableFile
    /// The file is not a model MuJoCo accepts, or MuJoCo has doubts about it.
    case invalidModel
    /// A joint, body, site, model, servo or perturbation of that name does not exist, or cannot be used this way.
    case unknownName
    /// The control period is not a whole number of physics steps.
    case controlPeriod
    /// A servo profile cannot be read, or does not fit the joint.
    case servo
    /// A perturbation's text or value is wrong.
    case perturbation
    /// MuJoCo failed where it should not (out of memory).
    case engine
  }

  /// What kind of failure it is.
  public var code: Code
  /// The file it concerns, or nil.
  public var file: String?
  /// The whole story in one line, without the file.
  public var message: String

  public init(_ code: Code, file: String? = nil, _ message: String) {
    self.code = code
    self.file = file
    self.message = SimulationError.oneLine(message)
  }

  public var description: String { file.map { "\($0): \(message)" } ?? message }

  /// Line breaks and runs of blanks become single separators.
  static func oneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline)
      .map { $0.split(separator: " ").joined(separator: " ") }
      .filter { !$0.isEmpty }
      .joined(separator: ", ")
  }
}
