import _Volatile

/// The registers that this firmware uses, by their names and addresses in the data sheet of the LM3S6965.
enum Register {
  /// A word of the hardware: each load and store reaches it, in their order.
  struct Word {
    fileprivate let place: VolatileMappedRegister<UInt32>

    func load() -> UInt32 { place.load() }
    func store(_ value: UInt32) { place.store(value) }
  }

  static func at(_ address: UInt) -> Word { Word(place: VolatileMappedRegister(unsafeBitPattern: address)) }

  enum SystemControl {
    static var rcc: Word { at(0x400F_E060) }
    static var rawInterrupts: Word { at(0x400F_E050) }
    static var resetCause: Word { at(0x400F_E05C) }
    static var clocks0: Word { at(0x400F_E100) }
    static var clocks1: Word { at(0x400F_E104) }
    static var clocks2: Word { at(0x400F_E108) }
    static var microsecond: Word { at(0x400F_E140) }
  }

  enum Core {
    static var tickControl: Word { at(0xE000_E010) }
    static var tickReload: Word { at(0xE000_E014) }
    static var tickValue: Word { at(0xE000_E018) }
    static var interruptEnable: Word { at(0xE000_E100) }
    static var interruptClear: Word { at(0xE000_E280) }
  }

  enum UART0 {
    static var data: Word { at(0x4000_C000) }
    static var flags: Word { at(0x4000_C018) }
    static var divisor: Word { at(0x4000_C024) }
    static var fraction: Word { at(0x4000_C028) }
    static var lineControl: Word { at(0x4000_C02C) }
    static var control: Word { at(0x4000_C030) }
    static var levels: Word { at(0x4000_C034) }
    static var interruptMask: Word { at(0x4000_C038) }
  }

  enum Timer0 {
    static var configuration: Word { at(0x4003_0000) }
    static var mode: Word { at(0x4003_0004) }
    static var control: Word { at(0x4003_000C) }
    static var interruptMask: Word { at(0x4003_0018) }
    static var interruptClear: Word { at(0x4003_0024) }
    static var load: Word { at(0x4003_0028) }
  }

  enum Watchdog {
    static var load: Word { at(0x4000_0000) }
    static var control: Word { at(0x4000_0008) }
    static var clear: Word { at(0x4000_000C) }
    static var lock: Word { at(0x4000_0C00) }
  }

  enum PWM {
    static var control: Word { at(0x4002_8000) }
    static var synchronise: Word { at(0x4002_8004) }
    static var enable: Word { at(0x4002_8008) }

    static func generatorControl(_ generator: Int) -> Word { at(0x4002_8040 + UInt(generator) * 0x40) }
    static func load(_ generator: Int) -> Word { at(0x4002_8050 + UInt(generator) * 0x40) }
    /// CMPA of an even output, CMPB of an odd one.
    static func compare(_ output: Int) -> Word { at(0x4002_8058 + UInt(output >> 1) * 0x40 + UInt(output & 1) * 4) }
    /// GENA of an even output, GENB of an odd one.
    static func action(_ output: Int) -> Word { at(0x4002_8060 + UInt(output >> 1) * 0x40 + UInt(output & 1) * 4) }
  }

  enum Flash {
    static var address: Word { at(0x400F_D000) }
    static var data: Word { at(0x400F_D004) }
    static var control: Word { at(0x400F_D008) }

    static func byte(_ address: UInt) -> UInt8 { VolatileMappedRegister<UInt8>(unsafeBitPattern: address).load() }
  }

  /// Starts since power came on: at the end of RAM, where neither start-up code nor stack comes.
  static var bootCount: Word { at(0x2000_FFFC) }
}

/// A port of eight pins.
struct Port {
  let base: UInt

  static var a: Port { Port(base: 0x4000_4000) }
  static var b: Port { Port(base: 0x4000_5000) }
  static var c: Port { Port(base: 0x4000_6000) }
  static var e: Port { Port(base: 0x4002_4000) }
  static var f: Port { Port(base: 0x4002_5000) }
  static var g: Port { Port(base: 0x4002_6000) }

  /// The port's data, of which only the masked pins are read and written.
  func pins(_ mask: UInt32) -> Register.Word { Register.at(base + UInt(mask) << 2) }

  private func set(_ offset: UInt, _ mask: UInt32, _ isSet: Bool) {
    let register = Register.at(base + offset)
    register.store(isSet ? register.load() | mask : register.load() & ~mask)
  }

  func makeOutputs(_ mask: UInt32) {
    pins(mask).store(0)
    set(0x51C, mask, true)  // DEN
    set(0x400, mask, true)  // DIR
  }

  func makePulledUpInputs(_ mask: UInt32) {
    set(0x400, mask, false)
    set(0x510, mask, true)  // PUR
    set(0x51C, mask, true)
  }

  /// Gives the pins to the peripheral behind them.
  func makeAlternate(_ mask: UInt32) {
    set(0x420, mask, true)  // AFSEL
    set(0x51C, mask, true)
  }
}
