import Glibc
import Numerics

/// Draws the chances of the faults; every kind from a stream of its own, so that one fault does not shift another.
struct FaultInjector {
  /// What goes wrong from now on.
  var settings: FaultSettings {
    didSet {
      hostGap = nil
      servoGap = nil
    }
  }
  private var towardsHost: RandomStream
  private var towardsServos: RandomStream
  /// Sound bits before the next error; nil: not drawn yet.
  private var hostGap: Int?
  private var servoGap: Int?
  private var drops: RandomStream
  private var packets: RandomStream
  private var noise: RandomStream
  /// Injected so far, by kind.
  private(set) var counts = FaultCounts()

  init(_ settings: FaultSettings, seed: UInt64) {
    self.settings = settings
    towardsHost = RandomStream(seed: seed, name: "bit errors to host")
    towardsServos = RandomStream(seed: seed, name: "bit errors to servos")
    drops = RandomStream(seed: seed, name: "byte drops")
    packets = RandomStream(seed: seed, name: "packet faults")
    noise = RandomStream(seed: seed, name: "garbage")
  }

  /// A byte on its way to the servos; nil when it is lost.
  mutating func toServos(_ byte: UInt8) -> UInt8? {
    guard !loses() else { return nil }
    return Self.damaged(byte, settings.bitErrorsToServos, &towardsServos, &servoGap, &counts.bitErrors)
  }

  /// Bytes on their way to the host.
  mutating func toHost(_ bytes: [UInt8]) -> [UInt8] {
    guard settings.bitErrorsToHost > 0 || settings.byteDrop > 0 else { return bytes }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    for byte in bytes where !loses() {
      result.append(Self.damaged(byte, settings.bitErrorsToHost, &towardsHost, &hostGap, &counts.bitErrors))
    }
    return result
  }

  private mutating func loses() -> Bool {
    guard settings.byteDrop > 0, drops.uniform() < settings.byteDrop else { return false }
    counts.droppedBytes += 1
    return true
  }

  /// Errors are drawn by the sound bits between them, whose number is geometric: one draw an error, not one a bit.
  private static func damaged(
    _ byte: UInt8, _ rate: Double, _ random: inout RandomStream, _ gap: inout Int?, _ count: inout Int
  ) -> UInt8 {
    guard rate > 0 else { return byte }
    var byte = byte
    var bit = gap ?? draw(rate, &random)
    while bit < 8 {
      byte ^= 1 << UInt8(bit)
      count += 1
      bit += 1 + draw(rate, &random)
    }
    gap = bit - 8
    return byte
  }

  private static func draw(_ rate: Double, _ random: inout RandomStream) -> Int {
    guard rate < 1 else { return 0 }
    let gap = log(1 - random.uniform()) / log1p(-rate)
    return gap < 1e15 ? Int(gap) : Int(1e15)
  }

  /// What happens to one answer.
  struct Fate {
    var isDropped = false
    var isDoubled = false
    /// Random bytes before it.
    var garbage: [UInt8] = []
    /// Where it is cut, and how much later each further piece comes, ns.
    var cuts: [(at: Int, delay: Int64)] = []
  }

  mutating func fate(of bytes: [UInt8]) -> Fate {
    var fate = Fate()
    if chance(settings.packetDrop) {
      fate.isDropped = true
      counts.droppedPackets += 1
    }
    if chance(settings.garbage) {
      fate.garbage = (0..<(1 + Int(noise.bits() % 16))).map { _ in UInt8(truncatingIfNeeded: noise.bits()) }
      counts.garbage += 1
    }
    if chance(settings.duplicate) {
      fate.isDoubled = true
      counts.duplicates += 1
    }
    if chance(settings.split), bytes.count > 1 {
      counts.splits += 1
      var at = 0
      while at < bytes.count {
        at += 1 + Int(noise.bits() % UInt64(bytes.count))
        if at < bytes.count { fate.cuts.append((at, Int64(noise.bits() % 1_000_000))) }
      }
    }
    return fate
  }

  /// Whether the answers to request `number` are late.
  mutating func isLate(request number: Int) -> Bool {
    let isLate = chance(settings.late) || settings.lateAt == number
    if isLate { counts.late += 1 }
    return isLate
  }

  private mutating func chance(_ rate: Double) -> Bool { rate > 0 && packets.uniform() < rate }
}

/// Faults injected so far.
public struct FaultCounts: Sendable, Equatable {
  public var bitErrors = 0
  public var droppedBytes = 0
  public var droppedPackets = 0
  public var garbage = 0
  public var duplicates = 0
  public var splits = 0
  public var late = 0
}
