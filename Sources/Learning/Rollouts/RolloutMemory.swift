import Networks

/// What recurrent networks remembered during a rollout, at the places where back-propagation through time is cut.
///
/// Each environment's steps are cut into sequences of `length` steps. A gradient step runs a sequence from the state that
/// stood before it when the rollout was made, and goes no further back (truncated back-propagation through time: Williams
/// and Peng, Neural Computation 2(4), 1990). An episode begins from zeros. Empty without memory.
public struct RolloutMemory: ~Copyable {
  /// Floats of a state; 0 without memory.
  public let width: Int
  /// Steps of a sequence.
  public let length: Int
  private let steps: Int
  private let environments: Int
  /// States before each sequence: [sequence of an environment][environment][width].
  let actorStates: FloatBuffer
  let criticStates: FloatBuffer
  /// States before the next step; after a rollout those that the next one begins with.
  let actorCarried: FloatBuffer
  let criticCarried: FloatBuffer
  /// 0 before a step that begins an episode, else 1: [steps + 1][environments].
  let keep: FloatBuffer

  init(width: Int, length: Int, steps: Int, environments: Int) {
    precondition(width == 0 || (length > 0 && steps % length == 0), "a rollout is whole sequences")
    self.width = width
    self.length = length
    self.steps = steps
    self.environments = environments
    let states = width == 0 ? 0 : steps / length * environments * width
    actorStates = FloatBuffer(count: states)
    criticStates = FloatBuffer(count: states)
    actorCarried = FloatBuffer(count: environments * width)
    criticCarried = FloatBuffer(count: environments * width)
    keep = FloatBuffer(count: width == 0 ? 0 : (steps + 1) * environments)
  }

  public var isOn: Bool { width > 0 }
  /// The critic's states before the first step.
  var criticStart: UnsafePointer<Float>? { isOn ? UnsafePointer(criticStates.base) : nil }
  var keepRows: UnsafePointer<Float>? { isOn ? UnsafePointer(keep.base) : nil }

  /// Begins a rollout where the last one ended.
  func begin() {
    guard isOn else { return }
    criticStates.base.update(from: criticCarried.base, count: environments * width)
    // An episode that begins here was given zeros when the one before it ended.
    for environment in 0..<environments { keep.base[environment] = 1 }
  }

  /// Forgets all: new episodes begin everywhere.
  func clear() {
    actorCarried.clear()
    criticCarried.clear()
  }

  /// Notes what the policy remembers before a step, where a sequence begins.
  func noteActor(step: Int) {
    guard isOn, step % length == 0 else { return }
    (actorStates.base + step / length * environments * width).update(
      from: actorCarried.base, count: environments * width)
  }

  /// Notes how a step ended.
  func note(step: Int, environment: Int, ended: Bool) {
    guard isOn else { return }
    keep.base[(step + 1) * environments + environment] = ended ? 0 : 1
    if ended { (actorCarried.base + environment * width).update(repeating: 0, count: width) }
  }

  /// Writes the critic's states before each sequence but the first, and before the next rollout.
  /// - Parameter copy: writes the state behind a row.
  func keepCriticStates(_ copy: (_ row: Int, _ state: UnsafeMutablePointer<Float>) -> Void) {
    for step in stride(from: length, through: steps, by: length) {
      let states = step == steps ? criticCarried.base : criticStates.base + step / length * environments * width
      for environment in 0..<environments {
        let state = states + environment * width
        if keep.base[step * environments + environment] == 0 {
          state.update(repeating: 0, count: width)
        } else {
          copy((step - 1) * environments + environment, state)
        }
      }
    }
  }

  func encode(into encoder: inout StateEncoder) {
    guard isOn else { return }
    encoder.begin("memory")
    encoder.put(UnsafePointer(actorCarried.base), count: environments * width)
    encoder.put(UnsafePointer(criticCarried.base), count: environments * width)
  }

  func decode(from decoder: inout StateDecoder) throws(LearningError) {
    guard isOn else { return }
    try decoder.begin("memory")
    try decoder.take(into: actorCarried.base, count: environments * width)
    try decoder.take(into: criticCarried.base, count: environments * width)
  }
}
