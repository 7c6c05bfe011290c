/// Why an operation on a servo failed: one line with what happened, where, and what to do next.
public struct BusError: Error, Sendable, Equatable {
  /// The kinds of failure, for programs.
  public enum Kind: Sendable, Equatable {
    /// The servo did not answer, retries included.
    case noAnswer
    /// The servo answered that it will not.
    case refused
    /// The request cannot be made: wrong id, wrong length, not in this protocol.
    case invalidRequest
    /// What was read back is not what was written.
    case notTaken
    /// More than one servo answers where one may.
    case ambiguous
    /// The port failed.
    case transport(TransportError.Code)
  }
  public let kind: Kind
  public let message: String
  public let suggestion: String?

  init(_ kind: Kind, _ message: String, suggestion: String? = nil) {
    self.kind = kind
    self.message = message
    self.suggestion = suggestion
  }
}

extension BusError: CustomStringConvertible {
  public var description: String { suggestion.map { "\(message); \($0)" } ?? message }
}

extension BusError {
  static func transport(_ error: TransportError, at port: String) -> BusError {
    BusError(.transport(error.code), "\(port): \(error)")
  }

  static func encoding(_ error: EncodingError) -> BusError {
    let text =
      switch error {
      case .bufferTooSmall, .frameTooLong: "the request is too long for one frame"
      case .invalidID: "no servo can have this id"
      case .duplicateID: "one id appears twice"
      case .nothingToDo: "there is nothing to read or write"
      case .addressOutOfRange: "the protocol has no register this high"
      case .unsupported: "the protocol has no such instruction"
      }
    return BusError(.invalidRequest, text)
  }
}

/// What an answer's error or status byte means.
public enum StatusText {
  /// The meanings of a byte, most important first; empty when all is well.
  public static func meanings(_ status: UInt8, _ wire: WireProtocol) -> [String] {
    switch wire {
    case .dynamixel2:
      let errors = [
        1: "result fail", 2: "instruction error", 3: "CRC error", 4: "data range error", 5: "data length error",
        6: "data limit error", 7: "access error (read-only, undefined, or torque is on)",
      ]
      var texts: [String] = []
      if status & 0x7F != 0 { texts.append(errors[Int(status & 0x7F)] ?? "error \(status & 0x7F)") }
      if status & 0x80 != 0 { texts.append("hardware alert (see register 70)") }
      return texts
    case .dynamixel1:
      return flags(
        status,
        ["input voltage", "angle limit", "overheating", "range", "checksum", "overload", "instruction", "bit 7"])
    case .feetechSTS, .feetechSCS:
      return flags(
        status,
        ["voltage", "magnetic encoder", "temperature", "current", "bit 4", "overload", "bit 6", "bit 7"])
    }
  }

  private static func flags(_ status: UInt8, _ names: [String]) -> [String] {
    names.indices.filter { status & (1 << UInt8($0)) != 0 }.map { names[$0] }
  }
}
