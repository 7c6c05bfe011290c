/// A difference between two boards, or what they did in common.
public struct DifferentialOutcome {
  public var frames = 0
  public var answers = 0
  /// How many of the eight states were seen.
  public var states: Set<UInt8> = []
  /// How often each channel's pulse was seen to change.
  public var movements = 0
  /// What differed first, in words.
  public var difference: String?

  public init() {}
}

/// Lets one random host talk to a board in Swift and one in C, and compares every byte sent and every pulse.
///
/// A play is one life of a board: up to 400 frames, then power goes and comes again with the store as it is.
public func compareBoards(seed: UInt64, channels: Int, frames: Int) -> DifferentialOutcome {
  var outcome = DifferentialOutcome()
  var host = RandomHost(seed: seed, channels: channels)
  var memories = ([UInt8](repeating: 255, count: 1024), [UInt8](repeating: 255, count: 1024))
  while outcome.frames < frames, outcome.difference == nil {
    if host.isChosen(20) { memories = ([UInt8](repeating: 255, count: 1024), [UInt8](repeating: 255, count: 1024)) }
    let start = UInt32(truncatingIfNeeded: host.random.bits())
    var play = Play(
      swift: SwiftBoard(TestIdentity(channels: channels), memory: memories.0, nowUs: start),
      c: CBoard(TestIdentity(channels: channels), memory: memories.1, nowUs: start), nowUs: start)
    play.run(&host, &outcome)
    memories = (play.swift.memory, play.c.memory)
    if let address = memories.0.indices.first(where: { memories.0[$0] != memories.1[$0] }), outcome.difference == nil {
      outcome.difference = "stored at \(address): Swift \(memories.0[address]), C \(memories.1[address])"
    }
  }
  return outcome
}

private struct Play {
  let swift: SwiftBoard
  let c: CBoard
  var nowUs: UInt32
  var inputs = TestInputs()
  var previous: [UInt16] = []

  mutating func run(_ host: inout RandomHost, _ outcome: inout DifferentialOutcome) {
    for _ in 0..<10 { pass(1000, &host, &outcome) }
    let opening = host.opening()
    for frame in opening { send(frame, &host, &outcome) }
    for _ in 0..<(1 + host.below(400)) where outcome.difference == nil {
      send(host.frame(), &host, &outcome)
      change(&host)
      switch host.below(100) {
      case 0..<85: pass(UInt32(host.below(8000)), &host, &outcome)
      case 85..<97: for _ in 0..<host.below(30) { pass(5000, &host, &outcome) }
      case 97: pass(UInt32(host.below(1_300_000)), &host, &outcome)
      default: for _ in 0..<400 { pass(5000, &host, &outcome) }
      }
    }
  }

  private mutating func send(_ frame: [UInt8], _ host: inout RandomHost, _ outcome: inout DifferentialOutcome) {
    outcome.frames += 1
    for byte in frame {
      nowUs &+= 10
      if host.below(5000) == 0 {
        swift.bytesWereLost()
        c.bytesWereLost()
      }
      compare(swift.feed(byte, nowUs: nowUs), c.feed(byte, nowUs: nowUs), &outcome)
    }
  }

  private mutating func pass(_ microseconds: UInt32, _ host: inout RandomHost, _ outcome: inout DifferentialOutcome) {
    nowUs &+= microseconds
    compare(swift.step(inputs, nowUs: nowUs), c.step(inputs, nowUs: nowUs), &outcome)
    for _ in 0..<20 {
      let isWorking = host.below(2000) != 0
      let (inSwift, inC) = (swift.storeNext(isWorking: isWorking), c.storeNext(isWorking: isWorking))
      if inSwift != inC { outcome.difference = outcome.difference ?? "one stores, the other does not" }
      if !inSwift { break }
    }
  }

  private mutating func change(_ host: inout RandomHost) {
    if host.below(inputs.isEstopOpen ? 5 : 150) == 0 { inputs.isEstopOpen.toggle() }
    if host.below(inputs.hasFault ? 5 : 300) == 0 { inputs.hasFault.toggle() }
    if host.isChosen(5) { inputs.voltageMv = UInt16(host.below(10000)) }
    if host.isChosen(5) { inputs.feedback = (0..<host.below(host.channels + 1)).map { UInt16($0) } }
  }

  private mutating func compare(_ a: [UInt8], _ b: [UInt8], _ outcome: inout DifferentialOutcome) {
    if !a.isEmpty { outcome.answers += 1 }
    let (sight, other) = (swift.sight, c.sight)
    outcome.states.insert(sight.state)
    if !previous.isEmpty, sight.pulses != previous { outcome.movements += 1 }
    previous = sight.pulses
    guard outcome.difference == nil, a != b || sight != other else { return }
    outcome.difference = "after \(outcome.frames) frames: Swift sent \(a) and is \(sight), C sent \(b) and is \(other)"
  }
}
