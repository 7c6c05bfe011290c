/// The least time that a joint needs within its limits, in continuous time and by formulas of its own: nothing here knows
/// how the core plans. Sources: the "double S" velocity profile, Biagiotti and Melchiorri, Trajectory Planning for
/// Automatic Machines and Robots, section 3.4.
struct SoonestArrival {
  /// Largest speed, acceleration and jerk, rad/s, rad/s², rad/s³; infinite for no limit.
  let speed: Double
  let acceleration: Double
  let jerk: Double

  /// How far a joint goes that brakes from a speed without acceleration, rad.
  func wayToRest(_ v: Double) -> Double { v / 2 * change(by: v).seconds }

  /// A way to rest: how long it takes, and the acceleration of its first change of speed where that is largest.
  private struct Way {
    var seconds: Double
    var firstAcceleration: Double
  }

  /// Seconds until rest at a place `distance` ahead, from a speed and an acceleration.
  func time(over distance: Double, speed v: Double = 0, acceleration a: Double = 0) -> Double {
    guard jerk.isFinite, a != 0 else { return way(over: distance, speed: v).seconds }
    let ramp = a.magnitude / jerk
    // Where the acceleration is of use, the joint is on a way that began without any a little earlier.
    let before = v - a * ramp / 2
    let whole = way(over: distance + before * ramp + a * ramp * ramp / 6, speed: before)
    if whole.firstAcceleration / a >= 1 { return whole.seconds - ramp }
    // Otherwise it is taken back first.
    let rest = distance - v * ramp - a * ramp * ramp / 3
    return ramp + way(over: rest, speed: v + a * ramp / 2).seconds
  }

  /// Seconds in which the speed can change by so much, from no acceleration to none, and the largest one between.
  private func change(by difference: Double) -> (seconds: Double, acceleration: Double) {
    let size = difference.magnitude
    if jerk.isFinite && (!acceleration.isFinite || size * jerk <= acceleration * acceleration) {
      return (2 * (size / jerk).squareRoot(), (size * jerk).squareRoot())
    }
    let seconds = (acceleration.isFinite ? size / acceleration : 0) + (jerk.isFinite ? acceleration / jerk : 0)
    return (seconds, acceleration)
  }

  /// From a speed without acceleration: to a top speed, along with it, and to rest.
  private func way(over distance: Double, speed v: Double) -> Way {
    if distance < v / 2 * change(by: v).seconds {
      // The joint would stop behind the place: mirrored it is before it.
      let mirrored = way(over: -distance, speed: -v)
      return Way(seconds: mirrored.seconds, firstAcceleration: -mirrored.firstAcceleration)
    }
    func length(_ top: Double) -> Double {
      (v + top) / 2 * change(by: top - v).seconds + top / 2 * change(by: top).seconds
    }
    var low = max(v, 0)
    var high = max(low, 1e-9)
    if speed.isFinite {
      high = speed
    } else {
      while length(high) < distance { high *= 2 }
    }
    var top = high
    if length(high) > distance {
      for _ in 0..<60 {
        top = (low + high) / 2
        if length(top) <= distance { low = top } else { high = top }
      }
    }
    let cruise = max(0, distance - length(top)) / top
    return Way(
      seconds: change(by: top - v).seconds + cruise + change(by: top).seconds,
      firstAcceleration: top > v ? change(by: top - v).acceleration : -change(by: top).acceleration)
  }

  /// The fewest ticks of `seconds` in which three phases of constant jerk, the second of which has none, bring a joint to
  /// rest: all numbers of ticks are tried, and the two jerks of each follow from the two conditions of rest.
  func fewestTicksToRest(speed: Double, acceleration a: Double, seconds: Double, atMost most: Int) -> Int? {
    // Per tick, per tick squared and cubed; a millionth is left for what differences of goals are rounded by.
    let (v, a) = (speed * seconds, a * seconds * seconds)
    let peak = acceleration * seconds * seconds * (1 - 1e-6)
    let jerk = jerk * seconds * seconds * seconds * (1 - 1e-6)
    if v == 0 && a == 0 { return 0 }
    guard most >= 2 else { return nil }
    for ticks in 2...most {
      let all = Double(ticks)
      for first in 1..<ticks {
        for third in 1...(ticks - first) {
          let (n, m) = (Double(first), Double(third))
          // What a unit of jerk in each phase does to the last speed: one tick of it, as often as ticks are left.
          let firstShare = n * all - n * (n - 1) / 2
          let thirdShare = m * (m + 1) / 2
          // a + n·x + m·y = 0 and v + all·a + firstShare·x + thirdShare·y = 0.
          let determinant = n * thirdShare - m * firstShare
          let x = (-a * thirdShare + m * (v + all * a)) / determinant
          let y = (-n * (v + all * a) + a * firstShare) / determinant
          if x.magnitude <= jerk && y.magnitude <= jerk && (a + n * x).magnitude <= peak { return ticks }
        }
      }
    }
    return nil
  }
}
