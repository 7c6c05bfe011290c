/// What the firmware versions of an arm's servos allow.
enum FirmwareChecks {
  /// From here on DYNAMIXEL X has a bus watchdog (e-Manual, Bus Watchdog).
  static let watchdogVersion = 38

  /// Feetech's servos of one bus must have one version: mixtures of 3.9 and 3.10 are a known cause of errors.
  static func checkEqual(_ images: [ServoImage], _ arm: ArmDescription) throws(ServoArmError) {
    guard arm.wire == .feetechSTS || arm.wire == .feetechSCS, let first = images.first else { return }
    for image in images {
      let isComparable = image.ping.modelNumber == first.ping.modelNumber
      guard isComparable, image.ping.firmware != first.ping.firmware else { continue }
      throw ServoArmError(
        .wrongFirmware(image.expected.id),
        "\(image.expected.name) has firmware \(image.ping.firmware), \(first.expected.name) has \(first.ping.firmware)",
        suggestion: "bring all servos to one version with Feetech's FD program: mixed ones disturb each other")
    }
  }

  /// Whether a servo can watch over its host.
  static func hasWatchdog(_ image: ServoImage) -> Bool {
    image.expected.model.wire == .dynamixel2 && (Int(image.ping.firmware) ?? 0) >= watchdogVersion
  }

  /// What to tell of servos that cannot.
  static func notes(_ images: [ServoImage], _ arm: ArmDescription) -> [String] {
    guard arm.watchdog > 0 else { return ["the servos' watchdog is switched off: they hold on when this program dies"] }
    let without = images.filter { !hasWatchdog($0) }
    guard let first = without.first else { return [] }
    if arm.wire != .dynamixel2 {
      return [
        "these servos have no bus watchdog: when this program dies they hold their last goal; keep a power switch at hand"
      ]
    }
    let names = without.map(\.expected.name).joined(separator: ", ")
    return [
      "\(names): firmware \(first.ping.firmware) has no bus watchdog (needs \(watchdogVersion)); update it with DYNAMIXEL Wizard"
    ]
  }
}
