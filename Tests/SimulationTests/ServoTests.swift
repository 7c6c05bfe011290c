import ArmModel
import Foundation
import Simulation
import Testing
import TestSupport

@Suite("Position servo")
struct ServoTests {
  /// 0.4 kg at 15 cm on an STS3215; level, then raised by half a radian.
  static func raise(_ servo: ServoProfile, by step: Double = 0.5, perturbations: Perturbations = .init()) throws
    -> Trace
  {
    let scratch = try Scratch()
    let model = try scratch.model(Models.pendulum())
    var arm = try SimulatedArm(
      model: model, joints: ["hinge"], controlPeriod: 0.002, servos: .all(servo), perturbations: perturbations)
    return try arm.run(goal: [step], seconds: 2)
  }

  /// The same without what MuJoCo's own position actuator lacks: rounding, dead band, goal speed.
  static func plain() throws -> ServoProfile {
    var servo = try ServoProfile.named("sts3215-7v4")
    servo.parameters.ticksPerTurn = 0
    servo.parameters.deadBand = 0
    servo.parameters.goalSpeed = .infinity
    return servo
  }

  @Test("moves as the identified model does: 8 ms to move, 158 ms to 90 %, 26.8 mrad of sag, 4.0 rad/s")
  func reproducesTheIdentifiedModel() throws {
    let trace = try Self.raise(try Self.plain())
    let firstMove = try #require(trace.first { $0 > 1e-3 })
    let t90 = try #require(trace.first { $0 > 0.9 * 0.5 })
    let top = try #require(trace.velocity.max())
    #expect(firstMove > 0.002 && firstMove <= 0.010)
    #expect((t90 - 0.158).magnitude < 0.016)
    #expect((0.5 - trace.last - 0.0268).magnitude < 0.004)
    #expect((top - 4.0).magnitude < 0.3)
    // Settled: no movement in the last half second.
    #expect(trace.position.suffix(250).max()! - trace.position.suffix(250).min()! < 3e-4)
    let overshoot = trace.position.max()! - trace.last
    #expect(overshoot > 0.02 && overshoot < 0.12)
  }

  @Test("reports whole encoder steps, and its goal's own speed delays it")
  func quantisesAndSlews() throws {
    let servo = try ServoProfile.named("sts3215-7v4")
    let slewed = try Self.raise(servo)
    let plain = try Self.raise(try Self.plain())
    let tick = 2 * Double.pi / 4096
    for position in slewed.position {
      #expect((position / tick - (position / tick).rounded()).magnitude < 1e-6)
    }
    #expect(plain.position.contains { ($0 / tick - ($0 / tick).rounded()).magnitude > 0.1 })
    let late = try #require(slewed.first { $0 > 0.45 })
    let early = try #require(plain.first { $0 > 0.45 })
    #expect(late > early + 0.005 && late < early + 0.05)
  }

  @Test("a goal speed limit is kept")
  func goalSpeed() throws {
    var servo = try ServoProfile.named("sts3215-7v4")
    servo.parameters.goalSpeed = 1
    let trace = try Self.raise(servo, by: 1.2)
    let cruise = zip(trace.time, trace.velocity).filter { $0.0 > 0.4 && $0.0 < 1.0 }.map(\.1)
    #expect((cruise.reduce(0, +) / Double(cruise.count) - 1).magnitude < 0.05)
  }

  @Test("an acceleration limit makes a trapezoid that arrives without overshoot of its own")
  func goalAcceleration() throws {
    var servo = try ServoProfile.named("sts3215-7v4")
    servo.parameters.goalAcceleration = 4
    let trace = try Self.raise(servo, by: 0.5)
    // Half a radian at 4 rad/s²: 2·√(0.5/4) = 0.71 s at the least.
    let t90 = try #require(trace.first { $0 > 0.45 })
    #expect(t90 > 0.5 && t90 < 0.85)
    #expect(trace.position.max()! - trace.last < 0.012)
  }

  @Test("stalls at its torque limit, and drops a load beyond it")
  func stall() throws {
    let servo = try ServoProfile.named("sts3215-7v4")
    let stall = servo.parameters.stallTorque
    #expect((stall - 0.97 * 7.4 * 1.2116 / 2.676).magnitude < 1e-9)
    // 0.15 m × 9.81 m/s² × mass: 2 kg is within 3.25 N·m, 2.6 kg beyond.
    for (mass, holds) in [(2.0, true), (2.6, false)] {
      let scratch = try Scratch()
      let model = try scratch.model(Models.pendulum(mass: mass))
      var arm = try SimulatedArm(model: model, joints: ["hinge"], controlPeriod: 0.01, servos: .all(servo))
      let trace = try arm.run(goal: [0], seconds: 3)
      #expect(trace.effort.allSatisfy { $0.magnitude <= stall + servo.parameters.electricDamping * 10 })
      #expect((trace.last > -0.4) == holds, "\(mass) kg: \(trace.last) rad")
      if !holds { #expect(trace.effort.contains { ($0 - stall).magnitude < 0.3 }) }
    }
  }

  @Test("a lower torque limit and a lower voltage lower the stall torque")
  func limits() throws {
    var perturbations = Perturbations()
    try perturbations.set(.torqueLimit, to: 0.1)
    let weak = try Self.raise(try ServoProfile.named("sts3215-7v4"), perturbations: perturbations)
    #expect(weak.last < -0.1)
    var sag = Perturbations()
    try sag.set(.voltage, to: 5)
    let low = try Self.raise(try Self.plain(), perturbations: sag)
    let full = try Self.raise(try Self.plain())
    // The stiffness follows the voltage, so the load pulls it further down: 7.4 / 5 times as far.
    #expect(0.5 - low.last > 1.25 * (0.5 - full.last))
  }

  @Test("the gain perturbation scales its stiffness")
  func gain() throws {
    var perturbations = Perturbations()
    try perturbations.set(.gain, to: 0.5)
    let soft = try Self.raise(try Self.plain(), perturbations: perturbations)
    let nominal = try Self.raise(try Self.plain())
    let ratio = (0.5 - soft.last) / (0.5 - nominal.last)
    #expect(ratio > 1.6 && ratio < 2.5)
  }

  @Test("an integral gain takes the sag away")
  func integral() throws {
    var servo = try Self.plain()
    servo.parameters.integral = 20
    let trace = try Self.raise(servo)
    #expect((0.5 - trace.last).magnitude < 0.006)
  }

  @Test(arguments: ServoProfile.shipped)
  func shippedProfileLoads(name: String) throws {
    let servo = try ServoProfile.named(name)
    #expect(servo.name == name)
    #expect(servo.figures.allSatisfy { !$0.source.isEmpty })
    let parameters = servo.parameters
    #expect(parameters.stallTorque > 0.1 && parameters.stallTorque < 12)
    #expect(parameters.freeSpeed > 1 && parameters.freeSpeed < 60)
    // The motor's figures agree with the data sheet's stall torque where the profile names it, within a factor of two:
    // identifications under load and data sheets differ.
    if let listed = servo.value(.stallTorque) {
      #expect(parameters.stallTorque > 0.5 * listed && parameters.stallTorque < 2 * listed)
    }
  }

  @Test("the user's folder holds the shipped profiles")
  func calibrationFolder() throws {
    let folder = Fixtures.packageRoot.appendingPathComponent("calibration/servos")
    for name in ServoProfile.shipped {
      let servo = try ServoProfile.load(path: folder.appendingPathComponent("\(name).yaml").path)
      let shipped = try ServoProfile.named(name)
      #expect(servo.figures == shipped.figures)
    }
  }

  @Test("a wrong profile is refused with file, line and the mistake")
  func wrongProfiles() throws {
    let scratch = try Scratch()
    let good = try ServoProfile.named("sts3215-7v4").sourceText
    let cases: [(String, String)] = [
      (good.replacingOccurrences(of: "unit: \"ohm\"", with: "unit: \"V\""), "the unit of 'resistance' must be 'ohm'"),
      (good.replacingOccurrences(of: "value: 2.676", with: "value: -1"), "outside"),
      (good.replacingOccurrences(of: "value: 2.676", with: "value: .nan"), "a finite number"),
      (good.replacingOccurrences(of: "  resistance:", with: "  resistence:"), "resistence"),
      (good.replacingOccurrences(of: "  armature:", with: "  colour:"), "colour"),
      ("name: x\ntitle: y\nfigures: {}\n", "supply_voltage"),
      ("name: x\n", "title"),
      ("[1, 2]", "x.yaml"),
    ]
    for (text, expected) in cases {
      let path = try scratch.file("x.yaml", text)
      let error = try #require(throws: SimulationError.self) { try ServoProfile.load(path: path) }
      #expect(error.code == .servo)
      #expect("\(error)".contains(expected), "\(error)")
      #expect("\(error)".contains("x.yaml:"), "\(error)")
      #expect(!"\(error)".contains("\n"))
    }
    let missing = try #require(throws: SimulationError.self) { try ServoProfile.named("sts3215-7v5") }
    #expect("\(missing)".contains("did you mean 'sts3215-7v4'"))
  }
}
