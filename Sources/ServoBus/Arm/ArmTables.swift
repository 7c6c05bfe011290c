/// What stays the same of a servo while it is connected. Plain data for the control thread.
struct ServoFacts: BitwiseCopyable, Sendable {
  var id: UInt8 = 0
  /// The joint that it drives, or helps to drive.
  var joint = 0
  var isFollower = false
  /// What one tick is at the joint, rad: negative where the angle falls with the ticks.
  var radiansPerTick = 0.0
  /// Ticks at joint position 0.
  var zero = 0.0
  /// What the position register can hold.
  var registerLower = 0
  var registerUpper = 0
  /// Joint positions outside these are not believed, ticks.
  var lowest = 0
  var highest = 0
  /// Ticks of a turn where the register tells the position within a turn only: after every one of them (Feetech), or since
  /// power-on (DYNAMIXEL's extended modes). 0 where it tells the position itself.
  var turn = 0
  /// The joint's calibrated range, ticks.
  var goalLower = 0
  var goalUpper = 0
  /// What the goal register may be sent to.
  var sendLower = 0
  var sendUpper = 0
  /// rad/s per count of the speed register, with the sign.
  var speedPerCount = 0.0
  /// N·m per count of the current register, with the sign; 0 where current is not measured.
  var effortPerCount = 0.0
  /// V per count.
  var voltsPerCount = 0.1
  /// The farthest that a reading may be from the last one, ticks per ns: under torque, and moved by hand.
  var ticksPerNanosecond = Double.infinity
  var ticksPerNanosecondByHand = Double.infinity
  var hasWatchdog = false
  /// What the mark of its indirect block shows.
  var mark: UInt8 = 0

  /// Ticks of a turn between the seam and the nearest goal that is still sent: where the register wraps, a servo at the
  /// seam would go the long way round.
  static var seamGuard: Int { @_noLocks get { 32 } }
}

/// What is known of a servo's torque.
enum TorqueState {
  static var off: UInt8 { @_noLocks get { 0 } }
  static var on: UInt8 { @_noLocks get { 1 } }
  static var unknown: UInt8 { @_noLocks get { 2 } }
}

/// What changes of a servo with every tick.
struct ServoMemory: BitwiseCopyable, Sendable {
  /// The position that is believed: the register, and counted on through turns.
  var register = 0
  var ticks = 0
  /// When the request for it went out, monotonic ns.
  var stamp = Int64.min
  /// rad/s and N·m.
  var velocity = 0.0
  var effort = 0.0
  /// Readings in a row that were not believed, and the last of them.
  var rejected = 0
  var candidate = 0
  var candidateStamp: Int64 = 0
  /// Rejected readings in a row that agree with each other.
  var agreeing = 0

  /// See `TorqueState`.
  var torque: UInt8 = 2
  /// Whether the last reading said that torque is off, and one more must say so.
  var offSeen = false
  /// Whether torque was switched on by the arm and not off again.
  var isHeld = false
  /// Whether it was found under torque when the arm was energised.
  var isAdopted = false
  /// Whether its block of indirect addresses is gone: it has started again.
  var lostBlock = false
  /// The error bits of the last answer, and those that were in the one before as well.
  var errorBits: UInt8 = 0
  var confirmedBits: UInt8 = 0
  var isWatchdogTripped = false
  /// V and °C; NaN when unknown.
  var voltage = Double.nan
  var temperature = Double.nan
  /// What its goal register holds, as last read back or written.
  var goal = 0
  /// What was counted on through turns when torque came, ticks: the turn that goals are in.
  var goalTurns = 0
}

/// One step of switching torque on: some registers of some servos, written and read back, or only read.
struct EnergiseStep: BitwiseCopyable, Sendable {
  enum Kind {
    /// Only read: what is torque, goal, watchdog now?
    static var look: UInt8 { @_noLocks get { 0 } }
    /// Bytes that were prepared at connect.
    static var settings: UInt8 { @_noLocks get { 1 } }
    /// The goal becomes the measured position.
    static var goal: UInt8 { @_noLocks get { 2 } }
    /// Torque on.
    static var torque: UInt8 { @_noLocks get { 3 } }
  }
  var kind: UInt8
  var address: Int
  var length: Int
  /// Where the prepared bytes begin: `length` for each servo of the arm.
  var data = 0
  /// The servos that it is for, one bit each.
  var servos: UInt32
  /// Where in the bytes read each quantity stands; -1 where it is not.
  var torque = -1
  var goal = -1
  var watchdog = -1
}

/// The memory that the control thread works on; given back by `deallocate`.
struct ArmTables: BitwiseCopyable {
  let servoCount: Int
  let facts: UnsafeMutablePointer<ServoFacts>
  let memory: UnsafeMutablePointer<ServoMemory>
  let steps: UnsafeMutablePointer<EnergiseStep>
  let stepCount: Int
  let settings: UnsafeMutablePointer<UInt8>
  /// Ids and bytes of a write under way.
  let writeIDs: UnsafeMutablePointer<UInt8>
  let writeData: UnsafeMutablePointer<UInt8>
  /// One torque-off frame to everybody.
  let stop: UnsafeMutablePointer<UInt8>
  let stopCount: Int
  /// What is put on the wire if the program dies.
  var crash: CrashFrame

  /// The most bytes of a servo that a step or a watch reads or writes.
  static var stride: Int { 64 }

  init(
    facts: [ServoFacts], memory: [ServoMemory], steps: [EnergiseStep], settings: [UInt8], stop: [UInt8],
    crash: CrashFrame
  ) {
    self.crash = crash
    func copy<Element: BitwiseCopyable>(_ list: [Element], filler: Element) -> UnsafeMutablePointer<Element> {
      let pointer = UnsafeMutablePointer<Element>.allocate(capacity: max(1, list.count))
      pointer.initialize(repeating: filler, count: max(1, list.count))
      for (index, element) in list.enumerated() { pointer[index] = element }
      return pointer
    }
    servoCount = facts.count
    self.facts = copy(facts, filler: ServoFacts())
    self.memory = copy(memory, filler: ServoMemory())
    self.steps = copy(steps, filler: EnergiseStep(kind: 0, address: 0, length: 0, servos: 0))
    stepCount = steps.count
    self.settings = copy(settings, filler: 0)
    writeIDs = copy([UInt8](repeating: 0, count: facts.count), filler: 0)
    writeData = copy([UInt8](repeating: 0, count: facts.count * ArmTables.stride), filler: 0)
    self.stop = copy(stop, filler: 0)
    stopCount = stop.count
  }

  func deallocate() {
    facts.deallocate()
    memory.deallocate()
    steps.deallocate()
    settings.deallocate()
    writeIDs.deallocate()
    writeData.deallocate()
    stop.deallocate()
    crash.deallocate()
  }
}
