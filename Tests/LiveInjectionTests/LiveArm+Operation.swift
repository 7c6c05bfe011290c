import ArmModel
import CSystem
import Glibc
import Safety

/// Why an injection showed nothing: the machine was too busy for it, or it did not get where it begins.
struct Disturbed: Error, CustomStringConvertible {
  let description: String
}

// The test's thread: the operator, and whoever waits for something.
extension LiveArm {
  /// The number of the first tick from `start` that is so; nil when it does not come within `ticks` ticks.
  func find(from start: Int, within ticks: Int, _ isSo: (Look) -> Bool) throws -> Int? {
    var next = start
    // However busy the machine is: a tick a second is none.
    var patience = sinew_now_ns() + 20_000_000_000
    while next < start + ticks {
      if next < count {
        patience = sinew_now_ns() + 20_000_000_000
        if isSo(look(next)) { return next }
        next += 1
        continue
      }
      if let why = whyNotConnected { throw Disturbed(description: why) }
      guard sinew_now_ns() < patience else { throw Disturbed(description: "the control thread stands still") }
      usleep(1000)
    }
    return nil
  }

  /// Waits for so many whole ticks, and gives the last look.
  @discardableResult
  func rest(_ ticks: Int) throws -> Look {
    let start = count + 1
    _ = try find(from: start, within: ticks) { _ in false }
    return look(start + ticks - 1)
  }

  /// Waits until a state is reached.
  func reach(_ state: SafetyState, within ticks: Int = 150) throws {
    guard try find(from: count, within: ticks, { $0.decision.state == state }) != nil else {
      throw Disturbed(description: "it is in \(last.map { "\($0.decision.state)" } ?? "nothing"), not in \(state)")
    }
  }

  func ask(_ requests: OperatorRequests) { order { $0.requests = $0.requests.adding(requests) } }

  /// From whatever it is to rest under torque.
  func raise() throws {
    order { $0.person.isPresent = true }
    _ = try find(from: 0, within: 1) { _ in true }
    for _ in 0..<40 {
      switch last?.decision.state {
      case .hold: return
      case .disarmed: ask(.arm)
      case .faultHold, .fault, .emergencyStop: ask(.reset)
      default: break
      }
      try rest(3)
    }
    throw Disturbed(description: "the arm did not come under torque")
  }

  /// Presses enable anew.
  func enable() throws {
    order { $0.person.enableIsHeld = false }
    try rest(2)
    order { $0.person.enableIsHeld = true }
    try rest(1)
  }

  /// Gives the policy authority, and waits until it moves the arm at full speed.
  func run() throws {
    try raise()
    try enable()
    ask(.start)
    try reach(.policy, within: 10)
    try reachSpeed()
  }

  /// Lets a person move the arm at full speed.
  func teleoperate() throws {
    try raise()
    // A stick at rest proposes where the arm is.
    order { $0.stick = 0 }
    try enable()
    try reach(.teleoperation, within: 10)
    order { $0.stick = 1 }
    try reachSpeed()
  }

  /// The way to rest has to end within the reach of what is measured, so that this is less than the largest speed.
  private func reachSpeed() throws {
    var before: JointVector?
    let found = try find(from: count + 4, within: 100) { look in
      defer { before = look.decision.writes ? look.decision.command.goal : nil }
      guard let before, look.decision.writes, !LiveInjection.isStopped(look) else { return false }
      let steps = zip(before.array, look.decision.command.goal.array).map { ($0 - $1).magnitude }
      return steps.contains { $0 > 0.3 * LiveSetup.speed * Self.seconds }
    }
    if found == nil { throw Disturbed(description: "it never moved") }
  }

  // MARK: Injections, and how long it takes

  /// Does something to the world at this moment, whatever the control thread is doing; then the ticks, in whole, until one
  /// is so. The tick that is under way counts as the first.
  func inject(within ticks: Int = 60, _ cause: () -> Void, until isSo: (Look) -> Bool) throws -> Int? {
    let start = count
    cause()
    let mark = sinew_now_ns()
    guard let found = try find(from: start, within: ticks, isSo) else { return nil }
    return max(1, all(from: start).prefix(found - start + 1).count { $0.began >= mark })
  }

  /// Does something to the world in whole ticks, exactly: `cause` hears the number of the tick, from 0, before it reads.
  func injectByTick(
    within ticks: Int = 60, _ cause: @escaping @Sendable (Int) -> Void, until isSo: (Look) -> Bool
  ) throws -> Int? {
    order {
      $0.hook = cause
      $0.hookStart = nil
    }
    defer { order { $0.hook = nil } }
    var start: Int?
    let patience = sinew_now_ns() + 20_000_000_000
    while start == nil {
      start = hookStart
      guard sinew_now_ns() < patience else { throw Disturbed(description: "the control thread stands still") }
      usleep(1000)
    }
    guard let start, let found = try find(from: start, within: ticks, isSo) else { return nil }
    return found - start + 1
  }

  /// Waits until nobody is in authority and the arm is at rest or let go of.
  func settle() throws {
    _ = try find(from: count, within: 150) {
      $0.decision.state != .stopping && $0.decision.state != .policy && $0.decision.state != .teleoperation
    }
  }
}
