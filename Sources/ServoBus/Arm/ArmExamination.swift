import ArmModel
import CSystem

/// A look at all servos of an arm, and what follows from it: how they are read, what they will be set to, how fast.
///
/// It reads, and lays out DYNAMIXEL's indirect addresses, which move nothing and are forgotten at power-off. Nothing else
/// is written.
struct ArmExamination: Sendable {
  var report: ConnectionReport
  var layout: ArmLayout
  var facts: [ServoFacts]
  var memory: [ServoMemory]
  var steps: [EnergiseStep] = []
  var settings: [UInt8] = []
  var stop: [UInt8] = []
  /// The end of the watchdogs as one frame; empty where there are none.
  var watchdogEnd: [UInt8] = []
  /// Whether every joint's current is known as torque.
  var measuresEffort: Bool { facts.allSatisfy { $0.isFollower || $0.effortPerCount != 0 } }

  /// The tables that the control thread works on.
  func tables() -> ArmTables {
    // Stuffing makes a frame a third longer at most.
    let longest = 16 + facts.count * (layout.goalCodec.width + 1) * 4 / 3
    return ArmTables(
      facts: facts, memory: memory, steps: steps, settings: settings, stop: stop,
      crash: CrashFrame(longest: longest, stop: stop, ending: watchdogEnd))
  }

  /// Examines the arm on a bus and prepares its cycle.
  static func run(_ master: inout BusMaster, _ arm: ArmDescription) throws(ServoArmError) -> ArmExamination {
    // Patience, until it is known how quick the port is.
    master.timing.latency = 20_000_000
    let pings = try ServoSearch.find(arm, &master)
    // They are there: an answer that is late now is the port's or the machine's doing.
    master.timing.latency = 100_000_000
    var images: [ServoImage] = []
    var notes: [String] = []
    for (expected, ping) in zip(arm.servos, pings) {
      images.append(try onBus { () throws(BusError) in try ServoImage.read(&master, expected, ping: ping) })
    }
    for image in images { try ServoChecks(image, arm).checkModel() }
    for image in images { try ServoChecks(image, arm).run(notes: &notes) }
    try FirmwareChecks.checkEqual(images, arm)
    notes += FirmwareChecks.notes(images, arm)

    master.timing.returnDelay = images.map { Int64($0.returnDelay * 1e9) }.max() ?? 0
    let reading = try ReadMethod.choose(&master, images, notes: &notes)
    let first = arm.servos[0].id
    let latency = try measureLatency(&master, first, address: reading.layout.torqueAddress)
    let facts = images.map { ServoFacts($0, arm) }
    let programme = EnergiseProgramme(images, arm, reading.layout, indirect: reading.indirect, notes: &notes)
    let rate = CycleRate(arm, reading, latency: latency, timing: master.timing)
    try rate.check(arm, images, adaptorLatency: master.transport.adaptorLatency)
    let memory = try firstReadings(&master, images, facts, reading)
    return ArmExamination(
      report: ConnectionReport(
        servos: images.map(ServoReport.init), baud: master.timing.baud, latency: latency, sentBytes: rate.sentBytes,
        receivedBytes: rate.receivedBytes, achievableRate: rate.hertz, method: reading.method,
        usesIndirectBlock: reading.indirect != nil, notes: notes),
      layout: reading.layout, facts: facts, memory: memory, steps: programme.steps, settings: programme.settings,
      stop: try stopFrame(arm.wire, address: reading.layout.torqueAddress), watchdogEnd: try watchdogEnd(facts, arm))
  }

  /// The port's latency. After a lost answer the master listens for the late one for a while: that is not measured. What
  /// looks slow is measured three times, and the least counts: a machine that is busy just now must not make a rate look
  /// impossible, while an adaptor that holds every answer back shows each time.
  private static func measureLatency(
    _ master: inout BusMaster, _ id: UInt8, address: Int
  ) throws(ServoArmError) -> Int64 {
    let patience = master.timing.latency
    var latency = Int64.max
    var measured = 0
    for _ in 0..<5 {
      if master.isSuspicious { _ = sinew_sleep_until_ns(sinew_now_ns() + master.lateAnswerHorizon) }
      master.timing.latency = patience
      latency = min(latency, try onBus { () throws(BusError) in try master.measureLatency(id, address: address) })
      if !master.isSuspicious { measured += 1 }
      if measured == 3 || (measured > 0 && latency < 2_000_000) { break }
    }
    return latency
  }

  /// Bus operations inside functions of the arm.
  static func onBus<Result>(_ body: () throws(BusError) -> Result) throws(ServoArmError) -> Result {
    do throws(BusError) { return try body() } catch { throw ServoArmError(error) }
  }

  /// Runs the cycle until every servo has answered, and judges where the joints are.
  private static func firstReadings(
    _ master: inout BusMaster, _ images: [ServoImage], _ facts: [ServoFacts], _ reading: ReadMethod
  ) throws(ServoArmError) -> [ServoMemory] {
    try onBus { () throws(BusError) in
      try master.prepareCycle(reading.layout.plan(ids: facts.map(\.id), method: reading.method))
    }
    var answered: UInt32 = 0
    for _ in 0..<100 where answered != (1 << UInt32(facts.count)) - 1 {
      do throws(TransportError) {
        answered |= try master.cycle(writes: false, deadline: sinew_now_ns() + 100_000_000).answered
      } catch { throw ServoArmError(.transport(error, at: master.portName)) }
    }
    var result: [ServoMemory] = []
    for (index, image) in images.enumerated() {
      guard answered & (1 << UInt32(index)) != 0 else {
        throw ServoArmError(
          .bus, "\(image.expected.name) answers single requests, but not the common one",
          suggestion: "check the cable to it; if it stays, its firmware is too old")
      }
      let register = reading.layout.positionCodec.decode(master.data(of: index) + reading.layout.block.position)
      var memory = ServoMemory()
      memory.register = register
      // Whole turns are not known: the joint is where the calibration says that it can be.
      let joint = image.expected.calibration
      memory.ticks =
        image.expected.isFollower ? register : facts[index].unwrap(register, near: (joint.lower + joint.upper) / 2)
      memory.candidate = memory.ticks
      memory.goalTurns = memory.ticks - register
      memory.stamp = master.stamp(of: index)
      memory.torque = image.isTorqueOn ? TorqueState.on : TorqueState.off
      memory.goal = image.value("goal_position") ?? register
      memory.voltage = image.voltage
      memory.temperature = image.temperature
      memory.errorBits = image.errorBits
      memory.confirmedBits = image.errorBits
      try checkPlace(image, facts[index], memory.ticks)
      result.append(memory)
    }
    return result
  }

  private static func checkPlace(_ image: ServoImage, _ facts: ServoFacts, _ ticks: Int) throws(ServoArmError) {
    let servo = image.expected
    guard !servo.isFollower, ticks < facts.lowest || ticks > facts.highest else { return }
    throw ServoArmError(
      .calibrationMismatch(servo.id),
      "\(servo.name) stands at \(ticks) ticks, outside its calibrated range \(servo.calibration.lower) to "
        + "\(servo.calibration.upper)",
      suggestion: "move it inside by hand; if it is inside, this is another arm's calibration: 'sinew calibrate'")
  }

  /// Every watchdog that was set is ended, as one frame.
  private static func watchdogEnd(_ facts: [ServoFacts], _ arm: ArmDescription) throws(ServoArmError) -> [UInt8] {
    let ids = arm.watchdog > 0 ? facts.filter(\.hasWatchdog).map(\.id) : []
    guard !ids.isEmpty else { return [] }
    let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 32 + 3 * ids.count)
    defer { buffer.deallocate() }
    let zeros = [UInt8](repeating: 0, count: ids.count)
    do throws(EncodingError) {
      let count = try ids.withUnsafeBufferPointer { (ids) throws(EncodingError) in
        try zeros.withUnsafeBufferPointer { (zeros) throws(EncodingError) in
          guard let start = zeros.baseAddress else { return 0 }
          return try RequestEncoder(arm.wire).syncWrite(
            ids: ids, address: 98, count: 1, data: start, into: buffer)
        }
      }
      return Array(buffer[..<count])
    } catch { throw ServoArmError(.encoding(error)) }
  }

  /// Torque off for everybody, as one frame.
  private static func stopFrame(_ wire: WireProtocol, address: Int) throws(ServoArmError) -> [UInt8] {
    let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 32)
    defer { buffer.deallocate() }
    do throws(EncodingError) {
      let count = try [UInt8(0)].withUnsafeBufferPointer { (zero) throws(EncodingError) in
        try RequestEncoder(wire).write(WireProtocol.broadcastID, address: address, bytes: zero, into: buffer)
      }
      return Array(buffer[..<count])
    } catch { throw ServoArmError(.encoding(error)) }
  }
}

extension ServoReport {
  init(_ image: ServoImage) {
    let servo = image.expected
    self.init(
      joint: servo.jointName, id: servo.id, isFollower: servo.isFollower, model: servo.model.name,
      firmware: image.ping.firmware, voltage: image.voltage, temperature: image.temperature,
      isTorqueOn: image.isTorqueOn, faults: FaultBits.faults(image.errorBits, servo.model.wire),
      returnDelay: image.returnDelay)
  }
}

extension ServoFacts {
  /// What profile and calibration make of a servo's registers.
  init(_ image: ServoImage, _ arm: ArmDescription) {
    let servo = image.expected
    let joint = servo.calibration
    self.init()
    id = servo.id
    self.joint = servo.joint
    isFollower = servo.isFollower
    mark = UInt8(clamping: image.value("status_return_level") ?? 0)
    hasWatchdog = FirmwareChecks.hasWatchdog(image)
    let perJoint = Double(joint.sign) / servo.mounting.gear
    radiansPerTick = (servo.model.register("present_position")?.scale ?? 1) * perJoint
    speedPerCount = (servo.model.register("present_speed")?.scale ?? 0) * perJoint
    if let perAmpere = servo.model.torquePerAmpere, let current = servo.model.register("present_current") {
      // Torque grows with the gear as the angle shrinks.
      effortPerCount = current.scale * perAmpere * Double(joint.sign) * servo.mounting.gear
    }
    zero = joint.zero
    // A tenth of a radian: joints give way at their ends.
    let margin = Int((0.1 / radiansPerTick.magnitude).rounded(.up))
    // The speed that the servo itself is fenced in at (see `EnergiseProgramme`).
    let largest = servo.limits.velocity * EnergiseProgramme.speedMargin
    ticksPerNanosecond = largest / radiansPerTick.magnitude * 1e-9
    // A hand is quicker than a careful limit.
    ticksPerNanosecondByHand = max(largest, 4 * Double.pi) / radiansPerTick.magnitude * 1e-9
    let anywhere = (Int.min / 4, Int.max / 4)
    let last = servo.model.positionSteps - 1
    let isInOneTurn = joint.mode == .position
    (registerLower, registerUpper) = anywhere
    (sendLower, sendUpper) = anywhere
    if servo.isFollower || joint.isContinuous {
      (lowest, highest) = anywhere
      (goalLower, goalUpper) = anywhere
    } else {
      (lowest, highest) = (joint.lower - margin, joint.upper + margin)
      (goalLower, goalUpper) = isInOneTurn ? (max(0, joint.lower), min(last, joint.upper)) : (joint.lower, joint.upper)
    }
    guard !servo.isFollower else { return }
    if !isInOneTurn {
      turn = servo.model.stepsPerTurn
      // Extended position mode (e-Manual, Goal Position).
      (sendLower, sendUpper) = (-1_048_575, 1_048_575)
    } else if joint.isContinuous {
      turn = servo.model.positionSteps
      (registerLower, registerUpper) = (0, last)
      (sendLower, sendUpper) = (ServoFacts.seamGuard, last - ServoFacts.seamGuard)
    }
  }
}
