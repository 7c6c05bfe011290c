import ArmModel

/// A recorded run's commands in the place of a policy: step by step, the same goals again.
///
/// It also compares what the arm does with what was asked for and with what the recorded arm did. Allocated at set-up;
/// the rest is for the control thread.
public struct Playback: ~Copyable {
  /// Steps, and numbers of each.
  public let stepCount: Int
  public let jointCount: Int
  private let commands: UnsafeMutablePointer<Float>
  private let measured: UnsafeMutablePointer<Float>
  /// The next step.
  private var index = 0
  private var sums: PlaybackErrors

  /// `commands` and `measured` (positions at each step's beginning, rad) have `jointCount` numbers a step.
  public init(commands: [[Float]], measured: [[Float]]) {
    precondition(!commands.isEmpty && commands.count == measured.count, "a recording has steps")
    stepCount = commands.count
    jointCount = commands[0].count
    self.commands = .allocate(capacity: stepCount * jointCount)
    self.measured = .allocate(capacity: stepCount * jointCount)
    for step in 0..<stepCount {
      precondition(commands[step].count == jointCount && measured[step].count == jointCount, "steps are alike")
      for joint in 0..<jointCount {
        (self.commands + step * jointCount + joint).initialize(to: commands[step][joint])
        (self.measured + step * jointCount + joint).initialize(to: measured[step][joint])
      }
    }
    sums = PlaybackErrors(count: jointCount)
  }

  deinit {
    commands.deallocate()
    measured.deallocate()
  }

  /// From the first step again, with nothing compared yet.
  @_noLocks
  mutating func reset() {
    index = 0
    sums = PlaybackErrors(count: jointCount)
  }

  /// Compares the arm at the beginning of the next step, and gives that step's command; after the last step, the last one.
  @_noLocks
  mutating func next(at position: JointVector, into action: UnsafeMutablePointer<Float>) {
    let step = index < stepCount ? index : stepCount &- 1
    for joint in 0..<jointCount {
      if index < stepCount {
        sums.note(joint, fromRecording: position[joint] - Double(measured[step &* jointCount &+ joint]))
      }
      if index > 0 && index <= stepCount {
        sums.note(joint, fromCommand: position[joint] - Double(commands[(index &- 1) &* jointCount &+ joint]))
      }
      action[joint] = commands[step &* jointCount &+ joint]
    }
    if index < stepCount { sums.recordedSteps &+= 1 }
    if index > 0 && index <= stepCount { sums.commandedSteps &+= 1 }
    index &+= 1
  }

  /// What was compared so far.
  public var errors: PlaybackErrors { @_noLocks get { sums } }
}

/// How far a replaying arm was from its commands, and from the recorded arm; rad (N·m where the commands are efforts).
public struct PlaybackErrors: Sendable, BitwiseCopyable {
  private var commandSquares: JointVector
  private var commandMost: JointVector
  private var recordingSquares: JointVector
  private var recordingMost: JointVector
  fileprivate(set) var commandedSteps = 0
  fileprivate(set) var recordedSteps = 0

  @_noLocks
  init(count: Int) {
    commandSquares = JointVector(repeating: 0, count: count)
    commandMost = commandSquares
    recordingSquares = commandSquares
    recordingMost = commandSquares
  }

  @_noLocks
  fileprivate mutating func note(_ joint: Int, fromCommand error: Double) {
    commandSquares[joint] += error * error
    if error.magnitude > commandMost[joint] { commandMost[joint] = error.magnitude }
  }

  @_noLocks
  fileprivate mutating func note(_ joint: Int, fromRecording error: Double) {
    recordingSquares[joint] += error * error
    if error.magnitude > recordingMost[joint] { recordingMost[joint] = error.magnitude }
  }

  /// Number of joints.
  public var count: Int { commandSquares.count }
  /// From the command of the step before: root mean square, and the most.
  public func fromCommand(_ joint: Int) -> (rms: Double, most: Double) {
    ((commandSquares[joint] / Double(max(commandedSteps, 1))).squareRoot(), commandMost[joint])
  }
  /// From the recorded position.
  public func fromRecording(_ joint: Int) -> (rms: Double, most: Double) {
    ((recordingSquares[joint] / Double(max(recordedSteps, 1))).squareRoot(), recordingMost[joint])
  }
}
