import VirtualServos

/// Shafts that follow their goals stiffly, and that a test may block, pull at, or show elsewhere than they are.
final class LiveJoints: ServoPhysics {
  let stepNanoseconds: Int64 = 1_000_000
  private(set) var initialStates: [ShaftState]
  /// A wall in front of a shaft: it pushes with all it has.
  var blocked: Int?
  /// Speed at which something stronger than its motor pulls a shaft, rad/s, and how far in all, rad.
  var pull: (shaft: Int, speed: Double, distance: Double)?
  /// What is read besides the truth, rad; the motors know better.
  var offsets: [Double]
  private var truth: [Double]

  init(_ starts: [Double]) {
    initialStates = starts.map { ShaftState(position: $0) }
    offsets = starts.map { _ in 0 }
    truth = starts
  }

  var count: Int { truth.count }

  func step(_ drives: [ServoDrive], states: inout [ShaftState]) {
    let seconds = Double(stepNanoseconds) * 1e-9
    for shaft in truth.indices {
      let before = truth[shaft]
      var load = 0.0
      if var pull, pull.shaft == shaft {
        let move = min(pull.speed * seconds, pull.distance)
        truth[shaft] -= move
        pull.distance -= move
        self.pull = pull
      } else if drives[shaft].isEnergised && drives[shaft].torqueFraction > 0 {
        // A first-order lag of 2 ms, at most 5 rad/s.
        let wanted = drives[shaft].goal - before
        if blocked == shaft {
          load = max(-1, min(1, wanted * 100)) * drives[shaft].torqueFraction
        } else {
          truth[shaft] += max(-5 * seconds, min(5 * seconds, wanted * 0.4))
        }
      }
      states[shaft] = ShaftState(
        position: truth[shaft] + offsets[shaft], velocity: (truth[shaft] - before) / seconds, load: load)
    }
  }
}
