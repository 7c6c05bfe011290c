import Networks

/// The rows of a rollout that one gradient step looks at, with all that an algorithm reads and writes for them. Of a
/// rollout with memory these are whole sequences, time-major: the first step of each, then the second of each.
///
/// `load` gathers rows, `evaluate` computes log π, values and entropy under the present parameters; the algorithm then
/// writes its coefficients ∂L/∂log π and ∂L/∂V, and `differentiate` turns them into the parameters' gradient. An
/// algorithm is thereby the few lines that compute its coefficients. Nothing allocates after `init`.
public struct PolicyBatch: ~Copyable {
  public let capacity: Int
  public private(set) var count = 0
  public let observations: FloatBuffer
  public let actions: UnsafeMutablePointer<Float>
  /// log π when the action was chosen.
  public let oldLogProbabilities: UnsafeMutablePointer<Float>
  public let advantages: UnsafeMutablePointer<Float>
  /// What the critic is fitted to, and what it said at the rollout.
  public let targets: UnsafeMutablePointer<Float>
  public let oldValues: UnsafeMutablePointer<Float>
  /// log π and V under the present parameters.
  public let logProbabilities: UnsafeMutablePointer<Float>
  public let values: UnsafeMutablePointer<Float>
  public private(set) var entropy = 0.0
  /// ∂L/∂log π and ∂L/∂V of each row.
  public let logProbabilityGradients: UnsafeMutablePointer<Float>
  public let valueGradients: UnsafeMutablePointer<Float>
  private let floats: FloatBuffer
  /// Steps of a sequence; 1 without memory.
  private let length: Int
  /// States before each sequence, and the factors on those before each step.
  private let actorStates: FloatBuffer
  private let criticStates: FloatBuffer
  private let keep: FloatBuffer
  private let memoryWidth: Int

  /// - Parameters:
  ///   - capacity: the most rows; a multiple of `sequenceLength`.
  ///   - memoryWidth: floats of a recurrent network's state; 0 without one.
  ///   - sequenceLength: steps of a sequence; 1 without memory.
  public init(
    capacity: Int, observationStride: Int, actionCount: Int, memoryWidth: Int = 0, sequenceLength: Int = 1
  ) {
    precondition(capacity % sequenceLength == 0, "a batch is whole sequences")
    self.capacity = capacity
    self.memoryWidth = memoryWidth
    length = sequenceLength
    actorStates = FloatBuffer(count: capacity / sequenceLength * memoryWidth)
    criticStates = FloatBuffer(count: capacity / sequenceLength * memoryWidth)
    keep = FloatBuffer(count: memoryWidth == 0 ? 0 : capacity)
    observations = FloatBuffer(count: capacity * observationStride)
    floats = FloatBuffer(count: capacity * (actionCount + 8))
    var next = floats.base
    func part(_ width: Int) -> UnsafeMutablePointer<Float> {
      defer { next += width * capacity }
      return next
    }
    actions = part(actionCount)
    oldLogProbabilities = part(1)
    advantages = part(1)
    targets = part(1)
    oldValues = part(1)
    logProbabilities = part(1)
    values = part(1)
    logProbabilityGradients = part(1)
    valueGradients = part(1)
  }

  /// Gathers the rows with the given numbers; of a rollout with memory the sequences with these numbers: sequence k of
  /// environment e has the number k·environments + e.
  public mutating func load(_ rollout: borrowing RolloutBuffer, rows numbers: UnsafePointer<Int32>, count: Int) {
    precondition(count * length <= capacity, "more rows than the batch has room for")
    precondition(rollout.memory.width == memoryWidth, "the batch is made for another memory")
    self.count = count * length
    let environments = rollout.environments
    for index in 0..<(memoryWidth == 0 ? 0 : count) {
      let number = Int(numbers[index])
      (actorStates.base + index * memoryWidth).update(
        from: rollout.memory.actorStates.base + number * memoryWidth, count: memoryWidth)
      (criticStates.base + index * memoryWidth).update(
        from: rollout.memory.criticStates.base + number * memoryWidth, count: memoryWidth)
      for step in 0..<length {
        let first = (number / environments * length + step) * environments + number % environments
        // The state before a sequence has been cleared already where an episode begins with it.
        keep.base[step * count + index] = step == 0 ? 1 : rollout.memory.keep.base[first]
      }
    }
    let (stride, width) = (rollout.observationStride, rollout.actionCount)
    for index in 0..<self.count {
      let number = Int(numbers[index % count])
      let row =
        memoryWidth == 0
        ? number : (number / environments * length + index / count) * environments + number % environments
      (observations.base + index * stride).update(from: rollout.observations.base + row * stride, count: stride)
      for action in 0..<width { actions[index * width + action] = rollout.actions[row * width + action] }
      oldLogProbabilities[index] = rollout.logProbabilities[row]
      advantages[index] = rollout.advantages[row]
      targets[index] = rollout.targets[row]
      oldValues[index] = rollout.values[row]
    }
  }

  private func sequence(_ states: borrowing FloatBuffer) -> RowSequence {
    guard memoryWidth > 0 else { return RowSequence(rows: count) }
    return RowSequence(steps: length, rows: count / length, states: states.base, keep: keep.base)
  }

  /// The policy's forward pass: log π and entropy.
  public mutating func evaluatePolicy(_ model: borrowing ActorCritic) {
    model.forwardActor(observations.base, sequence(actorStates))
    let rows = model.rows
    model.head.logProbabilities(rows, actions: actions, count: count, into: logProbabilities)
    entropy = model.head.entropy(rows, logProbabilities: logProbabilities, count: count)
  }

  /// The critic's forward pass.
  public func evaluateCritic(_ model: borrowing ActorCritic) {
    model.forwardCritic(observations.base, sequence(criticStates))
    for row in 0..<count { values[row] = model.critic.output[row * model.critic.outputStride] }
  }

  /// From `logProbabilityGradients` and ∂L/∂(mean entropy) to the gradient of the policy's parameters.
  public func differentiatePolicy(_ model: borrowing ActorCritic, entropyGradient: Double = 0) {
    let spread = model.clearedLogDeviationGradient(rows: count)
    model.head.differentiate(
      model.rows, actions: actions, count: count, logProbabilityGradients: logProbabilityGradients,
      entropyGradient: entropyGradient / Double(count), means: model.actor.outputGradient, logDeviations: spread)
    model.backwardActor(observations.base, sequence(actorStates))
  }

  /// From `valueGradients` to the gradient of the critic's parameters.
  public func differentiateCritic(_ model: borrowing ActorCritic) {
    let stride = model.critic.outputStride
    for row in 0..<count { model.critic.outputGradient[row * stride] = valueGradients[row] }
    model.backwardCritic(observations.base, sequence(criticStates))
  }

  /// Advantages to mean 0 and sample standard deviation 1 (+ 10⁻⁸).
  public func normaliseAdvantages() { normalise(advantages, count: count) }
}

/// Numbers to mean 0 and sample standard deviation 1 (+ 10⁻⁸); fewer than two stay as they are.
func normalise(_ values: UnsafeMutablePointer<Float>, count: Int) {
  guard count > 1 else { return }
  var sum = 0.0
  for index in 0..<count { sum += Double(values[index]) }
  let mean = sum / Double(count)
  var squares = 0.0
  for index in 0..<count {
    let difference = Double(values[index]) - mean
    squares += difference * difference
  }
  let deviation = (squares / Double(count - 1)).squareRoot() + 1e-8
  for index in 0..<count { values[index] = Float((Double(values[index]) - mean) / deviation) }
}
