import ArmModel

/// Commands on their way to the servos: each takes effect a whole number of physics steps after it was given.
struct CommandQueue: ~Copyable {
  private struct Entry: BitwiseCopyable {
    var due: Int
    var goal: JointVector
  }
  private let entries: UnsafeMutablePointer<Entry>
  private let capacity: Int
  private var first = 0
  private var count = 0
  /// Steps from giving to effect; at most what there is room for.
  var delay: Int

  /// Room for every command that can be on its way when one is given per `interval` steps and none takes more than
  /// `longest`.
  init(delay: Int, longest: Int, interval: Int, joints: Int) {
    self.delay = delay
    capacity = longest / max(1, interval) + 2
    entries = .allocate(capacity: capacity)
    entries.initialize(repeating: Entry(due: 0, goal: JointVector(repeating: 0, count: joints)), count: capacity)
  }

  deinit { entries.deallocate() }

  @_noLocks
  mutating func removeAll() {
    first = 0
    count = 0
  }

  /// Takes a goal given at `step`. When more are given than can be on their way, the newest replaces the one before.
  @_noLocks
  mutating func add(_ goal: JointVector, at step: Int) {
    if count == capacity { count -= 1 }
    entries[(first + count) % capacity] = Entry(due: step + delay, goal: goal)
    count += 1
  }

  /// Moves the newest goal that is due at `step` into `goal`; false when none is.
  @_noLocks
  mutating func take(at step: Int, into goal: inout JointVector) -> Bool {
    var found = false
    while count > 0 && entries[first].due <= step {
      goal = entries[first].goal
      first = (first + 1) % capacity
      count -= 1
      found = true
    }
    return found
  }
}

/// What the sensors saw after each of the last physics steps, so that a status can be old when it arrives.
struct StatusHistory: ~Copyable {
  private let values: UnsafeMutablePointer<Double>
  private let joints: Int
  private var newest = 0
  /// Steps from measuring to arrival; at most what there is room for. A new one counts from the next reset on.
  private(set) var delay: Int
  private var slots: Int { @_noLocks get { delay + 1 } }

  /// Room for delays of up to `longest` steps.
  init(delay: Int, longest: Int, joints: Int) {
    self.delay = delay
    self.joints = joints
    values = .allocate(capacity: (longest + 1) * joints * 3)
    values.initialize(repeating: 0, count: (longest + 1) * joints * 3)
  }

  deinit { values.deallocate() }

  @_noLocks
  mutating func setDelay(_ steps: Int) {
    delay = steps
    newest = 0
  }

  /// Opens the slot for the step just made.
  @_noLocks
  mutating func advance() { newest = (newest + 1) % slots }

  /// Writes one joint's position, velocity and effort into the newest slot.
  @_noLocks
  mutating func record(_ joint: Int, _ position: Double, _ velocity: Double, _ effort: Double) {
    let base = (newest * joints + joint) * 3
    values[base] = position
    values[base + 1] = velocity
    values[base + 2] = effort
  }

  /// The slot that arrives now: `delay` steps old. `quantity` 0 position, 1 velocity, 2 effort.
  @_noLocks
  func arriving(_ joint: Int, _ quantity: Int) -> Double {
    let slot = (newest + 1) % slots
    return values[(slot * joints + joint) * 3 + quantity]
  }
}
