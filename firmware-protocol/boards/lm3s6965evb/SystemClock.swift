/// The processor's clock: 50 MHz from the PLL, counted by SysTick; and a timer that ends each sleep.
struct SystemClock {
  static let hertz: UInt32 = 50_000_000
  private static let cyclesPerUs: UInt32 = 50
  private static let counterBits: UInt32 = 0x00FF_FFFF
  static let uartInterrupt: UInt32 = 1 << 5
  static let timerInterrupt: UInt32 = 1 << 19

  private var last: UInt32
  /// Cycles that do not make a whole microsecond yet.
  private var rest: UInt32 = 0
  private var us: UInt32 = 0

  /// The main crystal of 8 MHz drives the PLL at 400 MHz, which the chip halves and then divides by 4.
  init() {
    let control = Register.SystemControl.self
    var rcc = control.rcc.load()
    rcc = rcc | 1 << 11 & ~(1 << 22)  // BYPASS while the PLL starts
    control.rcc.store(rcc)
    rcc &= ~(0xF << 6 | 3 << 4 | 1 << 13 | 1 | 0xF << 23)  // XTAL, OSCSRC, PWRDN, MOSCDIS, SYSDIV
    rcc |= 0xE << 6 | 3 << 23 | 1 << 22  // 8 MHz, SYSDIV 4, USESYSDIV
    control.rcc.store(rcc)
    while control.rawInterrupts.load() & 1 << 6 == 0 {}  // PLLLRIS: locked
    control.rcc.store(rcc & ~(1 << 11))
    control.microsecond.store(49)

    Register.Core.tickReload.store(Self.counterBits)
    Register.Core.tickValue.store(0)
    Register.Core.tickControl.store(5)
    last = Register.Core.tickValue.load()
  }

  /// Has the processor woken each millisecond, and for each byte. No interrupt is ever taken: they are masked, and only wake.
  func startWaking() {
    Register.Timer0.control.store(0)
    Register.Timer0.configuration.store(0)  // 32 bits
    Register.Timer0.mode.store(2)  // periodic
    Register.Timer0.load.store(Self.hertz / 1000 - 1)
    Register.Timer0.interruptMask.store(1)
    Register.Timer0.control.store(1)
    Register.Core.interruptEnable.store(Self.uartInterrupt | Self.timerInterrupt)
  }

  /// Sleeps until a byte or the millisecond; returns at once when either came since the last time.
  func sleep() {
    waitForInterrupt()
    Register.Timer0.interruptClear.store(1)
    Register.Core.interruptClear.store(Self.uartInterrupt | Self.timerInterrupt)
  }

  /// Time since the start, µs. The counter runs round in 335 ms; the watchdog is faster.
  mutating func nowUs() -> UInt32 {
    let value = Register.Core.tickValue.load()
    rest += (last &- value) & Self.counterBits
    last = value
    us &+= rest / Self.cyclesPerUs
    rest %= Self.cyclesPerUs
    return us
  }
}
