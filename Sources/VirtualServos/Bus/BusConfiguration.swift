/// One servo of a virtual bus, as it leaves the factory and is mounted.
public struct ServoSetup: Sendable {
  public var model: ServoModel
  /// Its id, 0 … 253 (252 for DYNAMIXEL); two servos may have the same, as new ones do.
  public var id: UInt8
  /// What the encoder shows at shaft angle 0, ticks.
  public var zeroTicks: Double
  /// Whether the encoder counts against the shaft's positive sense.
  public var isReversed: Bool
  /// Other values than the factory's in EEPROM registers, by address.
  public var registers: [Int: Int]

  /// A servo mounted with its encoder's middle at shaft angle 0, unless told otherwise.
  public init(
    _ model: ServoModel, id: UInt8, zeroTicks: Double? = nil, isReversed: Bool = false, registers: [Int: Int] = [:]
  ) {
    self.model = model
    self.id = id
    self.zeroTicks = zeroTicks ?? Double((model.largestPosition + 1) / 2)
    self.isReversed = isReversed
    self.registers = registers
  }
}

/// When bytes are where. All times in ns of the bus's clock.
public struct BusTiming: Sendable, Equatable {
  /// Bits per second on the line, ten to the byte; nil: the line takes no time.
  public var baud: Int?
  /// From the end of an instruction to the answer besides the servo's return delay register.
  public var turnaround: Int64
  /// From the last byte of an answer on the line to the host's read, as USB adaptors have it.
  public var usbLatency: Int64
  /// Whether the adaptor gives the host its own bytes back.
  public var echoes: Bool
  /// Whether servos hear only a host at the rate that their baud register says.
  public var checksBaud: Bool
  /// Silence on the line after which a servo forgets a begun packet.
  public var parserSilence: Int64

  /// No time at all, unless told otherwise.
  public init(
    baud: Int? = nil, turnaround: Int64 = 0, usbLatency: Int64 = 0, echoes: Bool = false, checksBaud: Bool = false,
    parserSilence: Int64 = 5_000_000
  ) {
    self.baud = baud
    self.turnaround = turnaround
    self.usbLatency = usbLatency
    self.echoes = echoes
    self.checksBaud = checksBaud
    self.parserSilence = parserSilence
  }

  /// How long `count` bytes take on the line.
  public func wireTime(_ count: Int) -> Int64 {
    guard let baud, baud > 0 else { return 0 }
    return Int64((Double(count) * 1e10 / Double(baud)).rounded())
  }
}

/// What a virtual bus is made of.
public struct VirtualBusConfiguration: Sendable {
  /// The servos, all of one protocol; servo `i` turns shaft `i` of the physics.
  public var servos: [ServoSetup]
  public var timing: BusTiming
  public var faults: FaultSettings
  /// Of all faults' chances.
  public var seed: UInt64
  /// Folder that keeps the servos' EEPROM; nil: forgotten at the end.
  public var eepromFolder: String?
  /// V at every servo; nil for each model's nominal supply.
  public var supplyVoltage: Double?
  /// °C.
  public var ambientTemperature = 25.0
  /// From a reboot to the first answer, ns.
  public var bootTime: Int64 = 200_000_000
  /// The most entries that a recording keeps; 0 records nothing.
  public var recordingLimit = 0

  /// A bus without faults, unless told otherwise.
  public init(
    servos: [ServoSetup], timing: BusTiming = BusTiming(), faults: FaultSettings = FaultSettings(), seed: UInt64 = 0
  ) {
    self.servos = servos
    self.timing = timing
    self.faults = faults
    self.seed = seed
  }
}
