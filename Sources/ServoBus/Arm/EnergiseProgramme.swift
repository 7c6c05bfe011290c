/// Puts together the steps that switch torque on, with the bytes that each servo gets.
struct EnergiseProgramme {
  private(set) var steps: [EnergiseStep] = []
  private(set) var settings: [UInt8] = []
  private let images: [ServoImage]
  private var everybody: UInt32 { (1 << UInt32(images.count)) - 1 }

  init(
    _ images: [ServoImage], _ arm: ArmDescription, _ layout: ArmLayout, indirect: (data: Int, count: Int)?,
    notes: inout [String]
  ) {
    self.images = images
    switch arm.wire {
    case .feetechSTS:
      look(address: 40, length: 4, torque: 0, goal: 2)
      set(address: 41, length: 1) { _ in [0] }
      set(address: 44, length: 6) { image in
        let limit = image.expected.mounting.torqueShare.map { Int($0 * 1000) } ?? image.value("torque_limit") ?? 1000
        return [0, 0] + Self.word(Self.feetechSpeed(image)) + Self.word(limit)
      }
    case .feetechSCS:
      look(address: 40, length: 4, torque: 0, goal: 2)
      // Time 0, then the speed, each with the high byte first.
      set(address: 44, length: 4) { image in [0, 0] + Self.word(Self.speedCounts(image, most: 32_767)).reversed() }
    case .dynamixel1:
      look(address: 24, length: 8, torque: 0, goal: 6)
      set(address: 32, length: 4) { image in
        let limit = image.expected.mounting.torqueShare.map { Int($0 * 1023) } ?? image.value("max_torque") ?? 1023
        return Self.word(Self.speedCounts(image, most: 1023)) + Self.word(limit)
      }
    case .dynamixel2: makeDynamixel(arm, isIndirect: indirect != nil, notes: &notes)
    }
    steps.append(
      EnergiseStep(
        kind: EnergiseStep.Kind.goal, address: layout.goalAddress, length: layout.goalCodec.width, servos: everybody))
    steps.append(
      EnergiseStep(kind: EnergiseStep.Kind.torque, address: layout.torqueAddress, length: 1, servos: everybody))
  }

  /// The X series: also its watchdog, cleared first, because a tripped one refuses goals.
  private mutating func makeDynamixel(_ arm: ArmDescription, isIndirect: Bool, notes: inout [String]) {
    look(address: 98, length: 1, watchdog: 0)
    look(address: 64, length: 1, torque: 0)
    look(address: 116, length: 4, goal: 0)
    if isIndirect {
      let mapping = ReadMethod.mapping
      set(address: ServoArm.indirectAddress, length: mapping.count) { _ in mapping }
    }
    set(address: 98, length: 1, watchdog: 0) { _ in [0] }
    // In position modes the goal PWM limits the motor; in current-based position mode the goal current does, too.
    set(address: 100, length: 2, where: { $0.expected.mounting.torqueShare != nil }) { image in
      Self.word(Self.share(image, of: image.value("pwm_limit") ?? 885))
    }
    set(
      address: 102, length: 2,
      where: {
        $0.expected.mounting.torqueShare != nil && $0.value("operating_mode") == 5
          && $0.expected.model.register("goal_current") != nil
      }
    ) { image in Self.word(Self.share(image, of: image.value("current_limit") ?? 0)) }
    // Acceleration as quick as can be, speed as a second fence behind the safety core's.
    set(address: 108, length: 8) { image in
      // A time-based profile (drive mode bit 2) counts in ms: 0 is at once.
      let isTimed = (image.value("drive_mode") ?? 0) & 4 != 0
      let speed = isTimed ? 0 : Self.speedCounts(image, most: 32_767, register: "profile_velocity")
      return [0, 0, 0, 0] + Self.word(speed) + [0, 0]
    }
    guard arm.watchdog > 0 else { return }
    // Three periods at least, so that one late tick is no death.
    let wanted = max(arm.watchdog, 3 * arm.controlPeriod)
    let units = UInt8(min(127, (wanted + 19_999_999) / 20_000_000))
    if wanted > arm.watchdog {
      notes.append("the servos' watchdog is set to \(Int(units) * 20) ms: three control periods")
    }
    set(address: 98, length: 1, where: FirmwareChecks.hasWatchdog) { _ in [units] }
  }

  private mutating func look(address: Int, length: Int, torque: Int = -1, goal: Int = -1, watchdog: Int = -1) {
    steps.append(
      EnergiseStep(
        kind: EnergiseStep.Kind.look, address: address, length: length, servos: everybody, torque: torque, goal: goal,
        watchdog: watchdog))
  }

  /// A step that writes prepared bytes to the servos for which `isMeant`; none where it is meant for nobody.
  private mutating func set(
    address: Int, length: Int, watchdog: Int = -1, where isMeant: (ServoImage) -> Bool = { _ in true },
    bytes: (ServoImage) -> [UInt8]
  ) {
    var servos: UInt32 = 0
    let data = settings.count
    for (index, image) in images.enumerated() {
      let isChosen = isMeant(image)
      if isChosen { servos |= 1 << UInt32(index) }
      settings += isChosen ? bytes(image) : [UInt8](repeating: 0, count: length)
    }
    guard servos != 0 else { return }
    steps.append(
      EnergiseStep(
        kind: EnergiseStep.Kind.settings, address: address, length: length, data: data, servos: servos,
        watchdog: watchdog))
  }

  // MARK: Numbers

  /// How much faster than the joint's largest speed a servo may ever turn.
  static let speedMargin = 1.5

  private static func word(_ value: Int) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8 & 0xFF)] }

  private static func share(_ image: ServoImage, of limit: Int) -> Int {
    Int(Double(limit) * (image.expected.mounting.torqueShare ?? 1))
  }

  /// `speedMargin` times the joint's largest speed, in counts of a speed register: never in the way of what the safety
  /// core commands, and a bound should a goal be far off. 0, which means as fast as can be, where the joint has no limit.
  private static func speedCounts(_ image: ServoImage, most: Int, register: String = "goal_speed") -> Int {
    let largest = image.expected.limits.velocity * image.expected.mounting.gear * speedMargin
    guard let scale = image.expected.model.register(register)?.scale, largest.isFinite else { return 0 }
    return max(1, Int(min(Double(most), (largest / scale).rounded(.up))))
  }

  /// The STS series counts speed in steps of 50 where phase bit 2 is clear and register 82 says so, and takes 0 for a stop
  /// where phase bit 3 is clear.
  private static func feetechSpeed(_ image: ServoImage) -> Int {
    let phase = image.value("phase") ?? 0x0C
    let isCoarse = phase & 4 == 0 && image.byte(at: 82) == 50
    let counts = speedCounts(image, most: 32_767)
    if counts == 0 { return phase & 8 != 0 ? 0 : 32_767 }
    return isCoarse ? max(1, (counts + 49) / 50) : counts
  }
}
