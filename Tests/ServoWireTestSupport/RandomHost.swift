import Numerics
import ServoWire

/// A host that knows the protocol well enough to get far into it, and keeps to it badly.
public struct RandomHost {
  public var random: RandomStream
  let channels: Int
  private var session: UInt16 = 0x1234
  private var sequence: UInt8 = 0
  private var lastRequest: [UInt8] = []

  public init(seed: UInt64, channels: Int) {
    random = RandomStream(seed: seed, name: "servo wire host")
    self.channels = channels
  }

  public mutating func below(_ bound: Int) -> Int { Int(random.bits() % UInt64(bound)) }
  public mutating func isChosen(_ percent: Int) -> Bool { below(100) < percent }
  mutating func word() -> UInt16 { UInt16(truncatingIfNeeded: random.bits()) }
  mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: random.bits()) }

  /// What brings a new board into IDLE with all channels usable.
  public mutating func opening() -> [[UInt8]] {
    var frames = [HostFrames.hello(session)]
    for channel in 0..<channels {
      let (rate, acceleration) = (UInt16(1 + below(20000)), UInt16(4 + below(isChosen(50) ? 200 : 65000)))
      var pairs = HostFrames.usable(channel, rate: rate, acceleration: acceleration)
      if isChosen(20) { pairs.append((UInt16(0x106 + channel << 4), UInt16(4000 + below(4001)))) }
      sequence &+= 1
      frames.append(HostFrames.set(session, pairs, sequence: sequence))
    }
    // A step larger than allowed is to be rare: otherwise hardly anything ever moves.
    frames.append(HostFrames.set(session, [(2, UInt16(isChosen(50) ? 2000 : 80))], sequence: sequence &+ 1))
    sequence &+= 2
    frames.append(HostFrames.request(ArmMessage.type, session, sequence: sequence))
    return frames
  }

  /// The next frame, mostly one that fits.
  public mutating func frame() -> [UInt8] {
    if isChosen(3), !lastRequest.isEmpty { return lastRequest }
    if isChosen(97) { sequence &+= 1 } else { sequence = byte() }
    if isChosen(1) { session = isChosen(50) ? 0x1234 : UInt16(1 + below(3)) }
    var made = message()
    if isChosen(4) { made = damaged(made) }
    return made
  }

  private mutating func message() -> [UInt8] {
    let session = isChosen(97) ? self.session : word()
    switch below(100) {
    case 0..<60: return setpoint(session)
    case 60..<68: return keep(HostFrames.request(ArmMessage.type, session, sequence: sequence))
    case 68..<76: return keep(HostFrames.request(ClearMessage.type, session, sequence: sequence))
    case 76..<78: return keep(HostFrames.request(StopMessage.type, session, sequence: sequence))
    case 78: return keep(HostFrames.request(DisarmMessage.type, session, sequence: sequence))
    case 79..<82: return keep(settings(session))
    case 82: return keep(HostFrames.request(ConfigCommitMessage.type, session, sequence: sequence))
    case 83:
      return isChosen(10) ? keep(HostFrames.request(ConfigDefaultsMessage.type, session, sequence: sequence)) : []
    case 84..<87: return HostFrames.hello(isChosen(90) ? self.session : UInt16(below(4)), sequence: sequence)
    case 87:
      return isChosen(20) ? HostFrames.raw(EstopMessage.type, sequence, isChosen(80) ? [69, 83, 79, 80] : [1]) : []
    case 88: return HostFrames.raw(GetInfoMessage.type, sequence, [])
    case 89..<91: return HostFrames.raw(TimeReqMessage.type, sequence, (0..<8).map { UInt8($0) &* sequence })
    case 91..<94:
      let key = isChosen(80) ? key() : word()
      return HostFrames.raw(ConfigGetMessage.type, sequence, [UInt8(key & 255), UInt8(key >> 8), UInt8(below(18))])
    case 94: return HostFrames.raw(StatsReqMessage.type, sequence, [])
    case 95: return HostFrames.raw(StateReqMessage.type, sequence, [])
    case 96..<98: return HostFrames.raw(byte(), sequence, (0..<below(93)).map { _ in byte() })
    default:
      // Right types with payloads of any length.
      let types: [UInt8] = [1, 2, 3, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x30, 0x31, 0x32, 0x33, 0x90]
      let payload = [UInt8(self.session & 255), UInt8(self.session >> 8)] + (0..<below(80)).map { _ in byte() }
      return HostFrames.raw(types[below(types.count)], sequence, Array(payload.prefix(below(payload.count + 1))))
    }
  }

  private mutating func keep(_ frame: [UInt8]) -> [UInt8] {
    lastRequest = frame
    return frame
  }

  private mutating func setpoint(_ session: UInt16) -> [UInt8] {
    let all: UInt16 = channels == 16 ? 0xFFFF : (1 << UInt16(channels)) - 1
    let mask = isChosen(85) ? all : isChosen(80) ? word() & all : word()
    let isWild = isChosen(20)
    var targets: [UInt16] = []
    for _ in 0..<mask.nonzeroBitCount { targets.append(isWild ? word() : UInt16(5990 + below(21))) }
    let ttl = UInt16(isChosen(70) ? 0 : below(200))
    return HostFrames.setpoint(session, mask: mask, targets: targets, ttlMs: ttl, sequence: sequence)
  }

  private mutating func key() -> UInt16 {
    isChosen(40) ? UInt16(below(WireSchema.globalSettings + 1)) : UInt16(0x100 + below(channels + 1) << 4 + below(8))
  }

  private mutating func settings(_ session: UInt16) -> [UInt8] {
    if isChosen(70) { return HostFrames.set(session, HostFrames.usable(below(channels)), sequence: sequence) }
    var pairs: [(key: UInt16, value: UInt16)] = []
    for _ in 0..<(1 + below(16)) {
      // Limits of the supply that always fail would end the play.
      let key = key()
      pairs.append((key, isChosen(50) ? UInt16(below(2)) : word()))
    }
    return HostFrames.set(session, pairs, sequence: sequence)
  }

  private mutating func damaged(_ frame: [UInt8]) -> [UInt8] {
    var bytes = frame
    guard !bytes.isEmpty else { return (0..<below(30)).map { _ in byte() } }
    let place = below(bytes.count)
    switch below(5) {
    case 0: bytes[place] ^= 1 << UInt8(below(8))
    case 1: bytes.remove(at: place)
    case 2: bytes.insert(byte(), at: place)
    case 3: bytes.removeLast(bytes.count - place)
    default: bytes += (0..<below(120)).map { _ in byte() }
    }
    return bytes
  }
}
