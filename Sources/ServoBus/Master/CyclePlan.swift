/// What one cycle reads from and writes to every servo of an arm. Registers are given by address, as the servos' table
/// has them; all servos of a plan have the same.
public struct CyclePlan: Sendable, Equatable {
  /// How the servos are read.
  public enum Method: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    /// One request, one answer per servo.
    case sync = 0
    /// One request, one common answer (DYNAMIXEL 2.0, servo and firmware permitting).
    case fast = 1
    /// One request that names every servo's registers (DYNAMIXEL; protocol 1.0: MX series).
    case bulk = 2
    /// One request per servo: where the protocol has nothing better.
    case single = 3

    @_noLocks
    public static func == (a: Method, b: Method) -> Bool { a.rawValue == b.rawValue }
    @_noLocks
    public static func != (a: Method, b: Method) -> Bool { a.rawValue != b.rawValue }
  }

  /// The servos in joint order.
  public var ids: [UInt8]
  public var readAddress: Int
  /// Bytes read from each servo.
  public var readLength: Int
  /// How many bytes behind those may be read along (0 … 15). While the answer to an earlier request may still come, the
  /// master asks for one byte more or another few, so that the old answer has another length than the one it waits for:
  /// the protocols have no other mark that tells which request an answer is to. 0: the master listens for a while longer
  /// instead.
  public var spareBytes: Int
  public var writeAddress: Int
  /// Bytes written to each servo; 0: the plan only reads.
  public var writeLength: Int
  public var method: Method

  public init(
    ids: [UInt8], readAddress: Int, readLength: Int, spareBytes: Int = 0, writeAddress: Int = 0, writeLength: Int = 0,
    method: Method = .sync
  ) {
    self.ids = ids
    self.readAddress = readAddress
    self.readLength = readLength
    self.spareBytes = spareBytes
    self.writeAddress = writeAddress
    self.writeLength = writeLength
    self.method = method
  }

  /// The most servos of a plan.
  public static var capacity: Int { 32 }

  /// What speaks against this plan on a bus of that protocol, or nil.
  public func problem(on wire: WireProtocol) -> String? {
    guard (1...CyclePlan.capacity).contains(ids.count) else { return "\(ids.count) servos, expected 1 to 32" }
    guard Set(ids).count == ids.count else { return "an id appears twice among \(ids)" }
    if let id = ids.first(where: { $0 > wire.highestID }) { return "id \(id) is above \(wire.highestID)" }
    guard (1...128).contains(readLength), (0...15).contains(spareBytes) else {
      return "\(readLength) + \(spareBytes) bytes to read, expected 1 to 128 and 0 to 15"
    }
    guard (0...32).contains(writeLength) else { return "\(writeLength) bytes to write, expected 0 to 32" }
    let last = wire == .dynamixel2 ? 0xFFFF : 0xFF
    guard readAddress >= 0, readAddress + readLength + spareBytes - 1 <= last else {
      return "no register \(readAddress + readLength + spareBytes - 1)"
    }
    guard writeAddress >= 0, writeAddress + writeLength - 1 <= last else {
      return "no register \(writeAddress + writeLength - 1)"
    }
    if wire != .dynamixel2, 4 + ids.count * (writeLength + 1) > 255 {
      return "\(ids.count) servos with \(writeLength) bytes each do not fit one sync write"
    }
    switch method {
    case .sync where !wire.hasSyncRead: return "\(wire.name) has no sync read; read the servos one by one"
    case .fast where wire != .dynamixel2: return "\(wire.name) has no fast sync read"
    case .bulk where wire == .feetechSTS || wire == .feetechSCS: return "\(wire.name) has no bulk read"
    default: return nil
    }
  }

  /// Bytes of one cycle on the wire: what is sent, and what comes back, without stuffing and retries.
  public func bytes(on wire: WireProtocol) -> (request: Int, answer: Int) {
    let n = ids.count
    let isSecond = wire == .dynamixel2
    let write = writeLength == 0 ? 0 : (isSecond ? 14 : 8) + n * (writeLength + 1)
    let oneAnswer = wire.answerBytes(data: readLength)
    switch method {
    case .sync: return (write + (isSecond ? 14 : 8) + n, n * oneAnswer)
    case .fast: return (write + 14 + n, 8 + n * (readLength + 4))
    case .bulk: return (write + (isSecond ? 10 + 5 * n : 7 + 3 * n), n * oneAnswer)
    case .single: return (write + n * (isSecond ? 14 : 8), n * oneAnswer)
    }
  }

  /// Cycles per second that a bus carries with this plan.
  public func rate(on wire: WireProtocol, timing: BusTiming) -> Double {
    let (request, answer) = bytes(on: wire)
    let bus = timing.bus(request: request, answers: ids.count, answerBytes: answer)
    let roundTrips = method == .single ? ids.count : 1
    return 1e9 / Double(bus + Int64(roundTrips) * timing.latency)
  }
}

/// What one cycle brought.
public struct CycleReport: Sendable, BitwiseCopyable {
  /// When the request went out and the cycle was over, monotonic ns.
  public var began: Int64 = 0
  public var finished: Int64 = 0
  /// Bit i: servo i (in the plan's order) answered.
  public var answered: UInt32 = 0
  /// Bit i: servo i did not, but its answer to an earlier cycle has come since, and is newer than what was known of it:
  /// the datum and its stamp are that cycle's.
  public var belated: UInt32 = 0
  /// Servos that did not answer.
  public var missing: Int = 0
  /// Requests that were sent again.
  public var retries: Int = 0
  /// System calls.
  public var systemCalls: Int = 0

  @_noLocks
  init() {}

  /// Whether every servo answered.
  public var isComplete: Bool { @_noLocks get { missing == 0 } }
}
