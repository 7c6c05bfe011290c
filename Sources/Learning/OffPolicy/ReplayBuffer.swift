import CSystem
import Networks
import Numerics

/// The latest transitions, whatever policy made them: a ring that forgets the oldest.
///
/// A row is (s, a, r, s′, terminated): observations as the environment gave them, the action in [−1, 1] as it was played
/// after exploration, the raw reward. An episode that a limit cut is no termination: s′ is its last observation and its
/// value counts. Nothing allocates after `init`; memory is touched as rows come.
public struct ReplayBuffer: ~Copyable {
  public let capacity: Int
  public let observationCount: Int
  public let actionCount: Int
  /// Rows that are there.
  public private(set) var count = 0
  /// Where the next row goes.
  private var place = 0
  private let rows: UnsafeMutablePointer<Float>
  private let width: Int

  public init(capacity: Int, observationCount: Int, actionCount: Int) {
    self.capacity = capacity
    self.observationCount = observationCount
    self.actionCount = actionCount
    width = 2 * observationCount + actionCount + 2
    rows = .allocate(capacity: capacity * width)
  }

  deinit { rows.deallocate() }

  /// Adds a transition in the place of the oldest when there is no room.
  public mutating func add(
    observation: UnsafePointer<Float>, action: UnsafePointer<Float>, reward: Double, next: UnsafePointer<Double>,
    isTerminated: Bool
  ) {
    let row = rows + place * width
    row.update(from: observation, count: observationCount)
    (row + observationCount).update(from: action, count: actionCount)
    let rest = row + observationCount + actionCount
    rest[0] = Float(reward)
    rest[1] = isTerminated ? 1 : 0
    for index in 0..<observationCount { rest[2 + index] = Float(next[index]) }
    place = place + 1 == capacity ? 0 : place + 1
    if count < capacity { count += 1 }
  }

  /// Draws rows with replacement, each equally likely, with observations as the networks see them.
  public func sample(
    into batch: borrowing ReplayBatch, scaling: borrowing ObservationScaling, random: inout RandomStream
  ) {
    for index in 0..<batch.count {
      let row = rows + Int(random.bits() % UInt64(count)) * width
      let rest = row + observationCount + actionCount
      let (observation, next) = (batch.inputs.base + index * batch.stride, batch.nextInputs.base + index * batch.stride)
      scaling.apply(row, into: observation)
      scaling.apply(rest + 2, into: next)
      (observation + observationCount).update(from: row + observationCount, count: actionCount)
      batch.rewards[index] = rest[0]
      batch.continues[index] = 1 - rest[1]
    }
  }

  func encode(into encoder: inout StateEncoder) {
    encoder.put(Int64(place))
    encoder.put(Int64(count))
    encoder.put(UnsafePointer(rows), count: count * width)
  }

  mutating func decode(from decoder: inout StateDecoder) throws(LearningError) {
    let (place, count) = (Int(try decoder.take(Int64.self)), Int(try decoder.take(Int64.self)))
    guard (0...capacity).contains(count), (0..<capacity).contains(place) else {
      throw LearningError(.state, "the stored state has \(count) transitions where \(capacity) have room")
    }
    try decoder.take(into: rows, count: count * width)
    (self.place, self.count) = (place, count)
  }
}

/// Rows drawn from a replay buffer: (s, a) side by side, as a critic takes them, s′ likewise with room for its action.
public struct ReplayBatch: ~Copyable {
  public let count: Int
  /// Floats from one row of inputs to the next.
  public let stride: Int
  public let inputs: FloatBuffer
  public let nextInputs: FloatBuffer
  public let rewards: UnsafeMutablePointer<Float>
  /// 1, or 0 where the task said that there is no future.
  public let continues: UnsafeMutablePointer<Float>
  /// What the critics are fitted to.
  public let targets: UnsafeMutablePointer<Float>
  private let floats: FloatBuffer

  public init(count: Int, observationCount: Int, actionCount: Int) {
    self.count = count
    stride = paddedCount(observationCount + actionCount)
    inputs = FloatBuffer(count: count * stride)
    nextInputs = FloatBuffer(count: count * stride)
    floats = FloatBuffer(count: 3 * count)
    rewards = floats.base
    continues = floats.base + count
    targets = floats.base + 2 * count
  }
}
