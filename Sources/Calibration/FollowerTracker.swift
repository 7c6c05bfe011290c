/// Watches whether a follower turns with its leader, and how far from it it stands.
struct FollowerTracker: Sendable, Equatable {
  let encoder: EncoderTraits
  private var sum = 0
  private var count = 0
  private var spread: ClosedRange<Int>?

  init(_ encoder: EncoderTraits) { self.encoder = encoder }

  /// The follower's raw position less its leader's, by the shorter way round; nil before it was read.
  var distance: Int? {
    guard count > 0 else { return nil }
    return Int((Double(sum) / Double(count)).rounded())
  }

  mutating func add(_ raw: Int, leader: Int) {
    let last = distance ?? 0
    let new = last + encoder.shortest(raw - leader - last)
    sum += new
    count += 1
    spread = spread.map { min($0.lowerBound, new)...max($0.upperBound, new) } ?? new...new
  }

  /// Two shafts in one joint cannot part by more than gears and reading at different times allow: 6 degrees.
  func problem(id: UInt8, leader: UInt8) -> String? {
    guard let spread else { return "servo \(id) was not read; check its cable and power" }
    guard spread.upperBound - spread.lowerBound <= encoder.stepsPerTurn / 60 else {
      return
        "servo \(id) turned against servo \(leader), which it should follow; check its drive mode (one of the two is reversed) and its horn"
    }
    return nil
  }
}
