import ArmModel
import CSystem
import Recording

/// How fast the log takes transitions when nothing else is in the way: those of a real run, recorded again in simulated
/// time, as fast as ring, encoder, compression and disk go.
public enum LogBenchmark {
  /// The result of one recording.
  public struct Throughput: Sendable {
    public let transitions: Int
    /// From the first transition to the closed file, s.
    public let seconds: Double
    /// Size of the log.
    public let bytes: Int
    /// Records lost; 0, because simulated time waits for the log.
    public let dropped: Int

    /// Transitions per second.
    public var rate: Double { seconds > 0 ? Double(transitions) / seconds : 0 }
  }

  /// Records `count` transitions into a new log, the given ones over and over.
  ///
  /// - Parameters:
  ///   - log: what to record; at least one transition.
  ///   - path: a file that does not exist yet.
  /// - Throws: the file cannot be made, or the disk refused some of it.
  public static func record(
    _ log: TransitionLog, count: Int, to path: String, options: RecorderOptions = RecorderOptions()
  ) throws(RecordingError) -> Throughput {
    guard !log.transitions.isEmpty else { throw RecordingError(path: path, message: "no transitions to record") }
    var options = options
    options.clock = .virtual
    let recorder = try Recorder.start(
      path: path, options: options, layout: log.layout,
      jointNames: (0..<log.layout.jointCount).map { "joint\($0 + 1)" })
    var port = recorder.makePort()
    let steps = log.transitions.map { ReplayedStep($0, layout: log.layout) }
    let start = sinew_now_ns()
    var place = 0
    for index in 0..<count {
      steps[place].record(index: index, to: &port)
      place = place + 1 == steps.count ? 0 : place + 1
      port.awaitRoom()
    }
    let summary = recorder.finish()
    let seconds = Double(sinew_now_ns() - start) * 1e-9
    if let error = summary.error { throw RecordingError(path: path, message: error) }
    return Throughput(transitions: count, seconds: seconds, bytes: Int(summary.bytes), dropped: summary.dropped)
  }
}

/// One transition of a log in the form that the recorder's port takes.
private struct ReplayedStep {
  private let step: Transition
  private var joints: JointState
  private let command: JointCommand
  private let proposal: JointVector
  private let terms: [Double]
  private let finalObservation: [Double]

  init(_ step: Transition, layout: TransitionLayout) {
    func vector(_ values: [Float]) -> JointVector {
      JointVector((0..<layout.jointCount).map { $0 < values.count ? Double(values[$0]) : .nan })
    }
    self.step = step
    joints = JointState(count: layout.jointCount)
    joints.position = vector(step.position)
    joints.velocity = vector(step.velocity)
    joints.effort = vector(step.effort)
    joints.present = [.position, .velocity, .effort]
    command = JointCommand(
      mode: CommandMode(rawValue: step.commandMode) ?? .position, goal: vector(step.command), stamp: 0)
    proposal = vector(step.proposal)
    terms = step.rewardTerms.map(Double.init)
    finalObservation = step.finalObservation.map(Double.init)
  }

  /// Puts the step into the log as number `index` of a run at 1 kHz.
  func record(index: Int, to port: inout RecorderPort) {
    guard let writer = port.reserveTransition(isFinal: !finalObservation.isEmpty) else { return }
    writer.setStep(
      UInt64(index), stamp: Int64(index) * 1_000_000, duration: step.duration, episode: step.episode,
      stepInEpisode: step.stepInEpisode)
    write(step.observation) { writer.setObservation($0) }
    write(step.actionMean) { mean in
      write(step.actionLogStandardDeviation) { deviation in
        write(step.rawAction) { raw in
          write(step.action) { writer.setAction(mean: mean, logStandardDeviation: deviation, raw: raw, action: $0) }
        }
      }
    }
    writer.setLogProbability(step.logProbability, value: step.value)
    writer.setCommand(command, proposal: proposal, source: step.source)
    writer.setJoints(joints)
    write(terms) { writer.setReward(Double(step.reward), terms: $0) }
    if !finalObservation.isEmpty { write(finalObservation) { writer.setFinalObservation($0) } }
    writer.setFlags(step.flags)
    port.commitTransition()
  }

  private func write<Number>(_ numbers: [Number], _ body: (UnsafePointer<Number>) -> Void) {
    numbers.withUnsafeBufferPointer { buffer in
      if let base = buffer.baseAddress { body(base) }
    }
  }
}
