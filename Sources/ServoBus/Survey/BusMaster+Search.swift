/// One way a bus may be spoken on: protocol and speed.
public struct BusLine: Sendable, Hashable, CustomStringConvertible {
  public let wire: WireProtocol
  /// bit/s.
  public let baud: Int

  public init(_ wire: WireProtocol, baud: Int) {
    self.wire = wire
    self.baud = baud
  }

  public var description: String { "\(wire.name) at \(baud) baud" }

  /// All speeds that servos of a protocol can be set to on a port that has them, the usual ones first.
  public static func all(_ wire: WireProtocol) -> [BusLine] {
    let speeds = Set(ServoModel.all.filter { $0.wire == wire }.flatMap { $0.baudRates.compactMap { $0 } })
    let factory = [1_000_000, 57_600]
    let others = speeds.subtracting(factory).sorted(by: >)
    return (factory.filter(speeds.contains) + others).map { BusLine(wire, baud: $0) }
  }
}

/// A servo that answered, with what tells whether it is well.
public struct FoundServo: Sendable, Equatable {
  public let line: BusLine
  public let answer: PingAnswer
  /// nil when the model number is not known.
  public let model: ServoModel?
  /// What it measures at its plug, V; nil when it did not say.
  public var voltage: Double?
  /// What its own limits allow, V.
  public var voltageLimits: ClosedRange<Double>?
  public var isTorqueOn: Bool?
  /// The names of the errors that it reports.
  public var errors: [String]

  public var id: UInt8 { answer.id }
  /// The model's name, or the number that is not known.
  public var modelName: String { model?.name ?? "model number \(answer.modelNumber)" }
}

/// What a search on one line has found.
public struct BusFindings: Sendable, Equatable {
  public var servos: [FoundServo]
  /// Ids at which several servos seem to answer; one of them may be among `servos`.
  public var sharedIDs: [UInt8]

  /// Nothing, unless told otherwise.
  public init(servos: [FoundServo] = [], sharedIDs: [UInt8] = []) {
    self.servos = servos
    self.sharedIDs = sharedIDs
  }
}

extension BusCounters {
  /// Whether bytes have come since that were no whole frame.
  fileprivate func hasDamage(since before: BusCounters) -> Bool {
    checksum > before.checksum || short > before.short || garbageBytes > before.garbageBytes
  }
}

extension BusMaster {
  /// Looks for servos at the ids given, one after the other, each asked `tries` times, and at least twice as soon as any
  /// has answered; then examines those that did. Only a dead port is an error.
  ///
  /// - Parameters:
  ///   - patience: how long an id may stay silent beyond the time on the wire and what the adaptor keeps back, ns.
  ///   - progress: called with the part of the ids asked so far; false ends the search.
  public mutating func search(
    _ ids: [UInt8], tries: Int = 1, patience: Int64 = BusScan.usualPatience, progress: (Double) -> Bool = { _ in true }
  ) throws(BusError) -> BusFindings {
    let retries = operationRetries
    let latency = timing.latency
    defer {
      operationRetries = retries
      timing.latency = latency
    }
    // Most ids stay silent, and each costs this much.
    timing.latency =
      patience + (transport.adaptorLatency ?? 0)
      // Some adaptors hand an answer over only when it is whole.
      + timing.wire(wire.answerBytes(data: 5))
    operationRetries = max(1, tries) - 1
    let asked = ids.filter { $0 <= wire.highestID }
    var answers: [PingAnswer] = []
    var passed: [UInt8] = []
    var shared: [UInt8] = []
    for (index, id) in asked.enumerated() {
      guard progress(Double(index) / Double(asked.count)) else { break }
      let before = counters
      let answer = try pingIfThere(id)
      if let answer { answers.append(answer) }
      // Servos that speak at once may leave no answer whole: silence with bytes in it is suspicious, too.
      if answer != nil || counters.hasDamage(since: before) {
        if try isShared(id) { shared.append(id) }
      } else if operationRetries == 0 {
        passed.append(id)
      }
      // Once one is heard, this is where servos are, and a lost answer must not hide one.
      if !answers.isEmpty { operationRetries = max(1, operationRetries) }
    }
    if !answers.isEmpty {
      for id in passed {
        guard progress(1) else { break }
        if let answer = try pingIfThere(id) { answers.append(answer) }
      }
    }
    operationRetries = retries
    timing.latency = max(latency, timing.latency)
    var found: [FoundServo] = []
    for answer in answers.sorted(by: { $0.id < $1.id }) { found.append(try examine(answer)) }
    return BusFindings(servos: found, sharedIDs: shared)
  }

  /// Whether several servos seem to answer at an id. What they measure differs, so that answers at the same time damage
  /// each other, and answers one after the other do not agree.
  public mutating func isShared(_ id: UInt8) throws(BusError) -> Bool {
    try lookForDuplicates(of: id, tries: 6).verdict == .several
  }

  /// A servo's answer to a ping; nil when it stays silent or refuses.
  private mutating func pingIfThere(_ id: UInt8) throws(BusError) -> PingAnswer? {
    do throws(BusError) {
      return try ping(id)
    } catch {
      switch error.kind {
      case .noAnswer, .refused: return nil
      default: throw error
      }
    }
  }

  /// Reads what tells whether a servo is well. What it does not answer stays unknown.
  public mutating func examine(_ answer: PingAnswer) throws(BusError) -> FoundServo {
    let model = ServoModel.with(modelNumber: answer.modelNumber, wire: wire)
    var servo = FoundServo(
      line: BusLine(wire, baud: timing.baud), answer: answer, model: model,
      errors: wire == .dynamixel2 ? [] : StatusText.meanings(answer.status, wire))
    // All models of a protocol keep these registers at the same place.
    let table = model ?? ServoModel.typical(wire)
    servo.voltage = try value(answer.id, "present_voltage", of: table)
    if let low = try value(answer.id, "min_voltage", of: table),
      let high = try value(answer.id, "max_voltage", of: table), low <= high
    {
      servo.voltageLimits = low...high
    }
    servo.isTorqueOn = try value(answer.id, "torque_enable", of: table).map { $0 == 1 }
    if wire == .dynamixel2, let bits = try value(answer.id, "hardware_error", of: table) {
      servo.errors = StatusText.hardwareErrors(UInt8(clamping: Int(bits)))
    }
    return servo
  }

  private mutating func value(_ id: UInt8, _ name: String, of model: ServoModel) throws(BusError) -> Double? {
    guard let register = model.register(name) else { return nil }
    do throws(BusError) {
      return Double(try readRegister(id, name, of: model)) * register.scale
    } catch {
      switch error.kind {
      case .noAnswer, .refused, .notTaken: return nil
      default: throw error
      }
    }
  }
}

extension ServoModel {
  /// A model that stands for all of a protocol where a servo's own is not known.
  static func typical(_ wire: WireProtocol) -> ServoModel {
    switch wire {
    case .feetechSTS: .sts3215
    case .feetechSCS: .scs0009
    case .dynamixel1: .ax12A
    case .dynamixel2: .xl430W250
    }
  }
}

extension StatusText {
  /// The names of the bits in a DYNAMIXEL X servo's hardware error register (70).
  public static func hardwareErrors(_ bits: UInt8) -> [String] {
    let names = [
      0: "input voltage", 2: "overheating", 3: "encoder", 4: "electrical shock", 5: "overload",
    ]
    return (0..<8).filter { bits & (1 << UInt8($0)) != 0 }.map { names[$0] ?? "bit \($0)" }
  }
}

extension BusMaster {
  /// Makes sure that one servo answers at an id, and not several.
  public mutating func requireUnshared(_ id: UInt8) throws(BusError) {
    guard try isShared(id) else { return }
    throw BusError(
      .ambiguous, "several servos answer at id \(id), as new ones do",
      suggestion: "connect only the one that shall be changed")
  }

  /// Makes sure that a servo is alone on its bus, as one should be whose id is to be changed.
  ///
  /// - Parameters:
  ///   - patience: as for `search`.
  ///   - progress: called with the part of the ids asked so far; false ends the search.
  public mutating func requireAlone(
    _ id: UInt8, patience: Int64 = BusScan.usualPatience, progress: (Double) -> Bool = { _ in true }
  ) throws(BusError) {
    let ids = (0...wire.highestID).filter { $0 != id }
    try requireUnshared(id)
    let others = try search(ids, patience: patience, progress: progress).servos
    guard !others.isEmpty else { return }
    let list = BusAdvice.list(others.map(\.id))
    throw BusError(
      .ambiguous,
      others.count == 1 ? "servo \(list) is on this bus, too" : "\(others.count) others (\(list)) are on this bus, too",
      suggestion: "connect only the servo that shall be changed, or say --among-others")
  }
}
