/// Where in the bytes of an answer each quantity stands; -1 where it is not among them.
struct BlockLayout: BitwiseCopyable, Sendable {
  var address = 0
  var length = 0
  /// Bytes behind the block that may be read along (see `CyclePlan.spareBytes`).
  var spare = 0
  /// A register that never changes and is not 0 (the status return level), which tells whether a block laid out by
  /// indirect addresses still stands.
  var mark = -1
  var torque = -1
  var errors = -1
  var watchdog = -1
  var effort = -1
  var speed = -1
  var position = -1
  var voltage = -1
  var temperature = -1
}

/// Which registers an arm's control reads and writes, by protocol. Addresses are those of the servos' tables; every
/// series has the same for all its models, but for DYNAMIXEL's indirect data.
struct ArmLayout: BitwiseCopyable, Sendable {
  /// What every cycle reads.
  var block = BlockLayout()
  /// What is read beside the cycle every few ticks, because it does not fit the block: torque and errors. Length 0: all
  /// is in the block.
  var watch = BlockLayout()
  /// How many lengths the watch may have: one byte more each. Answers to an old request then have another length.
  var watchVariants = 1
  /// What is read beside the cycle of one servo after the other, in ticks without a watch. Length 0: nothing.
  var slow = BlockLayout()
  var torqueAddress = 0
  var goalAddress = 0
  var goalCodec: RegisterCodec
  var positionCodec: RegisterCodec
  var speedCodec: RegisterCodec
  var effortCodec: RegisterCodec
  var voltageCodec: RegisterCodec
  /// Whether an 8-bit sum is all that guards a frame: then one reading alone is not believed where it would stop the
  /// arm.
  var isWeaklyGuarded: Bool

  /// DYNAMIXEL X's indirect block: which registers' bytes it strings together, in this order. Only
  /// addresses from 64 on can be.
  static let indirectSources: [(address: Int, count: Int)] = [
    (68, 1), (64, 1), (70, 1), (98, 1), (126, 10), (144, 3),
  ]
  /// Its length, bytes.
  static let indirectLength = 17

  /// The layout for servos of one series. `indirect` is where DYNAMIXEL's indirect data begin and how many bytes they
  /// hold; nil where they cannot be used.
  init(_ wire: WireProtocol, indirect: (data: Int, count: Int)?) {
    func codec(_ width: Int, _ sign: SignRule) -> RegisterCodec {
      RegisterCodec(width: width, sign: sign, isBigEndian: wire.isBigEndian)
    }
    isWeaklyGuarded = wire != .dynamixel2
    switch wire {
    case .feetechSTS, .feetechSCS:
      torqueAddress = 40
      goalAddress = 42
      goalCodec = codec(2, .signMagnitude(bit: 15))
      positionCodec = goalCodec
      speedCodec = goalCodec
      effortCodec = codec(2, .signMagnitude(bit: 10))
      voltageCodec = codec(1, .unsigned)
    case .dynamixel1:
      torqueAddress = 24
      goalAddress = 30
      goalCodec = codec(2, .unsigned)
      positionCodec = goalCodec
      speedCodec = codec(2, .signMagnitude(bit: 10))
      effortCodec = speedCodec
      voltageCodec = codec(1, .unsigned)
    case .dynamixel2:
      torqueAddress = 64
      goalAddress = 116
      goalCodec = codec(4, .twosComplement)
      positionCodec = goalCodec
      speedCodec = goalCodec
      effortCodec = codec(2, .twosComplement)
      voltageCodec = codec(2, .unsigned)
    }
    switch (wire, indirect) {
    case (.feetechSTS, _):
      block = BlockLayout(
        address: 56, length: 8, spare: 7, effort: 4, speed: 2, position: 0, voltage: 6, temperature: 7)
      watch = BlockLayout(address: 40, length: 1, torque: 0)
      watchVariants = 4
    case (.feetechSCS, _):
      // Read one by one: longer answers cost less than more of them.
      block = BlockLayout(
        address: 40, length: 24, spare: 3, torque: 0, effort: 20, speed: 18, position: 16, voltage: 22, temperature: 23)
    case (.dynamixel1, _):
      block = BlockLayout(
        address: 24, length: 20, spare: 6, torque: 0, effort: 16, speed: 14, position: 12, voltage: 18, temperature: 19)
    case (.dynamixel2, .some(let place)):
      block = BlockLayout(
        address: place.data, length: ArmLayout.indirectLength,
        spare: min(11, max(0, place.count - ArmLayout.indirectLength)), mark: 0, torque: 1, errors: 2, watchdog: 3,
        effort: 4, speed: 6, position: 10, voltage: 14, temperature: 16)
    case (.dynamixel2, nil):
      block = BlockLayout(address: 126, length: 10, spare: 11, effort: 0, speed: 2, position: 6)
      watch = BlockLayout(address: 64, length: 7, torque: 0, errors: 6)
      slow = BlockLayout(address: 98, length: 49, watchdog: 0, voltage: 46, temperature: 48)
    }
  }

  /// What the cycle does with these servos.
  func plan(ids: [UInt8], method: CyclePlan.Method) -> CyclePlan {
    CyclePlan(
      ids: ids, readAddress: block.address, readLength: block.length, spareBytes: block.spare, method: method)
  }
}

/// Torque per current, from the manufacturer's stall figures.
extension ServoModel {
  /// N·m that one ampere gives: stall torque over stall current at the nominal voltage (ROBOTIS e-Manual, specifications
  /// of each model; friction and gear losses are in it). Nil for servos that measure no current, or whose maker names
  /// none: a load in percent of duty is no torque.
  var torquePerAmpere: Double? {
    switch name {
    case "xl330-m077": 0.215 / 1.47
    case "xl330-m288": 0.52 / 1.47
    case "xm430-w350": 4.1 / 2.3
    case "xm540-w270": 10.6 / 4.4
    default: nil
    }
  }
}
