import ArmModel
import CMuJoCo
import Foundation
import Numerics
import Simulation
import Testing

@Suite("Running an arm")
struct SimulatedArmTests {
  @Test("the physics advances once per command, by the control period")
  func lockstep() throws {
    var arm = try ArmSetupTests.so101(period: 0.02)
    var state = JointState(count: 6)
    for _ in 0..<3 { try arm.read(into: &state, now: 7) }
    #expect(arm.time == 0 && state.stamp == 7 && state.present == [.position, .velocity, .effort])
    let command = JointCommand(mode: .position, goal: JointVector(repeating: 0.1, count: 6), stamp: 0)
    for tick in 1...5 {
      try arm.write(command)
      try arm.read(into: &state, now: 0)
      try arm.read(into: &state, now: 0)
      #expect((arm.time - 0.02 * Double(tick)).magnitude < 1e-12)
    }
  }

  @Test("commands that do not fit are refused and change nothing")
  func refusals() throws {
    var arm = try ArmSetupTests.so101()
    var state = JointState(count: 6)
    func code(_ command: JointCommand) -> ArmError.Code? {
      do throws(ArmError) {
        try arm.write(command)
        return nil
      } catch { return error.code }
    }
    var bad = JointVector(repeating: 0, count: 6)
    for value in [Double.nan, .infinity, -.infinity] {
      bad[3] = value
      #expect(code(JointCommand(mode: .position, goal: bad, stamp: 0)) == .commandNotFinite)
    }
    #expect(code(JointCommand(mode: .effort, goal: JointVector(repeating: 0, count: 6), stamp: 0)) == .unsupportedMode)
    #expect(
      code(JointCommand(mode: .position, goal: JointVector(repeating: 0, count: 5), stamp: 0)) == .jointCountMismatch)
    try arm.read(into: &state, now: 0)
    #expect(arm.time == 0)
    var small = JointState(count: 2)
    #expect(throws: ArmError.self) { try arm.read(into: &small, now: 0) }
    #expect(throws: ArmError.self) {
      try arm.reset(position: JointVector([.nan, 0, 0, 0, 0, 0]), velocity: JointVector(repeating: 0, count: 6))
    }
  }

  @Test("a motor saturates at its control range, whatever is asked")
  func saturation() throws {
    let model = try PhysicsModel.named("reacher")
    var arm = try SimulatedArm(model: model, joints: ["joint1", "joint2"], controlPeriod: 0.02)
    let trace = try arm.run(goal: [1e300, 0], seconds: 0.1)
    #expect(trace.effort.allSatisfy { $0 == 200 })
    var inverted = try arm.run(goal: [-1e6, 0], seconds: 0.02)
    #expect(inverted.effort.removeLast() == -200)
  }

  @Test("divergence is an error at the step it happens, the arm then refuses until it is reset")
  func divergence() throws {
    let scratch = try Scratch()
    let model = try scratch.model(
      """
      <mujoco><option timestep="0.01"><flag contact="disable"/></option><worldbody>
        <body><joint name="a" axis="0 1 0"/><geom type="capsule" fromto="0 0 0 .3 0 0" size=".01" mass="0.001"/>
          <body pos=".3 0 0"><joint name="b" axis="0 1 0"/><geom type="capsule" fromto="0 0 0 .3 0 0" size=".01" mass="0.001"/></body>
        </body></worldbody>
        <actuator><position joint="a" kp="1e8"/><position joint="b" kp="1e8"/></actuator></mujoco>
      """)
    var arm = try SimulatedArm(model: model, joints: ["a", "b"], controlPeriod: 0.01)
    var state = JointState(count: 2)
    var failure: ArmError?
    for tick in 0..<400 where failure == nil {
      let goal = JointVector([sin(Double(tick)), 3])
      do throws(ArmError) {
        try arm.write(JointCommand(mode: .position, goal: goal, stamp: 0))
        try arm.read(into: &state, now: 0)
        #expect(state.position.isFinite && state.velocity.isFinite && state.effort.isFinite)
      } catch { failure = error }
    }
    let found = try #require(failure)
    #expect(found.code == .diverged)
    #expect("\(found)".contains("diverged"))
    let again = try #require(throws: ArmError.self) { try arm.read(into: &state, now: 0) }
    #expect(again.code == .diverged && "\(again)".contains("reset it first"))
    #expect(throws: ArmError.self) {
      try arm.write(JointCommand(mode: .position, goal: JointVector([0, 0]), stamp: 0))
    }
    try arm.reset(position: JointVector([0.1, 0.2]), velocity: JointVector([0, 0]))
    try arm.read(into: &state, now: 0)
    #expect((state.position[0] - 0.1).magnitude < 1e-12 && arm.time == 0)
    #expect(!FileManager.default.fileExists(atPath: "MUJOCO_LOG.TXT"))
  }

  @Test("the engine's own errors come back as a status, with exit() and log file never reached")
  func guardedErrors() throws {
    let text = "<mujoco><worldbody><body><joint/><geom size='.1'/></body></worldbody></mujoco>"
    let model = try #require(sinew_mujoco_load(nil, text, "", nil))
    defer { sinew_mujoco_delete_model(model) }
    let data = try #require(sinew_mujoco_make_data(model))
    defer { sinew_mujoco_delete_data(data) }
    // MuJoCo calls its error handler, which by default ends the process, when the integrator does not exist.
    model.pointee.opt.integrator = 99
    #expect(sinew_mujoco_step(model, data) == Int32(SINEW_MUJOCO_ERROR))
    #expect(String(cString: sinew_mujoco_message()).contains("integrator"))
    model.pointee.opt.integrator = Int32(mjINT_EULER.rawValue)
    #expect(sinew_mujoco_reset(model, data) == Int32(SINEW_MUJOCO_OK))
    #expect(sinew_mujoco_step(model, data) == Int32(SINEW_MUJOCO_OK))
    #expect(!FileManager.default.fileExists(atPath: "MUJOCO_LOG.TXT"))
  }

  @Test("a full contact memory, only a warning to MuJoCo, ends the run")
  func contactMemory() throws {
    let text = """
      <mujoco><size memory="20K"/><worldbody><geom type="plane" size="1 1 1"/>
      <replicate count="12" offset="0 0 0.15">
        <body pos="0 0 .09"><freejoint/><geom type="box" size=".1 .1 .1"/></body></replicate>
      </worldbody></mujoco>
      """
    let model = try #require(sinew_mujoco_load(nil, text, "", nil))
    defer { sinew_mujoco_delete_model(model) }
    let data = try #require(sinew_mujoco_make_data(model))
    defer { sinew_mujoco_delete_data(data) }
    #expect(sinew_mujoco_step(model, data) == Int32(SINEW_MUJOCO_WARNING) + Int32(mjWARN_CONTACTFULL.rawValue))
    #expect(String(cString: sinew_mujoco_message()).contains("contacts"))
    #expect(!FileManager.default.fileExists(atPath: "MUJOCO_LOG.TXT"))
  }

  @Test("a NaN in the engine's control is caught by the step's check")
  func badControl() throws {
    let model = try #require(
      sinew_mujoco_load(
        nil,
        "<mujoco><worldbody><body><joint name='j'/><geom size='.1'/></body></worldbody><actuator><motor joint='j'/></actuator></mujoco>",
        "", nil))
    defer { sinew_mujoco_delete_model(model) }
    let data = try #require(sinew_mujoco_make_data(model))
    defer { sinew_mujoco_delete_data(data) }
    #expect(sinew_mujoco_step(model, data) == Int32(SINEW_MUJOCO_OK))
    data.pointee.ctrl[0] = .nan
    #expect(sinew_mujoco_step(model, data) == Int32(SINEW_MUJOCO_WARNING) + Int32(mjWARN_BADCTRL.rawValue))
    #expect(sinew_mujoco_reset(model, data) == Int32(SINEW_MUJOCO_OK))
    data.pointee.qvel[0] = .infinity
    #expect(sinew_mujoco_step(model, data) != Int32(SINEW_MUJOCO_OK))
    // Auto-reset is off: the bad state is still there to be seen.
    #expect(!data.pointee.qvel[0].isFinite || !data.pointee.qpos[0].isFinite)
  }

  @Test("ten seconds of random goals at full speed stay finite and inside the joints' ranges")
  func randomGoals() throws {
    var arm = try ArmSetupTests.so101(period: 0.02)
    let joints = arm.joints
    var random = RandomStream(seed: 5, name: "test.goals")
    var state = JointState(count: 6)
    for tick in 0..<500 {
      var goal = JointVector(repeating: 0, count: 6)
      for (index, joint) in joints.enumerated() {
        let range = try #require(joint.range)
        goal[index] = random.uniform(from: range.lowerBound, to: range.upperBound)
      }
      if tick % 10 == 0 {
        try arm.write(JointCommand(mode: .position, goal: goal, stamp: 0))
      } else {
        try arm.write(JointCommand(mode: .position, goal: state.position, stamp: 0))
      }
      try arm.read(into: &state, now: 0)
      #expect(state.position.isFinite && state.velocity.isFinite && state.effort.isFinite)
      for (index, joint) in joints.enumerated() {
        let range = try #require(joint.range)
        #expect(state.position[index] > range.lowerBound - 0.1 && state.position[index] < range.upperBound + 0.1)
      }
    }
  }

  @Test("the arm holds its pose against gravity within each servo's stiffness")
  func holding() throws {
    var arm = try ArmSetupTests.so101(period: 0.02)
    let stiffness = try ServoProfile.named("sts3215-7v4").parameters.stiffness
    let pose = [0.0, 0, 0, 0, 0, 0]
    var state = JointState(count: 6)
    _ = try arm.run(goal: pose, seconds: 3)
    try arm.read(into: &state, now: 0)
    for joint in 0..<6 {
      let sag = (pose[joint] - state.position[joint]).magnitude
      let tick = 2 * Double.pi / 4096
      #expect(sag <= (state.effort[joint].magnitude + 0.0524) / stiffness + 2 * tick, "joint \(joint): \(sag)")
      #expect(sag < 0.08)
    }
    // The shoulder carries the most, the pan axis is vertical and carries nothing.
    #expect(state.effort[1].magnitude > 0.3 && state.effort[0].magnitude < 0.06)
  }

  @Test("the same seed and perturbations give the same bytes, another seed others")
  func determinism() throws {
    func bytes(_ seed: UInt64) throws -> [UInt64] {
      var perturbations = Perturbations()
      try perturbations.set(.sensorNoise, to: 0.002)
      try perturbations.set(.velocityNoise, to: 0.01)
      try perturbations.set(.droppedPackets, to: 0.1)
      try perturbations.set(.latency, to: 0.01)
      try perturbations.set(.backlash, to: 0.01)
      try perturbations.set(.payload, to: 0.05)
      var arm = try ArmSetupTests.so101(perturbations: perturbations, seed: seed)
      var bits: [UInt64] = []
      for round in 0..<3 {
        let start = JointVector(repeating: 0.1 * Double(round), count: 6)
        try arm.reset(position: start, velocity: JointVector(repeating: 0, count: 6))
        for joint in 0..<6 {
          let trace = try arm.run(goal: [0.3, -0.2, 0.1, 0.4, -0.5, 0.6], seconds: 0.3, joint: joint)
          bits += (trace.position + trace.velocity + trace.effort + trace.age).map(\.bitPattern)
        }
      }
      return bits
    }
    let first = try bytes(1)
    let second = try bytes(1)
    let other = try bytes(2)
    #expect(first == second)
    #expect(first != other)
  }

  @Test("a reset clears everything a run left behind")
  func resetIsComplete() throws {
    func trace(_ arm: inout SimulatedArm) throws -> [UInt64] {
      try arm.reset(
        position: JointVector(repeating: 0.2, count: 6), velocity: JointVector(repeating: 0.1, count: 6))
      return try arm.run(goal: [0, 0.5, -0.5, 0.2, 1, 0.3], seconds: 0.5, joint: 1).position.map(\.bitPattern)
    }
    var perturbations = Perturbations()
    try perturbations.set(.latency, to: 0.05)
    try perturbations.set(.statusLatency, to: 0.03)
    var fresh = try ArmSetupTests.so101(perturbations: perturbations)
    var used = try ArmSetupTests.so101(perturbations: perturbations)
    _ = try used.run(goal: [1, 1, 1, 1, 1, 1], seconds: 0.7)
    let one = try trace(&fresh)
    let other = try trace(&used)
    #expect(one == other)
  }
}
