import ArmModel
import Recording

/// A tick as the control thread makes it, seen from another module: the compiler proves that recording neither
/// allocates nor locks. That this file compiles is the test.
public struct RealTimeTick: ~Copyable {
  private var port: RecorderPort
  private let observation: UnsafeMutablePointer<Double>
  private let action: UnsafeMutablePointer<Float>
  private var joints = JointState(count: 2)
  private var step: UInt64 = 0

  /// A tick over Reacher's dimensions.
  public init(port: consuming RecorderPort) {
    self.port = port
    observation = .allocate(capacity: 10)
    observation.initialize(repeating: 0.5, count: 10)
    action = .allocate(capacity: 2)
    action.initialize(repeating: 0.25, count: 2)
  }

  deinit {
    observation.deallocate()
    action.deallocate()
  }

  /// Records everything that a control thread records.
  @_noLocks
  public mutating func run(stamp: Int64) {
    joints.stamp = stamp
    joints.present = .position
    port.recordJoints(joints)
    let isFinal = step % 10 == 9
    if let writer = port.reserveTransition(isFinal: isFinal) {
      writer.setStep(step, stamp: stamp, duration: 0.001, episode: 0, stepInEpisode: 0)
      writer.setObservation(observation)
      writer.setAction(mean: action, logStandardDeviation: action, raw: action, action: action)
      writer.setAction(raw: action, action: action)
      writer.setLogProbability(-1, value: 2)
      let command = JointCommand(mode: .effort, goal: joints.position, stamp: stamp)
      writer.setCommand(command, proposal: joints.position, source: .policy)
      writer.setJoints(joints)
      writer.setReward(1, terms: observation)
      writer.setFlags(.success)
      if isFinal { writer.setFinalObservation(observation) }
      port.commitTransition()
    }
    var loop = LoopRecord()
    loop.stamp = stamp
    loop.ticks = step
    loop.overruns = UInt64(port.droppedCount)
    port.recordLoop(loop)
    port.recordEvent(.marker, stamp: stamp, first: Int64(bitPattern: step))
    port.awaitRoom()
    step = step &+ 1
  }
}
