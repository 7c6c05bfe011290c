/// Watches whether a follower turns with its leader, and how far from it it stands.
///
/// Only while both stand nearly still: the two are read one after the other, and a moving joint is somewhere else by then.
struct FollowerTracker: Sendable, Equatable {
  /// Where both stood.
  private struct Pair: Sendable, Equatable {
    var own: Int
    var leader: Int
  }

  let encoder: EncoderTraits
  private var sum = 0
  private var count = 0
  private var spread: ClosedRange<Int>?
  private var last: Pair?

  init(_ encoder: EncoderTraits) { self.encoder = encoder }

  /// The follower's raw position less its leader's, by the shorter way round; nil before it was read.
  var distance: Int? {
    guard count > 0 else { return nil }
    return Int((Double(sum) / Double(count)).rounded())
  }

  /// Takes the raw positions of both.
  mutating func add(_ raw: Int, leader: Int) {
    defer { last = Pair(own: raw, leader: leader) }
    let still = encoder.stepsPerTurn / 256
    guard let last, abs(encoder.shortest(raw - last.own)) <= still, abs(encoder.shortest(leader - last.leader)) <= still
    else { return }
    let mean = distance ?? 0
    let new = mean + encoder.shortest(raw - leader - mean)
    sum += new
    count += 1
    spread = spread.map { min($0.lowerBound, new)...max($0.upperBound, new) } ?? new...new
  }

  /// Two shafts in one joint cannot part by more than gears and reading at different times allow: 6 degrees.
  func problem(id: UInt8, leader: UInt8) -> String? {
    guard let spread else {
      return "servo \(id) was never read at rest; stop at both ends of the joint, and check its cable"
    }
    guard spread.upperBound - spread.lowerBound <= encoder.stepsPerTurn / 60 else {
      return
        "servo \(id) turned against servo \(leader), which it should follow; check its drive mode (one of the two is reversed) and its horn"
    }
    return nil
  }
}
