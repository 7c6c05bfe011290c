import ArmModel
import CSystem
import Numerics

/// A task compiled for the control thread: flat instructions in memory of its own, no allocation after `init`.
///
/// One policy step is, in this order: `observe` (once), `command`, the arm moves, `reward` and `outcome` on the state
/// after the step. `beginEpisode` comes before the first; until then variables are 0 and the reset pose is the middle of
/// the reset distribution. All joint vectors are in the order of `TaskDefinition.joints`, all points in the order of
/// `TaskDefinition.points`; other counts are programming errors and trap.
///
/// Sendable although it holds pointers: it is their only owner and cannot be copied, so whoever has it has it alone.
public struct TaskEvaluator: ~Copyable, @unchecked Sendable {
  /// Joints of the states it is given.
  public let jointCount: Int
  /// Points of the point sets it is given.
  public let pointCount: Int
  /// Numbers that `observe` writes.
  public let observationCount: Int
  /// Numbers of an action.
  public let actionCount: Int
  /// Numbers that `reward` writes.
  public let rewardTermCount: Int
  /// Variables that the reset samples.
  public let variableCount: Int

  let observation: UnsafeMutableBufferPointer<ObservationInstruction>
  let blocks: UnsafeMutableBufferPointer<ObservationBlock>
  let history: UnsafeMutableBufferPointer<Double>
  let actions: UnsafeMutableBufferPointer<ActionInstruction>
  let rewards: UnsafeMutableBufferPointer<RewardInstruction>
  let rewardIndices: UnsafeMutableBufferPointer<Int>
  let rewardTargets: UnsafeMutableBufferPointer<Double>
  let samplers: UnsafeMutableBufferPointer<VariableSampler>
  let spheres: UnsafeMutableBufferPointer<Distribution.Sphere>
  let limits: UnsafeMutableBufferPointer<TaskJointLimit>
  let resetRanges: UnsafeMutableBufferPointer<ResetInstruction>
  let variables: UnsafeMutableBufferPointer<Vector3>
  /// The last action, and the one before it: two halves of one buffer.
  let pastActions: UnsafeMutableBufferPointer<Double>
  let scratchAction: UnsafeMutableBufferPointer<Double>
  let goal: UnsafeMutableBufferPointer<Double>

  let mode: CommandMode
  let isDelta: Bool
  let deltaFromMeasured: Bool
  let maximumLead: Double
  let actionLow: Double
  let actionHigh: Double
  let end: EndInstruction

  let settlingTime: Double
  var resetPositionNow: JointVector
  var resetVelocityNow: JointVector
  var noise: RandomStream
  var step = 0
  var heldSteps = 0
  var hasSucceeded = false
  /// Nothing observed since the episode began: the history is empty.
  var isFresh = true
  /// The last goal is known; else it is the measured position at the next look.
  var hasGoal = false

  init(_ definition: TaskDefinition, noiseSeed: UInt64) {
    jointCount = definition.joints.count
    pointCount = definition.points.count
    observationCount = definition.observationCount
    actionCount = definition.actionCount
    rewardTermCount = definition.reward.count
    variableCount = definition.variables.count

    observation = ownedBuffer(
      definition.observation.flatMap { term in
        term.components.indices.map { ObservationInstruction(term, component: $0) }
      })
    var blockList: [ObservationBlock] = []
    var (instruction, output, store) = (0, 0, 0)
    for term in definition.observation {
      blockList.append(
        ObservationBlock(
          firstInstruction: instruction, count: term.components.count, output: output, frames: term.history,
          newestFirst: term.newestFirst, store: store))
      instruction += term.components.count
      output += term.count
      if term.history > 1 { store += term.count }
    }
    blocks = ownedBuffer(blockList)
    history = ownedBuffer([Double](repeating: 0, count: store))

    let action = definition.action
    actions = ownedBuffer(
      action.joints.indices.map {
        ActionInstruction(joint: action.joints[$0], scale: action.scale[$0], offset: action.offset[$0])
      })
    mode = definition.commandMode
    isDelta = action.mode == .positionDelta
    deltaFromMeasured = action.reference == .measured
    maximumLead = action.maximumLead
    (actionLow, actionHigh) = action.clip

    var rewardList: [RewardInstruction] = []
    var indexList: [Int] = []
    var targetList: [Double] = []
    for term in definition.reward {
      rewardList.append(
        RewardInstruction(
          operation: RewardOperation(term.kind), weight: term.weight,
          distance: DistanceInstruction(point: term.point, reference: term.reference, norm: term.norm),
          parameter: term.parameter, start: indexList.count, count: term.indices.count))
      indexList += term.indices
      targetList += term.targets.isEmpty ? term.indices.map { _ in 0 } : term.targets
    }
    rewards = ownedBuffer(rewardList)
    rewardIndices = ownedBuffer(indexList)
    rewardTargets = ownedBuffer(targetList)

    var samplerList: [VariableSampler] = []
    var sphereList: [Distribution.Sphere] = []
    for variable in definition.variables {
      var sampler = VariableSampler(variable.distribution)
      sampler.avoidStart = sphereList.count
      samplerList.append(sampler)
      sphereList += variable.distribution.avoid
    }
    samplers = ownedBuffer(samplerList)
    // One more than needed, so that the buffer has an address even without spheres.
    spheres = ownedBuffer(sphereList + [Distribution.Sphere(center: .zero, radius: 0)])

    limits = ownedBuffer(
      (0..<definition.joints.count).map {
        TaskJointLimit(
          lower: definition.limits.lower[$0], upper: definition.limits.upper[$0],
          velocity: definition.termination.velocityLimits?[$0] ?? .infinity)
      })
    resetRanges = ownedBuffer(
      (0..<definition.joints.count).map {
        ResetInstruction(
          position: definition.resetPosition.mean[$0], positionHalfRange: definition.resetPosition.halfRange[$0],
          velocity: definition.resetVelocity.mean[$0], velocityHalfRange: definition.resetVelocity.halfRange[$0])
      })
    variables = ownedBuffer([Vector3](repeating: .zero, count: definition.variables.count))
    pastActions = ownedBuffer([Double](repeating: 0, count: 2 * action.joints.count))
    scratchAction = ownedBuffer([Double](repeating: 0, count: action.joints.count))
    goal = ownedBuffer([Double](repeating: 0, count: definition.joints.count))
    end = EndInstruction(definition)
    settlingTime = definition.settling
    resetPositionNow = JointVector(definition.resetPosition.mean)
    resetVelocityNow = JointVector(definition.resetVelocity.mean)
    noise = RandomStream(seed: noiseSeed, name: "observation noise")
  }

  deinit {
    observation.deallocate()
    blocks.deallocate()
    history.deallocate()
    actions.deallocate()
    rewards.deallocate()
    rewardIndices.deallocate()
    rewardTargets.deallocate()
    samplers.deallocate()
    spheres.deallocate()
    limits.deallocate()
    resetRanges.deallocate()
    variables.deallocate()
    pastActions.deallocate()
    scratchAction.deallocate()
    goal.deallocate()
  }
}

/// A joint's part of the reset distribution.
struct ResetInstruction: BitwiseCopyable {
  var position: Double
  var positionHalfRange: Double
  var velocity: Double
  var velocityHalfRange: Double
}

/// `value` within bounds; NaN stays NaN, so that a check further on sees it.
@_noLocks
func clamp(_ value: Double, _ low: Double, _ high: Double) -> Double {
  value < low ? low : (value > high ? high : value)
}
