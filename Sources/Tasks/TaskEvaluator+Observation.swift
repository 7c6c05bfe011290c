import ArmModel
import CSystem
import Numerics

/// The observation.
extension TaskEvaluator {
  /// Writes `observationCount` numbers. Call it once a step: terms with a history move on by one frame. In the first
  /// call of an episode all frames of a history are the present one.
  @_noLocks
  public mutating func observe(_ joints: JointState, points: PointSet, into: UnsafeMutablePointer<Double>) {
    precondition(joints.count == jointCount && points.count == pointCount, "joints or points of another task")
    if !hasGoal { adoptGoal(joints) }
    for blockIndex in 0..<blocks.count {
      let block = blocks[blockIndex]
      if block.frames == 1 {
        for index in 0..<block.count {
          into[block.output + index] = number(observation[block.firstInstruction + index], joints, points)
        }
      } else {
        remember(block, joints, points)
        for frame in 0..<block.frames {
          let source = block.store + (block.newestFirst ? frame : block.frames - 1 - frame) * block.count
          for index in 0..<block.count { into[block.output + frame * block.count + index] = history[source + index] }
        }
      }
    }
    isFresh = false
  }

  /// Moves a block's frames back by one and writes the present one, or fills all with it at the start of an episode.
  @_noLocks
  private mutating func remember(_ block: ObservationBlock, _ joints: JointState, _ points: PointSet) {
    var last = block.frames * block.count - 1
    while last >= block.count {
      history[block.store + last] = history[block.store + last - block.count]
      last -= 1
    }
    for index in 0..<block.count {
      let value = number(observation[block.firstInstruction + index], joints, points)
      history[block.store + index] = value
      guard isFresh else { continue }
      for frame in 1..<block.frames { history[block.store + frame * block.count + index] = value }
    }
  }

  /// One number: clip(scale·(x + noise) + offset).
  @_noLocks
  private mutating func number(_ instruction: ObservationInstruction, _ joints: JointState, _ points: PointSet)
    -> Double
  {
    var value = raw(instruction, joints, points)
    switch instruction.noise {
    case .none: break
    case .uniform: value += instruction.noiseSize * noise.uniform(from: -1, to: 1)
    case .gaussian: value += instruction.noiseSize * noise.normal()
    }
    return clamp(instruction.scale * value + instruction.offset, instruction.low, instruction.high)
  }

  @_noLocks
  private func raw(_ instruction: ObservationInstruction, _ joints: JointState, _ points: PointSet) -> Double {
    let component = instruction.component
    switch instruction.operation {
    case .jointPosition: return joints.position[component]
    case .jointPositionCosine: return sinew_cos(joints.position[component])
    case .jointPositionSine: return sinew_sin(joints.position[component])
    case .jointVelocity: return joints.velocity[component]
    case .jointEffort: return joints.effort[component]
    case .jointPositionError: return goal[component] - joints.position[component]
    case .variable: return axis(variables[instruction.reference], component)
    case .point: return axis(points[instruction.point], component)
    case .pointMinusVariable: return axis(points[instruction.point] - variables[instruction.reference], component)
    case .pointMinusPoint: return axis(points[instruction.point] - points[instruction.reference], component)
    case .previousAction: return pastActions[component]
    case .timeFraction: return Double(step) / Double(end.stepLimit)
    }
  }

  @_noLocks
  private func axis(_ vector: Vector3, _ index: Int) -> Double {
    index == 0 ? vector.x : (index == 1 ? vector.y : vector.z)
  }
}
