import Networks
import Numerics

/// How rows of observations follow each other in time: `steps` blocks of `rows` rows. Without memory only their number
/// counts.
public struct RowSequence {
  public var steps: Int
  public var rows: Int
  /// The state of each row before the first step, [rows][state width]; nil leaves the layers' own.
  public var states: UnsafePointer<Float>?
  /// Factors on the states before each step, [steps][rows], 0 where an episode begins; nil keeps them.
  public var keep: UnsafePointer<Float>?

  public init(steps: Int = 1, rows: Int, states: UnsafePointer<Float>? = nil, keep: UnsafePointer<Float>? = nil) {
    self.steps = steps
    self.rows = rows
    self.states = states
    self.keep = keep
  }

  /// Rows of all steps.
  public var count: Int { steps * rows }
}

extension ActorCritic {
  /// Floats of what the policy remembers of an episode, and as many of what the critic does; 0 without memory.
  public var memoryWidth: Int { actorMemory.stateWidth }

  /// The policy's forward pass.
  public func forwardActor(_ input: UnsafePointer<Float>, _ sequence: RowSequence) {
    forward(actor, behind: actorMemory, input, sequence)
  }

  /// The critic's forward pass.
  public func forwardCritic(_ input: UnsafePointer<Float>, _ sequence: RowSequence) {
    forward(critic, behind: criticMemory, input, sequence)
  }

  /// From the policy's output gradient to that of its parameters, through time.
  public func backwardActor(_ input: UnsafePointer<Float>, _ sequence: RowSequence) {
    backward(actor, behind: actorMemory, input, sequence)
  }

  /// From the critic's output gradient to that of its parameters, through time.
  public func backwardCritic(_ input: UnsafePointer<Float>, _ sequence: RowSequence) {
    backward(critic, behind: criticMemory, input, sequence)
  }

  private func forward(
    _ network: borrowing FeedForward, behind memory: borrowing TrainableRecurrentLayer?,
    _ input: UnsafePointer<Float>, _ sequence: RowSequence
  ) {
    switch memory {
    case .some(let layer):
      if let states = sequence.states {
        for row in 0..<sequence.rows { layer.begin(row: row, from: states + row * layer.stateWidth) }
      }
      layer.forward(
        parameters.base, input: input, inputStride: observationStride, steps: sequence.steps, rows: sequence.rows,
        keep: sequence.keep)
      network.forward(parameters.base, input: layer.output, inputStride: layer.stride, rows: sequence.count)
    case nil:
      network.forward(parameters.base, input: input, inputStride: observationStride, rows: sequence.count)
    }
  }

  private func backward(
    _ network: borrowing FeedForward, behind memory: borrowing TrainableRecurrentLayer?,
    _ input: UnsafePointer<Float>, _ sequence: RowSequence
  ) {
    switch memory {
    case .some(let layer):
      network.backward(
        parameters.base, input: layer.output, inputStride: layer.stride, rows: sequence.count, into: gradients.base,
        wantsInputGradient: true)
      layer.outputGradient.update(from: network.inputGradient, count: sequence.count * layer.stride)
      layer.backward(
        parameters.base, input: input, inputStride: observationStride, steps: sequence.steps, rows: sequence.rows,
        keep: sequence.keep, into: gradients.base)
    case nil:
      network.backward(
        parameters.base, input: input, inputStride: observationStride, rows: sequence.count, into: gradients.base)
    }
  }
}

extension Optional where Wrapped == TrainableRecurrentLayer {
  /// Floats of one row's state.
  var stateWidth: Int {
    switch self {
    case .some(let layer): layer.stateWidth
    case nil: 0
    }
  }

  /// Orthogonal weights.
  func initialise(_ parameters: UnsafeMutablePointer<Float>, random: inout RandomStream) {
    switch self {
    case .some(let layer): layer.initialise(parameters, random: &random)
    case nil: break
    }
  }

  /// Writes the states behind the first `rows` rows of the latest step.
  func copyStates(rows: Int, to states: UnsafeMutablePointer<Float>) {
    switch self {
    case .some(let layer):
      for row in 0..<rows { layer.copyState(behind: row, to: states + row * layer.stateWidth) }
    case nil: break
    }
  }

  /// After the critic's pass over a whole rollout: writes what it remembers before each of the rollout's sequences and
  /// before the next rollout, and sets it up for the observations that ended episodes.
  func keepStates(of rollout: borrowing RolloutBuffer) {
    switch self {
    case .some(let layer):
      rollout.memory.keepCriticStates { row, state in layer.copyState(behind: row, to: state) }
      for row in 0..<rollout.rows where rollout.finalSlots[row] >= 0 {
        layer.begin(row: Int(rollout.finalSlots[row]), behind: row)
      }
    case nil: break
    }
  }
}
