import Calibration
import Testing

@Suite("the sweep of a joint")
struct SweepTests {
  @Test("a joint is followed over the end of its encoder's turn, both ways")
  func wraps() {
    var tracker = SweepTracker(feetech)
    for raw in [4000, 4050, 4090, 30, 120, 200, 100, 4080, 4000, 3900] { tracker.add(raw) }
    #expect(tracker.range == 3900...4296 && tracker.position == 3900 && tracker.wraps == 2)
  }

  @Test("one wrong reading is not believed, two that agree are")
  func spikes() {
    var tracker = SweepTracker(feetech)
    for raw in [1000, 1010, 3500, 1020, 1030] { tracker.add(raw) }
    #expect(tracker.range == 1010...1030 && tracker.position == 1030)
    for raw in [2000, 2010] { tracker.add(raw) }
    #expect(tracker.position == 2010)
  }

  @Test("before two readings agree nothing is known")
  func first() {
    var tracker = SweepTracker(feetech)
    tracker.add(1000)
    #expect(tracker.position == nil && tracker.range == nil)
    tracker.add(3000)
    #expect(tracker.position == nil)
    tracker.add(3010)
    #expect(tracker.range == 3010...3010)
  }

  @Test("an interrupted sweep goes on in the turn it was in")
  func resumed() {
    var tracker = SweepTracker(feetech, range: 3900...4700)
    for raw in [500, 510, 600] { tracker.add(raw) }
    #expect(tracker.range == 3900...4700 && tracker.position == 4696)
    tracker.add(700)
    #expect(tracker.range == 3900...4796)
  }

  @Test("a potentiometer has ends, and nothing to unwrap")
  func potentiometer() {
    var tracker = SweepTracker(EncoderTraits(stepsPerTurn: 1229, turn: nil, positions: 1024, offset: .none))
    for raw in [20, 20, 60, 120, 180] { tracker.add(raw) }
    #expect(tracker.range == 20...180 && tracker.wraps == 0)
  }
}
