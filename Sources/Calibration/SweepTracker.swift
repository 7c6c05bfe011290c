/// Follows one encoder while a hand turns the joint: over the end of its turn, past single wrong readings, and remembers
/// how far it got. Before the first two readings agree it knows nothing.
public struct SweepTracker: Sendable, Equatable {
  public let encoder: EncoderTraits
  /// Where it is, in unwrapped raw ticks: equal to the raw position but for whole turns.
  public private(set) var position: Int?
  /// How far it got while recording; nil before the first position.
  public private(set) var range: ClosedRange<Int>?
  /// How often the joint crossed the end of the encoder's turn.
  public private(set) var wraps = 0
  /// Whether positions widen the range.
  public var isRecording = true
  private var suspect: Int?

  /// Further than this between two readings no hand turns it: a sixteenth of a turn, at 50 readings a second 1100 °/s.
  private var largestStep: Int { encoder.stepsPerTurn / 16 }

  /// A tracker that goes on from a range that was recorded before.
  public init(_ encoder: EncoderTraits, range: ClosedRange<Int>? = nil) {
    self.encoder = encoder
    self.range = range
  }

  /// Takes a reading: a raw position of the encoder.
  ///
  /// A reading far from the last one is believed when the next one agrees with it: damaged answers pass an 8-bit checksum
  /// now and then, and one wrong reading would spoil a range for good.
  public mutating func add(_ raw: Int) {
    guard let last = position else { return addFirst(raw) }
    let step = encoder.shortest(raw - last)
    if abs(step) > largestStep {
      guard let suspect, abs(encoder.shortest(raw - suspect)) <= largestStep else {
        suspect = raw
        return
      }
    }
    suspect = nil
    move(to: last + step)
  }

  private mutating func addFirst(_ raw: Int) {
    guard let suspect, abs(encoder.shortest(raw - suspect)) <= largestStep else {
      suspect = raw
      return
    }
    self.suspect = nil
    // A range from before says which turn it is; without one any will do.
    let middle = range.map { ($0.lowerBound + $0.upperBound) / 2 } ?? encoder.wrapped(raw)
    position = middle + encoder.shortest(raw - middle)
    move(to: middle + encoder.shortest(raw - middle))
  }

  private mutating func move(to new: Int) {
    if let position, encoder.turns(position) != encoder.turns(new) { wraps += 1 }
    position = new
    guard isRecording else { return }
    range = range.map { min($0.lowerBound, new)...max($0.upperBound, new) } ?? new...new
  }

  /// Forgets the range; the next position begins a new one.
  public mutating func restart() {
    range = position.map { $0...$0 }
    wraps = 0
  }
}
