import Glibc
import Learning
import Networks

/// The memory that a run's large parts take: rollout or replay buffer, and what networks keep per row. What environments
/// themselves take is not counted.
struct MemoryNeed: Equatable {
  /// Bytes; in floating point, because a product of allowed settings may be out of all bounds.
  let bytes: Double
  /// What takes most, and the settings that lessen it.
  let cause: String
  let remedy: String

  private static let float = Double(MemoryLayout<Float>.size)

  /// Of an algorithm that learns from rollouts.
  init(_ shape: ActorCriticShape, steps: Int, environments: Int) {
    let rows = Double(steps + 1) * Double(environments)
    let inputs = Double(paddedCount(shape.observationCount))
    let actions = Double(shape.actionCount)
    let behind = shape.memory?.size ?? shape.observationCount
    var floats = Self.floats(behind, shape.actorHidden, shape.spread == .stateIndependent ? 1 : 2, shape)
    floats += Self.floats(behind, shape.criticHidden, 0, shape)
    if let memory = shape.memory {
      let (width, isLstm) = (Double(paddedCount(memory.size)), memory.cell == .lstm)
      let gates = (isLstm ? 4 : 3) * width
      // Two recurrent layers, each with gates and states, forward and backward.
      floats += 2 * ((isLstm ? 2 : 4) * gates + (isLstm ? 10 : 5) * width + inputs)
    }
    // Observations twice (as they came, and of episodes' ends), actions with mean and deviation, six numbers, a slot.
    floats += 2 * inputs + 3 * actions + 7
    bytes = rows * (floats * Self.float + 2)
    cause = "a rollout of n_steps \(steps) in n_envs \(environments)"
    remedy = "lower n_steps, n_envs or net_arch"
  }

  /// Of an algorithm that learns from a replay buffer.
  init(_ shape: DeterministicShape, replay: ReplayOptions, hasTwin: Bool, environments: Int) {
    let rows = Double(max(replay.batchSize, environments))
    let (observations, actions) = (shape.observationCount, shape.actionCount)
    let critic = Self.floats(observations + actions, shape.criticHidden, outputs: 1, shape.activation)
    var floats = Self.floats(observations, shape.actorHidden, outputs: actions, shape.activation)
    floats += (hasTwin ? 2 : 1) * critic + 2 * Double(paddedCount(observations + actions)) + 3
    let remembered = Double(replay.bufferSize) * Double(2 * observations + actions + 2)
    bytes = (rows * floats + remembered) * Self.float
    let isBuffer = remembered >= rows * floats
    cause = isBuffer ? "a replay buffer of buffer_size \(replay.bufferSize)" : "a batch_size of \(replay.batchSize)"
    remedy = isBuffer ? "lower buffer_size" : "lower batch_size or net_arch"
  }

  /// A network's floats per row in an actor-critic; `heads` numbers per action, 0 for a value.
  private static func floats(_ inputs: Int, _ hidden: [Int], _ heads: Int, _ shape: ActorCriticShape) -> Double {
    floats(inputs, hidden, outputs: max(1, heads * shape.actionCount), shape.activation)
  }

  private static func floats(
    _ inputs: Int, _ hidden: [Int], outputs: Int, _ activation: HiddenActivation
  ) -> Double {
    let widths = (hidden + [outputs]).map { Double(paddedCount($0)) }
    let padded = Double(paddedCount(inputs))
    let kept = widths.reduce(0, +) * (activation == .silu ? 2 : 1)
    return kept + 2 * max(padded, widths.max() ?? 0) + Double(paddedCount(outputs)) + padded
  }

  /// Refuses what does not fit.
  /// - Parameter available: bytes; what the machine has, unless a test says otherwise.
  func check(available: Double = MemoryNeed.available) throws(LearningError) {
    guard bytes > available else { return }
    throw LearningError(
      .setting,
      "\(cause) needs \(Self.text(bytes)) of memory, and \(Self.text(available)) are available: \(remedy)")
  }

  /// What the kernel can give without swapping; all of the memory where it does not say.
  static var available: Double {
    let lines = (try? RunFiles.read("/proc/meminfo")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    for line in lines.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
      if let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Double($0) }) {
        return kibibytes * 1024
      }
    }
    return Double(sysconf(Int32(_SC_PHYS_PAGES))) * Double(sysconf(Int32(_SC_PAGESIZE)))
  }

  private static func text(_ bytes: Double) -> String {
    let mebibytes = bytes / 1_048_576
    return mebibytes < 10_240 ? "\(Int(mebibytes.rounded(.up))) MiB" : "\(Int((mebibytes / 1024).rounded(.up))) GiB"
  }
}
