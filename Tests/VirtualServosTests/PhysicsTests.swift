import ArmModel
import ArmProfiles
import Simulation
import Testing
import VirtualServos

/// The simulated arm behind the bus.
@Suite struct PhysicsTests {
  private func makeHost(
    timing: BusTiming = BusTiming(baud: 1_000_000), perturbed: [String] = []
  ) throws -> (Host, SimulatedArmPhysics) {
    let model = try ServoModel.named("sts3215-7v4")
    let physics = try SimulatedArmPhysics(
      profile: "so101", servos: Array(repeating: model, count: 6), perturbations: try Perturbations.parse(perturbed))
    let servos = try ServoSetup.servos(model, ids: [1, 2, 3, 4, 5, 6])
    return (
      Host(try VirtualServoBus(VirtualBusConfiguration(servos: servos, timing: timing), physics: physics)), physics
    )
  }

  private let ids: [UInt8] = [1, 2, 3, 4, 5, 6]

  private func ticks(_ angle: Double) -> Int { 2048 + Int((angle / (2 * .pi) * 4096).rounded()) }

  private func syncWrite(_ goals: [Double]) -> [UInt8] {
    Host.short(
      0xFE, 0x83,
      [42, 2] + zip(ids, goals).flatMap { id, goal in [id, UInt8(ticks(goal) & 0xFF), UInt8(ticks(goal) >> 8)] })
  }

  @Test("the arm starts at its home pose and moves as the same commands move it without a bus")
  func parity() throws {
    let (host, _) = try makeHost()
    let profile = try ArmProfile.named("so101")
    #expect(host.bus.state.servos.map { $0.position } == profile.home.map { ticks($0) })

    var arm = try SimulatedArm(
      model: try PhysicsModel.named("so101"), joints: profile.jointNames, controlPeriod: 0.002,
      servos: .all(try ServoProfile.named("sts3215-7v4")))
    try arm.reset(position: JointVector(profile.home), velocity: JointVector(repeating: 0, count: 6))
    var state = JointState(count: 6)
    try arm.read(into: &state, now: 0)

    host.bus.send(Host.short(0xFE, 0x83, [40, 1] + ids.flatMap { [$0, 1] }), at: 0)
    host.wait(0.01)
    let goals = [0.4, -0.2, 0.3, 0.1, -0.5, 0.6]
    host.bus.send(syncWrite(goals), at: host.now)
    host.wait(0.5)
    let start = profile.home.map { (Double(ticks($0)) - 2048) / 4096 * 2 * .pi }
    let rounded = goals.map { (Double(ticks($0)) - 2048) / 4096 * 2 * .pi }
    for step in 0..<255 {
      // 10 ms at the start pose, then the goals.
      let goal = step < 5 ? start : rounded
      try arm.write(JointCommand(mode: .position, goal: JointVector(goal), stamp: 0))
      try arm.read(into: &state, now: 0)
    }
    let shafts = host.bus.state.servos.map { $0.shaft.position }
    for index in 0..<6 {
      #expect(abs(shafts[index] - state.position[index]) < 1e-9, "joint \(index)")
    }
    host.wait(1.5)
    for (index, servo) in host.bus.state.servos.enumerated() {
      #expect(abs(servo.shaft.position - goals[index]) < 0.06, "joint \(index): \(servo.shaft.position)")
    }
  }

  @Test("released, the arm sinks; in virtual time a second is the same second every time")
  func released() throws {
    let (first, physics) = try makeHost()
    let (second, _) = try makeHost()
    first.wait(1)
    for _ in 0..<100 { second.wait(0.01) }
    #expect(first.bus.state.servos.map { $0.shaft } == second.bus.state.servos.map { $0.shaft })
    #expect(physics.failure == nil)
    #expect(first.bus.state.servos[1].shaft.position != -0.5)
  }

  @Test("behind the same bus an arm with a payload and weaker servos hangs lower, and one with latency moves later")
  func perturbed() throws {
    func positions(_ perturbed: [String], after seconds: Double) throws -> [Double] {
      let (host, physics) = try makeHost(perturbed: perturbed)
      host.bus.send(Host.short(0xFE, 0x83, [40, 1] + ids.flatMap { [$0, 1] }), at: 0)
      host.wait(1)
      host.bus.send(syncWrite([0.4, 0, 0, 0, 0, 0]), at: host.now)
      host.wait(seconds)
      #expect(physics.failure == nil)
      return host.bus.state.servos.map { $0.shaft.position }
    }
    let (nominal, weak) = (try positions([], after: 2), try positions(["payload=0.1", "gain=0.7"], after: 2))
    // Forward and down is positive.
    #expect(weak[1] > nominal[1] + 0.02, "\(weak[1]) rad instead of \(nominal[1])")
    let (prompt, late) = (try positions([], after: 0.035), try positions(["latency=0.04"], after: 0.035))
    #expect(prompt[0] > late[0] + 0.003, "\(late[0]) rad instead of \(prompt[0])")
  }

  @Test("an arm of torque motors, and a servo without a motor model, are refused in one line")
  func refusals() throws {
    let sts = try ServoModel.named("sts3215-7v4")
    #expect(throws: VirtualServoError.self) { try SimulatedArmPhysics(profile: "reacher", servo: sts) }
    #expect(throws: VirtualServoError.self) { try SimulatedArmPhysics(profile: "so102", servo: sts) }
    let ax = try ServoModel.named("ax-12a")
    let error = #expect(throws: VirtualServoError.self) { try SimulatedArmPhysics(profile: "so101", servo: ax) }
    #expect(error?.description.contains("--physics independent") == true)
  }
}
