/// Six servos on the PWM unit: three generators with two comparators each.
///
/// The counters run down from the load value: an output rises there and falls at its comparator. New values count from the
/// next frame on, so that no pulse is cut or stretched.
struct ServoOutputs {
  /// Masks: the outputs that are on.
  private var enabled: UInt32 = 0
  private var frameHz: UInt32 = 0
  private var load: UInt32 = 0
  /// Counts for 16 µs.
  private var countsPer16Us: UInt32 = 0

  static let count = 6

  init() {
    Register.PWM.enable.store(0)
    for output in 0..<Self.count {
      // One at the load value, zero at the comparator on the way down.
      Register.PWM.action(output).store(output & 1 == 0 ? 0x08C : 0x80C)
    }
    setFrameRate(50)
    for generator in 0..<3 { Register.PWM.generatorControl(generator).store(1) }
  }

  /// The unit counts 3.125 MHz, or half of that where a frame has more than 65,536 counts.
  private mutating func setFrameRate(_ hz: UInt32) {
    let isSlow = hz < 48
    let rcc = Register.SystemControl.rcc.load() & ~(7 << 17) | 1 << 20  // PWMDIV, USEPWMDIV
    Register.SystemControl.rcc.store(rcc | (isSlow ? 4 : 3) << 17)
    countsPer16Us = isSlow ? 25 : 50
    load = (isSlow ? 1_562_500 : 3_125_000) / hz - 1
    frameHz = hz
    for generator in 0..<3 { Register.PWM.load(generator).store(load) }
  }

  /// Sets all pulses, in 0.25 µs, 0 for none. Those that are none end at once.
  mutating func put(_ pulses: InlineArray<6, UInt16>, frameHz hz: UInt16) {
    var wanted: UInt32 = 0
    for output in 0..<Self.count where pulses[output] != 0 { wanted |= 1 << UInt32(output) }
    if enabled & ~wanted != 0 {
      enabled &= wanted
      Register.PWM.enable.store(enabled)
    }
    if enabled == 0 && UInt32(hz) != frameHz { setFrameRate(UInt32(hz)) }
    for output in 0..<Self.count where pulses[output] != 0 {
      let width = (UInt32(pulses[output]) * countsPer16Us + 32) / 64
      Register.PWM.compare(output).store(load - width)
    }
    if wanted != enabled {
      // The frame begins anew with these pulses: what the comparators held before must not come out once more.
      if enabled == 0 { Register.PWM.synchronise.store(7) }
      enabled = wanted
      Register.PWM.enable.store(enabled)
    }
  }
}
