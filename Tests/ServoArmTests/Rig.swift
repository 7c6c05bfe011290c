import ArmModel
import CSystem
import ServoBus
import Testing
import VirtualServos

/// An arm of virtual servos at one end of a socket pair, and what is needed to connect to it.
struct Rig {
  /// What differs between the servos that arms are made of.
  struct Kind: Sendable, CustomTestStringConvertible {
    /// Names on the servos' side and on the host's.
    var emulated: String
    var model: String
    var wire: String
    var range: ClosedRange<Int>
    var zero: Int
    var supply: ClosedRange<Double>
    /// Addresses of the position limits, lower and upper.
    var limits: (lower: Int, upper: Int)

    var testDescription: String { model }

    static let sts = Kind(
      emulated: "sts3215-7v4", model: "sts3215", wire: "feetech", range: 1000...3000, zero: 2048, supply: 6...8.4,
      limits: (9, 11))
    static let scs = Kind(
      emulated: "scs0009", model: "scs0009", wire: "feetech-scs", range: 200...800, zero: 512, supply: 5...7,
      limits: (9, 11))
    static let ax = Kind(
      emulated: "ax-12a", model: "ax-12a", wire: "dynamixel1", range: 200...800, zero: 512, supply: 10...14,
      limits: (6, 8))
    static func x(_ name: String, supply: ClosedRange<Double>) -> Kind {
      Kind(
        emulated: name, model: name, wire: "dynamixel2", range: 1000...3000, zero: 2048, supply: supply,
        limits: (52, 48))
    }
    static let xl330 = x("xl330-m288", supply: 4...6)
    static let xl430 = x("xl430-w250", supply: 9...13)
    static let xm430 = x("xm430-w350", supply: 10...14)
    static let all = [sts, scs, ax, xl330, xl430, xm430]
  }

  var kind: Kind
  var configuration: ServoArmConfiguration
  var bus: VirtualBusConfiguration
  /// Shaft angles at first, rad.
  var starts: [Double]
  /// Whether shafts stand where the test puts them.
  var isPuppet = false

  init(_ kind: Kind, joints: Int = 3, period: Int64 = 50_000_000) throws {
    self.kind = kind
    let model = try VirtualServos.ServoModel.named(kind.emulated)
    let names = (1...joints).map { "joint\($0)" }
    let profiles = names.map { JointProfile(name: $0, lower: -3, upper: 3, velocity: 5) }
    let servos = (1...joints).map { JointServo(joint: names[$0 - 1], servo: UInt8($0), models: [kind.model]) }
    let profile = ArmProfile(
      name: "rig", description: "", model: "none", commandMode: .position, joints: profiles,
      home: Array(repeating: 0, count: joints), park: Array(repeating: 0, count: joints),
      bus: ArmBus(wire: kind.wire, baud: 1_000_000, supply: kind.supply, servos: servos))
    let calibration = ArmCalibration(
      name: "mine", profile: "rig",
      joints: (1...joints).map {
        JointCalibration(
          joint: names[$0 - 1], servo: UInt8($0), model: kind.model, zero: Double(kind.zero), sign: 1,
          lower: kind.range.lowerBound, upper: kind.range.upperBound)
      })
    configuration = ServoArmConfiguration(profile: profile, calibration: calibration, controlPeriod: period)
    let registers = [
      kind.limits.lower: kind.range.lowerBound, kind.limits.upper: kind.range.upperBound,
      // No return delay.
      (kind.wire == "dynamixel2" ? 9 : kind.wire == "dynamixel1" ? 5 : 7): 0,
    ]
    bus = VirtualBusConfiguration(
      servos: (1...joints).map { ServoSetup(model, id: UInt8($0), registers: registers) })
    starts = (1...joints).map { 0.1 * Double($0) }
  }

  /// Radians of one tick.
  var step: Double { (kind.range.upperBound < 1024 ? 300.0 / 1024 : 360.0 / 4096) * .pi / 180 }

  func makeBus() throws -> VirtualServoBus {
    if isPuppet { return try VirtualServoBus(bus, physics: Puppet(starts)) }
    let joints = starts.map { IndependentJoints.Joint(start: $0) }
    return try VirtualServoBus(bus, physics: IndependentJoints(joints))
  }

  /// Runs `body` with the servos and the connected arm, then takes both down.
  func run(_ body: (ServoBusServer, inout ServoArm) throws -> Void) throws {
    let (server, host) = try ServoBusServer.socketPair(makeBus())
    defer { server.stop() }
    let transport = try Transport(descriptor: host)
    var arm = try ServoArm.connect(transport, configuration: configuration)
    try body(server, &arm)
  }

  /// Why the arm is refused; nil when it is not.
  func refusal(of server: (VirtualServoBus) -> Void = { _ in }) throws -> ServoArmError? {
    let (server, host) = try ServoBusServer.socketPair(makeBus())
    defer { server.stop() }
    let transport = try Transport(descriptor: host)
    do throws(ServoArmError) {
      _ = try ServoArm.connect(transport, configuration: configuration)
      return nil
    } catch { return error }
  }
}

extension ServoArm {
  /// A read that may miss, because the machine is busy: tried again for ten seconds.
  mutating func readSurely(_ state: inout JointState) throws {
    let end = sinew_now_ns() + 10_000_000_000
    while true {
      do throws(ArmError) {
        try read(into: &state, now: sinew_now_ns())
        return
      } catch {
        guard error.code == .timedOut, sinew_now_ns() < end else { throw error }
        _ = sinew_sleep_until_ns(sinew_now_ns() + 1_000_000)
      }
    }
  }

  /// Ticks that only energise, until torque is on.
  mutating func energiseFully(_ state: inout JointState) throws {
    for _ in 0..<400 {
      try readSurely(&state)
      if power == .on { return }
      try energise(now: sinew_now_ns())
    }
    Issue.record("torque did not come on: \(power)")
  }

  mutating func releaseFully(_ state: inout JointState) throws {
    for _ in 0..<400 {
      try release(now: sinew_now_ns())
      try readSurely(&state)
      if power == .off { return }
    }
    Issue.record("torque did not go off: \(power)")
  }

  mutating func command(_ goal: [Double]) throws(ArmError) {
    try write(JointCommand(mode: .position, goal: JointVector(goal), stamp: sinew_now_ns()))
  }
}
