import CSystem

/// How fast a joint may move and change, in units of ticks: rad per tick, per tick², per tick³. Infinite for no limit.
struct TickLimits: BitwiseCopyable {
  let speed: Double
  let acceleration: Double
  let jerk: Double

  /// Limits given in rad/s, rad/s² and rad/s³, for ticks of so many seconds.
  @_noLocks
  init(speed: Double, acceleration: Double, jerk: Double, seconds: Double) {
    self.speed = speed * seconds
    self.acceleration = acceleration * seconds * seconds
    self.jerk = jerk * seconds * seconds * seconds
  }

  @_noLocks
  init(speed: Double, of other: TickLimits) {
    self.speed = speed
    acceleration = other.acceleration
    jerk = other.jerk
  }
}

/// The way of one joint to rest, exact in whole ticks: three phases of constant jerk, of which the second has none.
///
/// With v and a the speed and acceleration to begin with, the acceleration goes from a to −p in n₁ ticks, stays there for
/// n₂ and returns to 0 in n₃. In ticks (speed is added to position, acceleration to speed, jerk to acceleration) speed
/// ends at 0 when
///
///     p = (v + a(n₁ − 1)/2) / ((n₁ + n₃)/2 + n₂)
///
/// Whole numbers of ticks rounded up from the time-optimal ones make p a little smaller than the limits allow. A joint
/// that brakes harder than its speed needs (it was about to turn round) ends by the same formula with the signs turned.
struct BrakingPlan: BitwiseCopyable {
  /// Ticks left in each phase; numbers without fraction, which may be too large for an integer.
  private var first = 0.0
  private var second = 0.0
  private var third = 0.0
  private var firstJerk = 0.0
  private var thirdJerk = 0.0

  /// At rest.
  @_noLocks
  init() {}

  /// Whether nothing is left to do.
  var isRest: Bool { @_noLocks get { first + second + third == 0 } }
  /// Ticks until rest.
  var ticks: Double { @_noLocks get { first + second + third } }

  /// Leaves the last phase out, if nothing but that is left.
  @_noLocks
  mutating func endAtOnce() {
    if first + second == 0 { third = 0 }
  }

  /// The jerk of the next tick, of a plan that is not at rest.
  @_noLocks
  mutating func next() -> Double {
    if first > 0 {
      first -= 1
      return firstJerk
    }
    if second > 0 {
      second -= 1
      return 0
    }
    third -= 1
    return thirdJerk
  }

  /// What a plan amounts to, relative to where it begins.
  struct Extent: BitwiseCopyable {
    /// Whether there is a plan within the limits.
    var isValid = false
    /// Where it ends, and the lowest and highest point on the way, rad.
    var end = 0.0
    var lowest = 0.0
    var highest = 0.0
    /// The highest speed on the way, rad per tick.
    var topSpeed = 0.0

    @_noLocks
    init() {}
  }

  /// The plan from a speed and an acceleration, with what it amounts to. Not valid for combinations that no plan of this
  /// kind ends within the limits; a joint at rest, and one that does not accelerate, always has one.
  @_noLocks
  static func make(
    speed: Double, acceleration: Double, limits: TickLimits, extent: inout Extent
  ) -> BrakingPlan {
    extent = Extent()
    extent.isValid = true
    extent.topSpeed = speed.magnitude
    if speed == 0 && acceleration == 0 { return BrakingPlan() }
    // What speed is left when acceleration is brought to 0 as fast as can be says which way to brake.
    let unwinding = limits.jerk.isFinite ? -sinew_floor(-acceleration.magnitude / limits.jerk) : 0
    let left = unwinding > 0 ? speed + acceleration * (unwinding - 1) / 2 : speed
    let sign: Double = left < 0 ? -1 : 1
    var plan = BrakingPlan()
    let isFound = plan.find(speed: sign * speed, acceleration: sign * acceleration, limits: limits)
    guard isFound else {
      extent.isValid = false
      return BrakingPlan()
    }
    plan.measure(speed: sign * speed, acceleration: sign * acceleration, extent: &extent)
    if sign < 0 {
      plan.firstJerk = -plan.firstJerk
      plan.thirdJerk = -plan.thirdJerk
      let lowest = extent.lowest
      extent.lowest = -extent.highest
      extent.highest = -lowest
      extent.end = -extent.end
    }
    return plan
  }

  /// Fills in a plan that ends a motion in positive direction; false when there is none.
  @_noLocks
  private mutating func find(speed v: Double, acceleration a: Double, limits: TickLimits) -> Bool {
    let most = limits.acceleration
    guard limits.jerk.isFinite else {
      // Acceleration may change at once: so many ticks of the same deceleration.
      let ticks = most.isFinite ? -sinew_floor(-v / most) : 1
      return settle(v, a, 1, ticks > 1 ? ticks - 1 : 0, 1, limits)
    }
    if most.isFinite {
      let down = atLeastOne(-sinew_floor(-(a + most) / limits.jerk))
      let up = atLeastOne(-sinew_floor(-most / limits.jerk))
      let plateau = (v + a * (down - 1) / 2) / most - (down + up) / 2
      if plateau >= 0 && settle(v, a, down, -sinew_floor(-plateau), up, limits) { return true }
    }
    let peak = sinew_sqrt(limits.jerk * v + a * a / 2)
    var up = peak > 0 ? atLeastOne(-sinew_floor(-peak / limits.jerk)) : 1
    var down = peak + a > 0 ? atLeastOne(-sinew_floor(-(peak + a) / limits.jerk)) : 1
    for _ in 0..<6 {
      if settle(v, a, down, 0, up, limits) { return true }
      let p = 2 * (v + a * (down - 1) / 2) / (down + up)
      if p + a > down * limits.jerk || p + a < -down * limits.jerk { down += 1 } else { up += 1 }
    }
    return false
  }

  @_noLocks
  private func atLeastOne(_ x: Double) -> Double { x < 1 ? 1 : x }

  /// Takes these numbers of ticks if acceleration and jerk then keep their limits.
  @_noLocks
  private mutating func settle(
    _ v: Double, _ a: Double, _ down: Double, _ plateau: Double, _ up: Double, _ limits: TickLimits
  ) -> Bool {
    let p = (v + a * (down - 1) / 2) / ((down + up) / 2 + plateau)
    let slack = 1 + 1e-12
    guard p >= 0, p <= limits.acceleration * slack else { return false }
    if limits.jerk.isFinite {
      guard p <= up * limits.jerk * slack, (a + p).magnitude <= down * limits.jerk * slack else { return false }
    }
    first = down
    second = plateau
    third = up
    firstJerk = -(a + p) / down
    thirdJerk = p / up
    return true
  }

  /// Where a joint is after `ticks` of this plan that begins with a speed and an acceleration, relative to its beginning.
  @_noLocks
  func way(after ticks: Double, speed: Double, acceleration: Double) -> Double {
    var left = ticks
    var v = speed
    var a = acceleration
    var x = 0.0
    BrakingPlan.run(first, firstJerk, &left, &x, &v, &a)
    BrakingPlan.run(second, 0, &left, &x, &v, &a)
    BrakingPlan.run(third, thirdJerk, &left, &x, &v, &a)
    return x
  }

  /// Goes through one phase, or as much of it as there are ticks left.
  @_noLocks
  private static func run(
    _ phase: Double, _ jerk: Double, _ left: inout Double, _ x: inout Double, _ v: inout Double, _ a: inout Double
  ) {
    let n = phase < left ? phase : left
    x += n * v + a * n * (n + 1) / 2 + jerk * n * (n + 1) * (n + 2) / 6
    v += n * a + jerk * n * (n + 1) / 2
    a += n * jerk
    left -= n
  }

  /// Sums the way up, phase by phase.
  @_noLocks
  private func measure(speed v: Double, acceleration a: Double, extent: inout Extent) {
    let n = first
    let j = firstJerk
    extent.end = way(after: ticks, speed: v, acceleration: a)
    extent.highest = extent.end > 0 ? extent.end : 0
    if v < 0 {
      // Backwards first, until the acceleration has turned the joint round.
      let k = ticksBackwards(v, a, j, n)
      let way = k * v + a * k * (k + 1) / 2 + j * k * (k + 1) * (k + 2) / 6
      extent.lowest = way < 0 ? way : 0
    }
    if a > 0 && j < 0 {
      // Speed grows until the acceleration has gone.
      let k = sinew_floor(-a / j)
      let top = v + k * a + j * k * (k + 1) / 2
      if top > extent.topSpeed { extent.topSpeed = top }
    }
  }

  /// How many ticks of the first phase go backwards, from a negative speed: up to the root of its sum.
  @_noLocks
  private func ticksBackwards(_ v: Double, _ a: Double, _ j: Double, _ n: Double) -> Double {
    // v + k·a + j·k(k + 1)/2 = 0
    let b = a + j / 2
    let discriminant = b * b - 2 * j * v
    let root = discriminant > 0 ? (-b + sinew_sqrt(discriminant)) / j : n
    guard root > 0 else { return 0 }
    return root < n ? sinew_floor(root) : n
  }
}
