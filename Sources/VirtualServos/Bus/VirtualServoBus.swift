/// Servos on one half-duplex line, driven by a clock that the caller holds.
///
/// The host's bytes go in with `send`, stamped with the time of its write; what it can read by some time comes out of
/// `read`. In between the bytes take their time on the line and in the adaptor, the servos answer, the physics moves,
/// and faults strike. Nothing here looks at a real clock: the same calls and seed give the same bytes at the same times.
/// Times are ns and must not go back. Before the first call the bus stands at time 0 with all servos powered, torque
/// off.
///
/// A class for one owner: the devices on it have an identity, and nothing is gained by copying them.
public final class VirtualServoBus {
  public let configuration: VirtualBusConfiguration
  /// What moves the shafts.
  public let physics: any ServoPhysics
  /// The rate of the host's port, bit/s; counts where `BusTiming.checksBaud` is set.
  public var hostBaud: Int?
  /// What was recorded so far, up to the configured limit.
  public internal(set) var recording: [BusEvent] = []

  /// What goes wrong from now on; at first what the configuration says. Echo and times stay as they are.
  public var faults: FaultSettings {
    get { injector.settings }
    set { injector.settings = newValue }
  }
  /// Whether `takeSpoken` has something to give.
  public var keepsAnswers = false
  var spoken: [SpokenAnswer] = []

  let devices: [ServoDevice]
  var timing: BusTiming { configuration.timing }
  var line: LineProtocol
  var injector: FaultInjector
  var counts = BusCounts()
  /// On their way to the host, in the order of their arrival.
  var deliveries: [Delivery] = []
  var isHungUp = false
  /// When the host's last byte was, or will be, on the line.
  var lineFree: Int64 = 0
  private var lastByte: Int64?
  private var time: Int64 = 0
  private var physicsTime: Int64 = 0
  private var shafts: [ShaftState]
  private var drives: [ServoDrive]
  private var isHostPresent = true
  private var trippedBefore: [Bool]

  /// Sets up servos on a line.
  ///
  /// - Parameter physics: one shaft per servo; nil for independent joints with each model's speed.
  public init(_ configuration: VirtualBusConfiguration, physics: (any ServoPhysics)? = nil) throws(VirtualServoError) {
    let models = configuration.servos.map { $0.model }
    guard let servoProtocol = models.first?.servoProtocol else {
      throw VirtualServoError("a virtual bus needs a servo; give at least one id")
    }
    guard models.allSatisfy({ $0.servoProtocol == servoProtocol }) else {
      throw VirtualServoError("servos of different protocols cannot share a line; use one bus for each")
    }
    let world = physics ?? IndependentJoints(models.map { IndependentJoints.Joint(speed: $0.noLoadSpeed) })
    guard world.count == configuration.servos.count else {
      throw VirtualServoError(
        "\(configuration.servos.count) servos for \(world.count) shafts; the physics needs one servo per shaft")
    }
    self.configuration = configuration
    self.physics = world
    line = LineProtocol(servoProtocol, models: models)
    injector = FaultInjector(configuration.faults, seed: configuration.seed)
    hostBaud = configuration.timing.baud
    shafts = world.initialStates
    drives = Array(repeating: ServoDrive(), count: world.count)
    trippedBefore = Array(repeating: false, count: world.count)
    let environment = ServoEnvironment(
      supplyVoltage: configuration.supplyVoltage, ambientTemperature: configuration.ambientTemperature,
      bootTime: configuration.bootTime)
    var devices: [ServoDevice] = []
    for (slot, setup) in configuration.servos.enumerated() {
      guard setup.id <= (servoProtocol == .feetech ? 253 : 252) else {
        throw VirtualServoError("id \(setup.id) is beyond the largest of \(servoProtocol.rawValue)")
      }
      var store: EepromFile?
      if let folder = configuration.eepromFolder { store = try EepromFile(folder: folder, slot: slot) }
      let device: ServoDevice
      switch setup.model.family {
      case .feetechSTS, .feetechSCS: device = try FeetechServo(setup, environment: environment, store: store)
      case .dynamixelX(let traits):
        device = try DynamixelServo(setup, traits: traits, environment: environment, store: store)
      case .dynamixelAX: device = try AxServo(setup, environment: environment, store: store)
      }
      device.place(shafts[slot])
      device.powerOn(at: 0, silence: 0)
      devices.append(device)
    }
    self.devices = devices
  }

  /// The line's protocol.
  public var servoProtocol: ServoProtocol { configuration.servos[0].model.servoProtocol }

  /// The host writes `bytes` at `now`.
  public func send(_ bytes: [UInt8], at now: Int64) {
    guard !isHungUp, !bytes.isEmpty else { return }
    counts.bytesFromHost += bytes.count
    record(.host, now, bytes)
    let start = max(now, lineFree)
    let onLine = collide(bytes, from: start)
    lineFree = start + timing.wireTime(bytes.count)
    if timing.echoes { deliver(bytes, at: lineFree + timing.usbLatency, wireStart: start, wireEnd: start) }
    for (index, byte) in onLine.enumerated() {
      let arrival = start + timing.wireTime(index + 1)
      if let lastByte, arrival - lastByte > timing.parserSilence { line.reset() }
      lastByte = arrival
      guard let byte = injector.toServos(byte), let event = line.push(byte) else { continue }
      handle(event, at: arrival)
      if isHungUp { return }
    }
  }

  /// What servos have said since the last call, as they said it: before any fault of the line. Kept only while
  /// `keepsAnswers`.
  public func takeSpoken() -> [SpokenAnswer] {
    defer { spoken.removeAll(keepingCapacity: true) }
    return spoken
  }

  /// When the next bytes reach the host, ns; nil when none are on their way.
  public var nextDelivery: Int64? { deliveries.first?.time }

  /// What the host can read by `now`, oldest first. Also moves the physics on to `now`.
  public func read(at now: Int64) -> [UInt8] {
    advance(to: now)
    guard let first = deliveries.first, first.time <= now else { return [] }
    var bytes: [UInt8] = []
    var count = 0
    while count < deliveries.count, deliveries[count].time <= now {
      record(.servo, deliveries[count].time, deliveries[count].bytes)
      bytes += deliveries[count].bytes
      count += 1
    }
    deliveries.removeFirst(count)
    counts.bytesToHost += bytes.count
    return bytes
  }

  /// Whether the line hung up: nothing comes any more, and nothing is heard.
  public var isDisconnected: Bool { isHungUp && deliveries.isEmpty }

  /// A host came to the line, or went: what was on its way to it is lost. The servos go on, each as its watchdog says.
  public func setHostPresent(_ isPresent: Bool, at now: Int64) {
    advance(to: now)
    guard isPresent != isHostPresent else { return }
    isHostPresent = isPresent
    note(now, isPresent ? "host came" : "host gone")
    deliveries.removeAll()
    line.reset()
  }

  /// The bus's time comes to `now`: physics, timers.
  public func advance(to now: Int64) {
    let step = physics.stepNanoseconds
    while physicsTime + step <= now {
      physicsTime += step
      let seconds = Double(step) * 1e-9
      for index in devices.indices {
        devices[index].advanceClock(to: physicsTime)
        drives[index] = devices[index].drive(seconds)
      }
      physics.step(drives, states: &shafts)
      for index in devices.indices { devices[index].observe(shafts[index], time: seconds) }
    }
    time = max(time, now)
    for (index, device) in devices.enumerated() {
      device.advanceClock(to: time)
      if device.isWatchdogTripped != trippedBefore[index] {
        trippedBefore[index] = device.isWatchdogTripped
        note(time, "servo \(device.id): bus watchdog " + (device.isWatchdogTripped ? "tripped" : "cleared"))
      }
    }
  }

  /// Cuts the physics' arrears to `limit` ns, after the process itself stood still; the shafts do not move in the gap.
  func dropArrears(at now: Int64, beyond limit: Int64) {
    guard now - physicsTime > limit else { return }
    physicsTime = now - limit
  }

  /// What everything is doing now.
  public var state: BusState {
    BusState(
      time: time,
      servos: devices.map { device in
        ServoState(
          id: device.id, model: device.model.name,
          isListening: device.isListening && !faults.mute.contains(device.id),
          isTorqueOn: device.isTorqueOn, goal: device.goalTicks, position: device.positionTicks, shaft: device.shaft,
          errorBits: device.errorBits, isWatchdogTripped: device.isWatchdogTripped, temperature: device.temperature,
          voltage: device.voltage, flashWrites: device.flashWrites)
      }, counts: counts, faults: injector.counts, isHostPresent: isHostPresent, lastHeard: lastByte,
      isHungUp: isHungUp, trouble: trouble)
  }

  private var trouble: String? {
    if let failure = simulatedArm?.failure { return "physics: \(failure)" }
    return devices.lazy.compactMap { $0.storeError?.description }.first
  }

  /// The value of a servo's register, as a read would give it; nil when there is none at `address`.
  public func register(_ slot: Int, at address: Int) -> Int? {
    guard devices.indices.contains(slot), let register = devices[slot].registers.register(at: address),
      register.address == address
    else { return nil }
    devices[slot].refreshFeedback()
    return devices[slot].registers.value(of: register)
  }

  /// Takes a servo's supply away at `now`: it is silent for `duration` ns and comes back as after power-on.
  public func cutPower(_ slot: Int, for duration: Int64, at now: Int64) {
    advance(to: now)
    guard devices.indices.contains(slot) else { return }
    devices[slot].restart(silence: duration)
    note(now, "servo \(devices[slot].id): brown-out")
  }

  func record(_ kind: BusEvent.Kind, _ time: Int64, _ bytes: [UInt8]) {
    guard recording.count < configuration.recordingLimit else { return }
    recording.append(BusEvent(time: time, kind: kind, bytes: bytes, note: ""))
  }

  func note(_ time: Int64, _ text: String) {
    guard recording.count < configuration.recordingLimit else { return }
    recording.append(BusEvent(time: time, kind: .note, bytes: [], note: text))
  }
}
