import ArmModel
import CMuJoCo
import Numerics

/// An arm in MuJoCo, in lockstep with the control loop: one control tick is a whole number of physics steps.
///
/// `write` hands over a command; the next `read` first advances the physics by the control period and then measures.
/// Reading without a command in between measures again without advancing. Before the first command the arm stands where
/// the last reset put it (at first: the model's reference pose, at rest); servos hold that pose, torque motors give
/// nothing. Time here is the physics' own: nothing depends on the clock, and the same model, joints, servos,
/// perturbations, seed and calls give the same bytes.
///
/// Every physics step is checked: a warning of MuJoCo's, or a state that is not finite, throws `ArmError(.diverged)`, and
/// from then on the arm refuses everything but `reset`.
///
/// Errors of set-up are `SimulationError`; on the control thread `ArmError`. `read`, `write`, `reset` and `setVariable`
/// neither allocate nor lock.
public struct SimulatedArm: ~Copyable, Arm {
  public let jointCount: Int
  /// What the numbers of a command mean for this arm; the other mode is refused.
  public let mode: CommandMode
  /// Physics steps per control period.
  public let substeps: Int
  /// The physics step, s.
  public let timestep: Double

  /// What is not for the control thread: names, bindings, the shared model.
  let metadata: Unmanaged<ArmMetadata>
  private let ownModel: UnsafeMutablePointer<mjModel>?
  private let model: UnsafeMutablePointer<mjModel>
  let data: UnsafeMutablePointer<mjData>
  private let positions: UnsafeMutablePointer<Double>
  private let velocities: UnsafeMutablePointer<Double>
  private let controls: UnsafeMutablePointer<Double>
  private let actuatorForces: UnsafeMutablePointer<Double>
  private let drives: UnsafeMutablePointer<JointDrive>
  private var commands: CommandQueue
  private var history: StatusHistory
  private var sensors: SensorModel
  var variables = VariableTable()
  /// What is drawn anew with every episode; nil where nothing varies.
  private let variation: UnsafeMutablePointer<ArmVariation>?
  /// The engine's status of the last draw.
  private var variationStatus = Int(SINEW_MUJOCO_OK)

  private var step = 0
  private var pending = false
  /// The engine's status that ended the run, 0 while all is well.
  private var failure = 0

  /// Sets up an arm of a model's joints.
  ///
  /// - Parameters:
  ///   - joints: names, in the order of every vector from here on.
  ///   - controlPeriod: seconds from one command to the next; a whole multiple of the model's time step.
  ///   - servos: position servos over the model's torque motors; without them motors take efforts (N·m) and position
  ///     actuators of the model take positions.
  ///   - seed: of noise and lost packets.
  public init(
    model: PhysicsModel, joints: [String], controlPeriod: Double, servos: ServoAssignment = .none,
    perturbations: Perturbations = Perturbations(), seed: UInt64 = 0
  ) throws(SimulationError) {
    let substeps = try ControlPeriod.substeps(controlPeriod, timestep: model.timestep)
    let assembly = try ArmAssembly(model: model, joints: joints, servos: servos, perturbations: perturbations)
    var random = RandomStream(seed: seed, name: "simulation.perturbations")
    let values = perturbations.bounds.draw(from: &random)
    try assembly.put(values)
    let engine = try EngineData(assembly.model, path: model.path)
    self.init(assembly, engine, substeps, perturbations, values, seed)
  }

  private init(
    _ assembly: ArmAssembly, _ engine: EngineData, _ substeps: Int, _ perturbations: Perturbations,
    _ values: PerturbationValues, _ seed: UInt64
  ) {
    let list = assembly.recipes
    jointCount = list.count
    mode = assembly.mode
    self.substeps = substeps
    timestep = assembly.source.timestep
    metadata = Unmanaged.passRetained(
      ArmMetadata(model: assembly.source, joints: assembly.joints, perturbations: perturbations))
    data = engine.data
    positions = engine.positions
    velocities = engine.velocities
    controls = engine.controls
    actuatorForces = engine.actuatorForces
    drives = .allocate(capacity: list.count)
    for index in list.indices { (drives + index).initialize(to: list[index].drive(values)) }
    let latencies = ArmLatencies(list.map(\.parameters), timestep: timestep)
    let bounds = perturbations.bounds
    commands = CommandQueue(
      delay: latencies.command(values[.latency]), longest: latencies.command(bounds.longest(.latency)),
      interval: substeps, joints: list.count)
    history = StatusHistory(
      delay: latencies.status(values[.statusLatency]), longest: latencies.status(bounds.longest(.statusLatency)),
      joints: list.count)
    sensors = SensorModel(joints: list.count, values: values, seed: seed)
    variation = bounds.varies ? ArmVariation.make(bounds, assembly.baseline, list, latencies) : nil
    model = assembly.model
    ownModel = assembly.takeCopy()
    var start = JointVector(repeating: 0, count: list.count)
    for index in 0..<list.count { start[index] = model.pointee.qpos0[list[index].position] }
    do throws(ArmError) {
      try reset(position: start, velocity: JointVector(repeating: 0, count: list.count))
    } catch {
      // The arm remembers: its first read throws the same.
    }
  }

  deinit {
    sinew_mujoco_delete_data(data)
    if let ownModel { sinew_mujoco_delete_model(ownModel) }
    drives.deallocate()
    variation?.deallocate()
    metadata.release()
  }

  /// Seconds from one command to the next.
  public var controlPeriod: Double { Double(substeps) * timestep }
  /// Physics time since the last reset, s.
  public var time: Double { @_noLocks get { Double(step) * timestep } }
}

// MARK: - On the control thread

extension SimulatedArm {
  @_noLocks
  public mutating func read(into state: inout JointState, now: Int64) throws(ArmError) {
    guard state.count == jointCount else {
      throw ArmError(.jointCountMismatch, reason: "the state to read into has another number of joints than the arm")
    }
    try refuseAfterFailure()
    if pending {
      pending = false
      try advance()
    }
    let period = Double(substeps) * timestep
    for joint in 0..<jointCount {
      sensors.measure(joint, history: history, drive: drives[joint], period: period)
      state.position[joint] = sensors.position(joint)
      state.velocity[joint] = sensors.velocity(joint)
      state.effort[joint] = sensors.effort(joint)
      state.age[joint] = sensors.age(joint) + Double(history.delay) * timestep
    }
    state.present = JointQuantities(rawValue: 7)
    state.stamp = now
  }

  /// A simulated arm's actuators always act.
  public var power: ArmPower { @_noLocks get { .on } }
  public var health: ArmHealth { @_noLocks get { ArmHealth(count: jointCount) } }
  @_noLocks
  public mutating func energise(now: Int64) throws(ArmError) {}
  @_noLocks
  public mutating func release(now: Int64) throws(ArmError) {}

  @_noLocks
  public mutating func write(_ command: JointCommand) throws(ArmError) {
    try refuseAfterFailure()
    guard command.goal.count == jointCount else {
      throw ArmError(.jointCountMismatch, reason: "the command has another number of joints than the arm")
    }
    guard command.mode == mode else {
      throw ArmError(
        .unsupportedMode,
        reason: mode == .effort
          ? "this arm has torque motors: it takes efforts, not positions"
          : "this arm has position servos: it takes positions, not efforts")
    }
    for joint in 0..<jointCount where !command.goal[joint].isFinite {
      throw ArmError(.commandNotFinite, joint: joint, reason: "the command is not finite")
    }
    // A lost command costs its time all the same: the physics goes on with the old goal.
    if !sensors.commandIsLost() { commands.add(command.goal, at: step) }
    pending = true
  }

  /// Puts the arm at `position` (rad) with `velocity` (rad/s), evaluates the forward dynamics, and clears all that a past
  /// run left: warm start, time, warnings, servos, commands on their way, old measurements, a failure. Bound variables
  /// get their current values; other joints of the scene their reference. The streams of noise and lost packets go on, so
  /// that episodes differ.
  ///
  /// For `settling` seconds the servos then hold that position, and the joints give as far as weight makes them: a real arm
  /// stands like that before anything begins. Without it time does not advance.
  @_noLocks
  public mutating func reset(
    position: JointVector, velocity: JointVector, settling: Double = 0
  ) throws(ArmError) {
    guard position.count == jointCount && velocity.count == jointCount else {
      throw ArmError(.jointCountMismatch, reason: "the reset state has another number of joints than the arm")
    }
    guard position.isFinite && velocity.isFinite else {
      throw ArmError(.commandNotFinite, reason: "the reset state is not finite")
    }
    try check(variationStatus)
    try check(Int(sinew_mujoco_reset(model, data)))
    for joint in 0..<jointCount {
      positions[drives[joint].position] = position[joint]
      velocities[drives[joint].velocity] = velocity[joint]
      (drives + joint).pointee.reset(position: position[joint])
      controls[drives[joint].control] = drives[joint].restingControl
    }
    variables.apply(to: data)
    try check(Int(sinew_mujoco_forward(model, data)))
    failure = 0
    step = 0
    pending = false
    commands.removeAll()
    for _ in 0...history.delay {
      history.advance()
      record()
    }
    sensors.reset()
    guard settling > 0 else { return }
    for _ in 0..<Int(settling / (timestep * Double(substeps)) + 0.5) { try advance() }
  }

  /// Begins an episode's randomness, for the `reset` that follows: starts the streams of noise and lost packets anew, and
  /// draws what `perturbations` give as ranges. So an episode can be repeated by itself. Else the streams go on from reset
  /// to reset, and what was drawn stays.
  @_noLocks
  public mutating func beginEpisode(from stream: RandomStream) {
    sensors.restart(from: stream)
    guard let variation else { return }
    // A stream of its own beside those of the sensors.
    var random = stream.branch()
    let values = variation.pointee.bounds.draw(from: &random)
    for joint in 0..<jointCount { drives[joint] = variation.pointee.recipes[joint].drive(values) }
    commands.delay = variation.pointee.latencies.command(values[.latency])
    history.setDelay(variation.pointee.latencies.status(values[.statusLatency]))
    sensors.set(values)
    guard variation.pointee.editsModel else { return }
    variationStatus = Int(variation.pointee.baseline.apply(values, to: model, data: data))
  }

  /// Sets a bound variable, metres or radians, now and for every reset to come. What follows from it (where a body is) is
  /// seen after the next step or reset.
  @_noLocks
  public mutating func setVariable(_ index: Int, _ value: Vector3) {
    variables.set(index, value)
    variables.apply(to: data)
  }

  /// One control period of physics.
  @_noLocks
  private mutating func advance() throws(ArmError) {
    for _ in 0..<substeps {
      deliverCommands()
      for joint in 0..<jointCount {
        let position = positions[drives[joint].position]
        let velocity = velocities[drives[joint].velocity]
        controls[drives[joint].control] = (drives + joint).pointee.control(
          position: position, velocity: velocity, timestep: timestep)
      }
      try check(Int(sinew_mujoco_step(model, data)))
      step += 1
      history.advance()
      record()
    }
  }

  @_noLocks
  private mutating func deliverCommands() {
    var goal = JointVector(repeating: 0, count: jointCount)
    guard commands.take(at: step, into: &goal) else { return }
    for joint in 0..<jointCount { drives[joint].goal = goal[joint] }
  }

  /// What the sensors see now: the motor's side of the play, and the force at the joint.
  @_noLocks
  private mutating func record() {
    for joint in 0..<jointCount {
      let drive = drives[joint]
      history.record(
        joint, positions[drive.position] + drive.backlash.gap, velocities[drive.velocity] + drive.backlash.speed,
        actuatorForces[drive.velocity])
    }
  }

  @_noLocks
  private mutating func check(_ status: Int) throws(ArmError) {
    guard status != Int(SINEW_MUJOCO_OK) else { return }
    failure = status
    throw ArmError(.diverged, detail: status, reason: EngineStatus.reason(status))
  }

  @_noLocks
  private func refuseAfterFailure() throws(ArmError) {
    guard failure == 0 else {
      throw ArmError(.diverged, detail: failure, reason: "the simulation failed earlier; reset it first")
    }
  }
}
