import Glibc
import ServoWireTestSupport

/// Random hosts against the board's controllers in Swift and in C, which must not differ in a byte or a pulse.
@main
enum ServoWireTrials {
  static func main() {
    var frames = 1_000_000
    let arguments = CommandLine.arguments.dropFirst()
    if let first = arguments.first {
      guard arguments.count == 1, let count = Int(first), count > 0 else {
        print("Usage: servo-wire-trials [FRAMES]")
        exit(2)
      }
      frames = count
    }
    for (seed, channels) in [(1, 6), (2, 1), (3, 16), (4, 12)] as [(UInt64, Int)] {
      let outcome = compareBoards(seed: seed, channels: channels, frames: frames / 4 + 1)
      print(
        "servo-wire-trials: \(channels) channels: \(outcome.frames) frames, \(outcome.answers) answers, "
          + "\(outcome.movements) movements, \(outcome.states.count) of 8 states")
      if let difference = outcome.difference {
        print("servo-wire-trials: seed \(seed): \(difference)")
        exit(1)
      }
      if outcome.states.count < 8 || outcome.movements < outcome.frames / 100 {
        print("servo-wire-trials: seed \(seed): the host did not get far enough for this to prove anything")
        exit(1)
      }
    }
    print("servo-wire-trials: no difference")
  }
}
