import Numerics
import ServoWire

/// What a virtual board is like.
public struct VirtualBoardConfiguration: Sendable, Equatable {
  /// How many channels, 1 to 16.
  public var channels = 6
  /// Firmware version, major in the high byte, and the board's own number.
  public var firmware: UInt16 = 0x0100
  public var uniqueID: UInt64 = 0x5349_4E45_5721
  /// Rate of the line, bit/s; nil: bytes take no time.
  public var baud: Int? = 115_200
  /// Highest rate of SETPOINT that it says it keeps up with, Hz.
  public var maximumRate: UInt16 = 200
  /// Supply of the servos, V.
  public var supply = 6.0
  /// What a converter at each channel measures, in its units; empty: the board measures no positions.
  public var feedback: [UInt16] = []
  public var faults = VirtualBoardFaults()
  /// Seed of the faults.
  public var seed: UInt64 = 0

  public init() {}
}

/// What goes wrong with a virtual board by itself; rates are per byte or frame, times in ms since it began.
public struct VirtualBoardFaults: Sendable, Equatable {
  /// Share of bits that arrive wrong, in both directions.
  public var bitErrors = 0.0
  /// Share of the board's frames that never leave.
  public var lostFrames = 0.0
  /// Share of the board's frames behind 1 to 16 bytes of noise.
  public var garbage = 0.0
  /// When the board starts again, as after a dip of its supply.
  public var resetAt: Int64?
  /// When the emergency-stop button is pressed, and for how long.
  public var stopAt: Int64?
  public var stopFor: Int64 = 1000
  /// When the servos' supply falls to 2 V, and for how long.
  public var sagAt: Int64?
  public var sagFor: Int64 = 500
  /// When the board falls silent and deaf, and for how long.
  public var muteAt: Int64?
  public var muteFor: Int64 = 1000

  public init() {}

  /// The names of `parse`, each with what it takes.
  public static let names: [(name: String, takes: String)] = [
    ("bit-errors", "share of bits"), ("lost-frames", "share of the board's frames"),
    ("garbage", "share of the board's frames"), ("reset", "ms"), ("estop", "ms, or ms:duration"),
    ("undervoltage", "ms, or ms:duration"), ("mute", "ms, or ms:duration"),
  ]

  /// Faults from the command line: `bit-errors=1e-5`, `estop=2000`, `mute=3000:250`.
  public static func parse(_ texts: [String]) throws(VirtualServoError) -> VirtualBoardFaults {
    var faults = VirtualBoardFaults()
    for text in texts {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, names.contains(where: { $0.name == parts[0] }) else {
        let known = names.map { "\($0.name) (\($0.takes))" }.joined(separator: ", ")
        throw VirtualServoError("'\(text)' is no fault of a board; there are \(known)")
      }
      let times = parts[1].split(separator: ":").map { Int64($0) }
      let rate = Double(parts[1]).flatMap { $0 >= 0 && $0 <= 1 ? $0 : nil }
      func wrong() -> VirtualServoError { VirtualServoError("--fault \(text): '\(parts[1])' does not fit") }
      func time() throws(VirtualServoError) -> Int64 {
        guard let first = times.first, let time = first, time >= 0, times.count <= 2 else { throw wrong() }
        return time
      }
      func duration(_ usual: Int64) throws(VirtualServoError) -> Int64 {
        guard times.count == 2 else { return usual }
        guard let length = times[1], length > 0 else { throw wrong() }
        return length
      }
      func share() throws(VirtualServoError) -> Double {
        guard let rate else { throw wrong() }
        return rate
      }
      switch parts[0] {
      case "bit-errors": faults.bitErrors = try share()
      case "lost-frames": faults.lostFrames = try share()
      case "garbage": faults.garbage = try share()
      case "reset": faults.resetAt = try time()
      case "estop": (faults.stopAt, faults.stopFor) = (try time(), try duration(faults.stopFor))
      case "undervoltage": (faults.sagAt, faults.sagFor) = (try time(), try duration(faults.sagFor))
      default: (faults.muteAt, faults.muteFor) = (try time(), try duration(faults.muteFor))
      }
    }
    return faults
  }
}

/// What can be seen of a virtual board.
public struct VirtualBoardState: Sendable, Equatable {
  /// ns since it began.
  public var time: Int64 = 0
  public var state = WireState.boot
  public var cause = WireCause.powerOn
  /// The pulse of each channel, µs; 0: none.
  public var pulses: [Double] = []
  /// Whether the servos have power.
  public var hasRail = false
  public var flags: UInt16 = 0
  public var isHostPresent = false
  public var receivedBytes = 0
  public var sentFrames = 0
  public var starts = 1
}

/// A controller board that is not there: the board's own state machine (`ServoWire`), with a store, inputs, a paced line
/// and faults around it. Time is the caller's, ns; nothing here waits.
///
/// It shares its state machine with the reference firmware in Swift and its codec with the host's driver: what the codec
/// does wrong would pass both ways here. The vectors in `firmware-protocol/vectors` and the C core hold it up.
public final class VirtualBoard {
  public let configuration: VirtualBoardConfiguration
  /// The configuration store; kept when the board starts again.
  public private(set) var memory = [UInt8](repeating: 255, count: 2 * WireSchema.slotBytes)
  /// What the inputs read, besides what the faults do to them.
  public var isEstopPressed = false
  public var hasHardwareFault = false
  public var supply: Double
  /// Whether the board hears and says nothing.
  public var isMute = false

  private var controller: BoardController
  private var random: RandomStream
  private var starts: UInt16 = 1
  private var wasReset = false
  private var now: Int64 = 0
  private var isHostPresent = false
  private var receivedBytes = 0
  private var sentFrames = 0
  /// Bytes on the line, each with the time at which its last bit has passed.
  private var incoming: [(byte: UInt8, time: Int64)] = []
  private var outgoing: [(byte: UInt8, time: Int64)] = []
  private var incomingEnd: Int64 = 0
  private var outgoingEnd: Int64 = 0

  public init(_ configuration: VirtualBoardConfiguration) {
    self.configuration = configuration
    supply = configuration.supply
    random = RandomStream(seed: configuration.seed, name: "board-faults")
    controller = Self.makeController(configuration, memory, starts: 1, .power, nowUs: 0)
  }

  private static func makeController(
    _ configuration: VirtualBoardConfiguration, _ memory: [UInt8], starts: UInt16, _ reset: WireReset, nowUs: UInt32
  ) -> BoardController {
    var identity = BoardIdentity(channels: configuration.channels)
    identity.firmware = configuration.firmware
    identity.board = 0xE0
    identity.uniqueID = configuration.uniqueID
    identity.reset = reset
    identity.bootCount = starts
    identity.capabilities = Capabilities.railSwitch | Capabilities.voltage
    if !configuration.feedback.isEmpty { identity.capabilities |= Capabilities.feedback }
    identity.maximumRateHz = configuration.maximumRate
    return BoardController(identity: identity, nowUs: nowUs) { memory[$0] }
  }

  /// Microseconds since the board's own start, as its clock counts them.
  private var originUs: Int64 = 0
  private var nowUs: UInt32 { UInt32(truncatingIfNeeded: now / 1000 - originUs) }

  /// The board starts again: outputs off, no session, settings from the store.
  public func reset(_ cause: WireReset = .brownOut) {
    starts &+= 1
    originUs = now / 1000
    incoming.removeAll()
    outgoing.removeAll()
    controller = Self.makeController(configuration, memory, starts: starts, cause, nowUs: 0)
  }

  public var state: VirtualBoardState {
    var state = VirtualBoardState()
    state.time = now
    state.state = controller.state
    state.cause = controller.cause
    state.pulses = (0..<configuration.channels).map { Double(controller.pulse($0)) / 4 }
    state.hasRail = controller.isEnergised
    state.flags = controller.flags
    state.isHostPresent = isHostPresent
    state.receivedBytes = receivedBytes
    state.sentFrames = sentFrames
    state.starts = Int(starts)
    return state
  }

  private var byteTime: Int64 { configuration.baud.map { 10_000_000_000 / Int64($0) } ?? 0 }

  /// Bytes that the host has handed to its adaptor at `time`.
  public func receive(_ bytes: some Sequence<UInt8>, at time: Int64) {
    for byte in bytes {
      incomingEnd = max(incomingEnd, time) + byteTime
      incoming.append((damaged(byte), incomingEnd))
    }
  }

  /// The host is there, or gone; the board notices its silence only.
  public func setHostPresent(_ isPresent: Bool) { isHostPresent = isPresent }

  private func damaged(_ byte: UInt8) -> UInt8 {
    guard configuration.faults.bitErrors > 0 else { return byte }
    var byte = byte
    for bit in 0..<8 where random.uniform() < configuration.faults.bitErrors { byte ^= 1 << UInt8(bit) }
    return byte
  }

  /// Moves on to `time`, a millisecond at most at a time, and gives the bytes that the host has by then.
  public func advance(to time: Int64) -> [UInt8] {
    while now < time {
      // At each byte's own time, for the board stamps what it hears.
      let next = incoming.first.map { max($0.time, now + 1) } ?? .max
      now = min(time, now + 1_000_000, next)
      turn()
    }
    let due = outgoing.prefix { $0.time <= now }.map(\.byte)
    outgoing.removeFirst(due.count)
    return due
  }

  /// When something happens next by itself, ns: a byte that arrives, or the next millisecond.
  public var nextEvent: Int64 {
    let next = min(incoming.first?.time ?? .max, outgoing.first?.time ?? .max)
    return min(next, now + 1_000_000)
  }

  private func turn() {
    let faults = configuration.faults
    func isOn(_ at: Int64?, _ length: Int64) -> Bool {
      at.map { now >= $0 * 1_000_000 && now < ($0 + length) * 1_000_000 } ?? false
    }
    if let at = faults.resetAt, now >= at * 1_000_000, !wasReset {
      wasReset = true
      reset()
    }
    let deaf = isMute || isOn(faults.muteAt, faults.muteFor)
    while let first = incoming.first, first.time <= now {
      incoming.removeFirst()
      receivedBytes += 1
      if deaf { continue }
      if controller.feed(first.byte, nowUs: nowUs) { send() }
    }
    var inputs = BoardInputs()
    inputs.isEstopOpen = isEstopPressed || isOn(faults.stopAt, faults.stopFor)
    inputs.hasFault = hasHardwareFault
    let volts = isOn(faults.sagAt, faults.sagFor) ? 2 : supply
    inputs.voltageMv = UInt16(min(max(volts * 1000, 0), 65535))
    inputs.currentMa = 500
    for value in configuration.feedback { inputs.feedback.append(value) }
    if controller.step(inputs, nowUs: nowUs) {
      if deaf { return }
      send()
    }
    // An EEPROM's byte takes 3.4 ms; a byte a millisecond is about as slow.
    if let (address, byte) = controller.storeNext() {
      memory[address] = byte
      controller.stored(true)
    }
  }

  private func send() {
    sentFrames += 1
    let faults = configuration.faults
    if faults.lostFrames > 0 && random.uniform() < faults.lostFrames { return }
    if faults.garbage > 0 && random.uniform() < faults.garbage {
      for _ in 0..<(1 + random.bits() % 16) { push(UInt8(truncatingIfNeeded: random.bits() >> 32)) }
    }
    for index in 0..<controller.frame.count { push(damaged(controller.frame[index])) }
  }

  private func push(_ byte: UInt8) {
    outgoingEnd = max(outgoingEnd, now) + byteTime
    outgoing.append((byte, outgoingEnd))
  }
}
