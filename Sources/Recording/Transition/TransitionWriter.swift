import ArmModel

/// Writes one encoded transition in place, in the ring's memory.
///
/// Real-time safe: no allocation, no lock. After `init` every floating-point field is NaN ("not known") and every
/// other field 0; the setters may be called in any order. Arrays given as pointers hold as many numbers as the layout
/// says. Valid until the record is committed.
public struct TransitionWriter {
  private let base: UnsafeMutableRawPointer
  private let layout: TransitionLayout

  /// - Parameters:
  ///   - base: `layout.byteCount(isFinal:)` bytes.
  ///   - isFinal: whether the message carries a final observation, set by `setFinalObservation`.
  @_noLocks
  public init(_ base: UnsafeMutableRawPointer, layout: TransitionLayout, isFinal: Bool) {
    self.base = base
    self.layout = layout
    // CDR header: plain, little endian, no options.
    base.storeBytes(of: UInt32(0x0100).littleEndian, as: UInt32.self)
    var offset = 4
    while offset < 36 {
      base.storeBytes(of: 0, toByteOffset: offset, as: UInt32.self)
      offset = offset &+ 4
    }
    fill(layout.durationOffset, Double.nan)
    let absent = Float.nan
    while offset < layout.sourceOffset {
      base.storeBytes(of: absent, toByteOffset: offset, as: Float.self)
      offset = offset &+ 4
    }
    base.storeBytes(of: 0, toByteOffset: offset, as: UInt64.self)
    let count = isFinal ? layout.observationCount : 0
    base.storeBytes(of: UInt32(truncatingIfNeeded: count), toByteOffset: layout.finalCountOffset, as: UInt32.self)
    offset = layout.finalObservationOffset
    while offset < layout.byteCount(isFinal: isFinal) {
      base.storeBytes(of: absent, toByteOffset: offset, as: Float.self)
      offset = offset &+ 4
    }
  }

  @_noLocks
  private func fill(_ offset: Int, _ value: Double) {
    base.storeBytes(of: value, toByteOffset: offset, as: Double.self)
  }

  @_noLocks
  private func fill(_ offset: Int, _ value: Float) { base.storeBytes(of: value, toByteOffset: offset, as: Float.self) }

  @_noLocks
  private func fill(_ offset: Int, _ values: UnsafePointer<Float>, _ count: Int) {
    (base + offset).copyMemory(from: UnsafeRawPointer(values), byteCount: 4 &* count)
  }

  @_noLocks
  private func fill(_ offset: Int, _ values: UnsafePointer<Double>, _ count: Int) {
    for index in 0..<count { fill(offset &+ 4 &* index, Float(values[index])) }
  }

  @_noLocks
  private func fill(_ offset: Int, _ values: JointVector) {
    let count = min(values.count, layout.jointCount)
    for index in 0..<count { fill(offset &+ 4 &* index, Float(values[index])) }
  }

  /// Which step this is. `stamp`: monotonic ns of the observation; `duration`: s until the next one.
  @_noLocks
  public func setStep(_ step: UInt64, stamp: Int64, duration: Double, episode: UInt32, stepInEpisode: UInt32) {
    base.storeBytes(of: step, toByteOffset: layout.stepOffset, as: UInt64.self)
    base.storeBytes(of: stamp, toByteOffset: layout.stampOffset, as: Int64.self)
    fill(layout.durationOffset, duration)
    base.storeBytes(of: episode, toByteOffset: layout.episodeOffset, as: UInt32.self)
    base.storeBytes(of: stepInEpisode, toByteOffset: layout.stepInEpisodeOffset, as: UInt32.self)
  }

  /// The observation as the policy saw it.
  @_noLocks
  public func setObservation(_ values: UnsafePointer<Float>) {
    fill(layout.observationOffset, values, layout.observationCount)
  }

  /// The observation as the task produced it.
  @_noLocks
  public func setObservation(_ values: UnsafePointer<Double>) {
    fill(layout.observationOffset, values, layout.observationCount)
  }

  /// The observation after the last step of an episode; only when made with `isFinal`.
  @_noLocks
  public func setFinalObservation(_ values: UnsafePointer<Double>) {
    precondition(
      base.load(fromByteOffset: layout.finalCountOffset, as: UInt32.self) != 0, "the record was not reserved as final")
    fill(layout.finalObservationOffset, values, layout.observationCount)
  }

  /// What the policy drew: the numbers of its distribution, the sample, and the action made of it.
  @_noLocks
  public func setAction(
    mean: UnsafePointer<Float>, logStandardDeviation: UnsafePointer<Float>, raw: UnsafePointer<Float>,
    action: UnsafePointer<Float>
  ) {
    fill(layout.meanOffset, mean, layout.actionCount)
    fill(layout.logStandardDeviationOffset, logStandardDeviation, layout.actionCount)
    fill(layout.rawActionOffset, raw, layout.actionCount)
    fill(layout.actionOffset, action, layout.actionCount)
  }

  /// The same for a policy (or a person) without a distribution: mean and deviation stay NaN.
  @_noLocks
  public func setAction(raw: UnsafePointer<Float>, action: UnsafePointer<Float>) {
    fill(layout.rawActionOffset, raw, layout.actionCount)
    fill(layout.actionOffset, action, layout.actionCount)
  }

  /// Log-probability of the raw action, and the critic's value (NaN without a critic).
  @_noLocks
  public func setLogProbability(_ logProbability: Float, value: Float) {
    fill(layout.logProbabilityOffset, logProbability)
    fill(layout.valueOffset, value)
  }

  /// The command after safety, the proposal before it, and who made it.
  @_noLocks
  public func setCommand(_ command: JointCommand, proposal: JointVector, source: CommandSource) {
    fill(layout.commandOffset, command.goal)
    fill(layout.proposalOffset, proposal)
    base.storeBytes(of: command.mode.rawValue, toByteOffset: layout.commandModeOffset, as: UInt8.self)
    base.storeBytes(of: source.rawValue, toByteOffset: layout.sourceOffset, as: UInt8.self)
  }

  /// The joints as measured at the observation; quantities that were not measured stay NaN.
  @_noLocks
  public func setJoints(_ joints: JointState) {
    if joints.present.rawValue & JointQuantities.position.rawValue != 0 { fill(layout.positionOffset, joints.position) }
    if joints.present.rawValue & JointQuantities.velocity.rawValue != 0 { fill(layout.velocityOffset, joints.velocity) }
    if joints.present.rawValue & JointQuantities.effort.rawValue != 0 { fill(layout.effortOffset, joints.effort) }
  }

  /// The reward and its terms (`rewardTermCount` numbers).
  @_noLocks
  public func setReward(_ reward: Double, terms: UnsafePointer<Double>) {
    fill(layout.rewardOffset, Float(reward))
    fill(layout.rewardTermsOffset, terms, layout.rewardTermCount)
  }

  /// How the step ended and what was done to it.
  @_noLocks
  public func setFlags(_ flags: TransitionFlags) {
    let bits = flags.rawValue
    store(bits & 1 != 0, 0)
    store(bits & 2 != 0, 1)
    store(bits & 4 != 0, 2)
    store(bits & 8 != 0, 3)
    store(bits & 16 != 0, 4)
  }

  @_noLocks
  private func store(_ flag: Bool, _ index: Int) {
    base.storeBytes(of: flag ? 1 : 0, toByteOffset: layout.flagsOffset &+ index, as: UInt8.self)
  }
}
