/// Why bytes could not be moved. Plain data: thrown on the control thread without allocation.
public struct TransportError: Error, Sendable, BitwiseCopyable {
  /// The kinds of failure. Silence is none of them: a servo that does not answer is the bus master's business.
  public enum Code: UInt8, Sendable, BitwiseCopyable {
    /// The other end is gone: cable pulled, adaptor reset, pseudo-terminal or socket closed. Only opening it again helps.
    case hungUp = 1
    /// The device took no more bytes within the time allowed; what it had not sent was thrown away.
    case writeBlocked = 2
    /// The system refused; see `errorNumber`.
    case failed = 3

    @_noLocks
    public static func == (a: Code, b: Code) -> Bool { a.rawValue == b.rawValue }
    @_noLocks
    public static func != (a: Code, b: Code) -> Bool { a.rawValue != b.rawValue }
  }

  public let code: Code
  /// The errno value, or 0.
  public let errorNumber: Int32

  @_noLocks
  public init(_ code: Code, errorNumber: Int32 = 0) {
    self.code = code
    self.errorNumber = errorNumber
  }
}

extension TransportError: CustomStringConvertible {
  public var description: String {
    switch code {
    case .hungUp: "the port is gone; check the cable and the adaptor, then open it again"
    case .writeBlocked: "the port takes no more bytes; check the adaptor"
    case .failed: "the port failed: \(systemMessage(errorNumber))"
    }
  }
}
