import ArmModel
import Glibc
import Simulation
import VirtualServos

/// What `sinew emulate` is to emulate, worked out of its options: servos, what moves them, what they are calibrated as.
struct EmulationSetup {
  /// The arm, where it is one.
  let arm: VirtualArm?
  /// What its servos are calibrated as; nil for servos fresh from the factory.
  let calibration: ArmCalibration?
  /// What the user should know.
  private(set) var notes: [String] = []
  private var servos: [ServoSetup]
  /// Second servos at ids that are taken, each on a shaft of its own.
  private var doubles: [ServoSetup] = []
  private let world: World
  private let baud: Int

  /// What moves the shafts.
  private enum World {
    case independent
    case independentArm(VirtualArm)
    case simulatedArm(VirtualArm, Perturbations)
    case simulated(profile: String, [ServoModel], Perturbations)

    var isSimulated: Bool {
      switch self {
      case .independent, .independentArm: false
      case .simulatedArm, .simulated: true
      }
    }

    func make() throws -> (any ServoPhysics)? {
      switch self {
      case .independent: nil
      case .independentArm(let arm): arm.independentPhysics()
      case .simulatedArm(let arm, let perturbations): try arm.simulatedPhysics(perturbations: perturbations)
      case .simulated(let profile, let models, let perturbations):
        try SimulatedArmPhysics(profile: profile, servos: models, perturbations: perturbations)
      }
    }
  }

  var ids: [UInt8] { servos.map(\.id) }

  init(_ command: EmulateCommand) throws {
    let choices = try command.models.map { try ServoChoice.parse($0) }
    let perturbations = try Perturbations.parse(command.perturbations)
    if let name = command.arm {
      let arm = try VirtualArm(name, choices: choices)
      self.arm = arm
      baud = command.baud ?? arm.bus.baud
      calibration = command.calibration == nil ? nil : arm.calibration
      servos = try arm.setups(baud: baud, returnDelay: command.returnDelay, calibration: calibration)
      let isSimulated = command.physics.map { $0 == "simulated" } ?? (arm.canBeSimulated && !command.hand)
      world = isSimulated ? .simulatedArm(arm, perturbations) : .independentArm(arm)
      notes.append("arm '\(arm.profile.name)': \(arm.description)")
      if !isSimulated {
        notes.append(
          (arm.profile.model == nil ? "there is no simulation model of arm '\(arm.profile.name)': its" : "the")
            + " joints move independently, without weight, reach or contact")
      }
    } else {
      let named = try ServoChoice.servos(choices, ids: try ServoIDs.parse(command.ids ?? "1-6"))
      if command.ids != nil, choices.contains(where: { $0.ids != nil }) {
        throw InputError("--model says which ids there are; leave --ids out")
      }
      baud = command.baud ?? 1_000_000
      let profile = command.physics ?? "independent"
      var servos = try named.flatMap { servo in
        try ServoSetup.servos(
          servo.model, ids: [servo.id], baud: command.baud ?? 1_000_000, returnDelay: command.returnDelay)
      }
      if profile == "independent" {
        (arm, calibration, world) = (nil, nil, .independent)
      } else if command.calibration == nil {
        (arm, calibration) = (nil, nil)
        world = .simulated(profile: profile, named.map(\.model), perturbations)
      } else {
        let arm = try VirtualArm(profile, choices: named.map { ServoChoice($0.model, ids: [$0.id]) })
        guard named.map(\.id) == arm.ids else {
          throw InputError(
            "arm '\(arm.profile.name)' has servos \(arm.ids.map { "\($0)" }.joined(separator: ", ")); emulate them with --arm"
          )
        }
        self.arm = arm
        calibration = arm.calibration
        servos = try arm.setups(baud: baud, returnDelay: command.returnDelay, calibration: arm.calibration)
        world = .simulatedArm(arm, perturbations)
      }
      self.servos = servos
    }
    for text in command.firmware { try setFirmware(text) }
    doubles = try command.double.map { try doubles(at: ServoIDs.parse($0)) } ?? []
    try checkProtocol(command)
    guard perturbations.isNominal || world.isSimulated else {
      throw InputError(
        "--perturb is about a simulated arm, and these joints move independently; name one with --physics")
    }
    if !perturbations.isNominal { notes.append("perturbed: \(perturbations)") }
    // Nothing is written before it is known that all of it can be made.
    _ = try world.make()
  }

  /// Takes a version for all servos, or for those that it names.
  private mutating func setFirmware(_ text: String) throws {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let ids = parts.count == 2 ? try ServoIDs.parse(parts[0]) : ids
    if let id = ids.first(where: { id in !servos.contains { $0.id == id } }) {
      throw InputError(
        "--firmware \(text): there is no servo \(id) on this bus; its servos are "
          + servos.map { "\($0.id)" }.joined(separator: ", "))
    }
    for index in servos.indices where ids.contains(servos[index].id) {
      try servos[index].setFirmware(parts[parts.count - 1])
    }
  }

  /// Servos as the factory makes them, of the model that has the id already.
  private func doubles(at ids: [UInt8]) throws -> [ServoSetup] {
    try ids.flatMap { id in
      guard let model = servos.first(where: { $0.id == id })?.model else {
        throw InputError(
          "--double \(id): there is no servo \(id) on this bus to have the id twice; its servos are "
            + servos.map { "\($0.id)" }.joined(separator: ", "))
      }
      return try ServoSetup.servos(model, ids: [id], baud: baud)
    }
  }

  /// What moves all shafts. Those of second servos stand elsewhere than those of the first, as any two shafts do.
  private func makePhysics() throws -> (any ServoPhysics)? {
    let physics = try world.make()
    guard !doubles.isEmpty else { return physics }
    func joints(_ servos: [ServoSetup], at start: Double) -> [IndependentJoints.Joint] {
      servos.map { IndependentJoints.Joint(start: start, speed: $0.model.noLoadSpeed) }
    }
    return ShaftsBeside(physics ?? IndependentJoints(joints(servos, at: 0)), joints: joints(doubles, at: 0.8))
  }

  private func checkProtocol(_ command: EmulateCommand) throws {
    guard let wanted = command.servoProtocol,
      let other = servos.map(\.model).first(where: { $0.servoProtocol != wanted })
    else { return }
    throw InputError(
      "\(other.name) speaks \(other.servoProtocol.rawValue), not \(wanted.rawValue); give --protocol \(other.servoProtocol.rawValue), or leave it out"
    )
  }

  /// Puts the servos on their port and serves there.
  func serve(_ command: EmulateCommand) throws -> ServoBusServer {
    let timing = BusTiming(
      baud: command.unpaced ? nil : baud, turnaround: Int64(command.turnaround) * 1000,
      usbLatency: Int64(command.usbLatency) * 1000, echoes: command.echo, checksBaud: command.checkBaud)
    var configuration = VirtualBusConfiguration(
      servos: servos + doubles, timing: timing, faults: try FaultSettings.parse(command.faults), seed: command.seed)
    configuration.eepromFolder = command.eeprom
    configuration.supplyVoltage = command.voltage
    configuration.recordingLimit = command.record == nil ? 0 : 1_000_000
    let bus = try VirtualServoBus(configuration, physics: try makePhysics())
    let priority = command.priority == 0 ? nil : command.priority
    if let listen = command.listen { return try ServoBusServer.listening(bus, at: listen, priority: priority) }
    return try ServoBusServer.pseudoTerminal(bus, link: command.pty, priority: priority)
  }
}

/// The person at an emulated arm: lines on standard input, and the hand that does what they say.
struct EmulatedPerson {
  private var lines = LineReader()
  private var hand: ShaftHand
  private var hasEnded = false

  init(_ setup: EmulationSetup) {
    hand = setup.arm.map { ShaftHand($0) } ?? ShaftHand(ids: setup.ids)
  }

  /// Hears what was said and lets the hand go on; takes a few hundredths of a second.
  mutating func turn(_ server: ServoBusServer) {
    let input = hasEnded ? .nothing : lines.next(within: 20)
    if hasEnded { _ = usleep(20_000) }
    if input == .ended { hasEnded = true }
    let before = hand
    let (after, reply) = server.withBus { bus in
      var hand = before
      var reply: String?
      if case .line(let line) = input { reply = hand.hear(line, bus) }
      hand.advance(bus)
      return (hand, reply)
    }
    hand = after
    if let reply { printError(reply) }
  }
}
