import ArmModel
import Simulation

/// The simulated arm as the world behind a bus: shaft angles are the model's joint angles, and one step of the bus's
/// time is one control period of the arm.
///
/// A released servo's goal follows its shaft, so that the arm sinks against the motors' damping as geared motors with
/// shorted windings do. When the physics diverges the shafts stand still and `failure` says why.
public final class SimulatedArmPhysics: ServoPhysics {
  public let stepNanoseconds: Int64
  public private(set) var initialStates: [ShaftState]
  /// Why the physics stopped; nil while all is well.
  public private(set) var failure: ArmError?

  private var arm: SimulatedArm
  private var state: JointState
  private var command: JointCommand
  private let stallTorques: [Double]
  private var time: Int64 = 0

  /// An arm of a model's joints.
  ///
  /// - Parameters:
  ///   - servos: what drives each joint.
  ///   - period: seconds per step, a whole multiple of the model's time step; nil for one time step.
  ///   - start: where the joints stand at first, rad; nil for the model's reference.
  public init(
    model: PhysicsModel, joints: [String], servos: [ServoProfile], period: Double? = nil, start: [Double]? = nil,
    perturbations: Perturbations = Perturbations(), seed: UInt64 = 0
  ) throws(VirtualServoError) {
    let period = period ?? model.timestep
    do throws(SimulationError) {
      arm = try SimulatedArm(
        model: model, joints: joints, controlPeriod: period, servos: .perJoint(servos), perturbations: perturbations,
        seed: seed)
    } catch {
      throw VirtualServoError(error.description)
    }
    guard start?.count ?? joints.count == joints.count else {
      throw VirtualServoError("\(start?.count ?? 0) start positions for \(joints.count) joints; give one each")
    }
    stepNanoseconds = Int64((period * 1e9).rounded())
    stallTorques = servos.map { max($0.parameters.stallTorque, 1e-6) }
    let count = joints.count
    state = JointState(count: count)
    command = JointCommand(mode: .position, goal: JointVector(repeating: 0, count: count), stamp: 0)
    initialStates = Array(repeating: ShaftState(), count: count)
    do throws(ArmError) {
      if let start {
        try arm.reset(position: JointVector(start), velocity: JointVector(repeating: 0, count: count))
      }
      try arm.read(into: &state, now: 0)
    } catch {
      throw VirtualServoError("the simulated arm does not start: \(error)")
    }
    for index in 0..<count { initialStates[index] = shaft(index) }
  }

  public var count: Int { state.count }

  public func step(_ drives: [ServoDrive], states: inout [ShaftState]) {
    guard failure == nil else { return }
    time += stepNanoseconds
    for index in 0..<count {
      let drive = drives[index]
      let isFree = !drive.isEnergised || drive.torqueFraction <= 0
      command.goal[index] = isFree ? state.position[index] : drive.goal
    }
    command.stamp = time
    do throws(ArmError) {
      try arm.write(command)
      try arm.read(into: &state, now: time)
      for index in 0..<count { states[index] = shaft(index) }
    } catch {
      failure = error
      for index in 0..<count { states[index].velocity = 0 }
    }
  }

  private func shaft(_ index: Int) -> ShaftState {
    ShaftState(
      position: state.position[index], velocity: state.velocity[index],
      load: max(-1, min(1, state.effort[index] / stallTorques[index])))
  }
}
