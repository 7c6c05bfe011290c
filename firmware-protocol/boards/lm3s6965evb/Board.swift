// The evaluation board EK-LM3S6965 (Cortex-M3, 50 MHz).
//
// Pins: servos on the six outputs of the PWM unit, PF0, PG1, PB0, PB1, PE0, PE1; power switch of the servos on PC6, high = on
// (a pull resistor must keep it off during reset); e-stop between PC5 and ground, closed when all is well; light on PC4;
// the line is UART0, PA0 and PA1, which the board's USB plug leads to.
import ServoWire

struct Board: BoardHardware {
  private var clock: SystemClock
  private var line: SerialLine
  private var servos: ServoOutputs
  private var memory = FlashStore()

  private static var light: UInt32 { 1 << 4 }
  private static var estop: UInt32 { 1 << 5 }
  private static var rail: UInt32 { 1 << 6 }

  init(bitRate: UInt32) {
    clock = SystemClock()
    Register.SystemControl.clocks0.store(1 << 20 | 1 << 3)  // PWM, watchdog
    Register.SystemControl.clocks1.store(1 << 16 | 1)  // timer 0, UART0
    Register.SystemControl.clocks2.store(0x77)  // ports A, B, C, E, F, G
    // The units' clocks need five cycles to start.
    for _ in 0..<5 { _ = Register.SystemControl.clocks2.load() }
    // The reset interrupt comes with the second time-out.
    Register.Watchdog.load.store(SystemClock.hertz / 8)
    Register.Watchdog.control.store(3)
    Port.c.makeOutputs(Self.light | Self.rail)
    Port.c.makePulledUpInputs(Self.estop)
    servos = ServoOutputs()
    Port.f.makeAlternate(1 << 0)
    Port.g.makeAlternate(1 << 1)
    Port.b.makeAlternate(3)
    Port.e.makeAlternate(3)
    line = SerialLine(bitRate: bitRate)
    Port.a.makeAlternate(3)
    clock.startWaking()
  }

  mutating func nowUs() -> UInt32 { clock.nowUs() }

  mutating func receive() -> ReceivedByte { line.receive() }

  mutating func transmit(_ frame: borrowing WireFrame) { line.transmit(frame) }

  mutating func exchange(_ controller: borrowing BoardController) -> BoardInputs {
    var pulses = InlineArray<6, UInt16>(repeating: 0)
    for channel in 0..<ServoOutputs.count { pulses[channel] = controller.pulse(channel) }
    servos.put(pulses, frameHz: controller.frameHz)
    let light = Self.isLit(controller.state, clock.nowUs())
    Port.c.pins(Self.rail).store(controller.railLevel ? Self.rail : 0)
    Port.c.pins(Self.light).store(light ? Self.light : 0)
    Register.Watchdog.clear.store(1)

    line.pump()
    clock.sleep()
    var inputs = BoardInputs()
    inputs.isEstopOpen = Port.c.pins(Self.estop).load() != 0
    return inputs
  }

  func stored(at address: Int) -> UInt8 { memory.byte(at: address) }

  mutating func store(_ byte: UInt8, at address: Int) -> MemoryAccess { memory.store(byte, at: address) }

  /// Off: idle. Slow: hold. Fast: safe, fault or e-stop. On: active. Armed flickers briefly.
  private static func isLit(_ state: WireState, _ nowUs: UInt32) -> Bool {
    let phase = nowUs >> 16  // 65 ms
    switch state {
    case .active: return true
    case .armed: return phase & 15 == 0
    case .hold: return phase >> 3 & 1 != 0
    case .safe, .fault, .estop: return phase >> 1 & 1 != 0
    default: return false
    }
  }

  /// Why the processor started. It is asked once, and forgotten by the hardware.
  static func takeResetCause() -> WireReset {
    let cause = Register.SystemControl.resetCause.load()
    Register.SystemControl.resetCause.store(0)
    if cause & 1 << 1 != 0 { return .power }
    if cause & 1 << 2 != 0 { return .brownOut }
    if cause & 1 << 3 != 0 { return .watchdog }
    return cause & 1 != 0 ? .external : .unknown
  }
}

@_silgen_name("wait_for_interrupt")
func waitForInterrupt()

@c(firmware_main)
func firmwareMain(bitRate: UInt32) -> Never {
  var board = Board(bitRate: bitRate)
  var identity = BoardIdentity(channels: ServoOutputs.count)
  identity.firmware = 0x0100
  identity.board = 2
  identity.reset = Board.takeResetCause()
  identity.capabilities = Capabilities.railSwitch
  identity.maximumRateHz = 500
  let starts = identity.reset == .power ? 1 : Register.bootCount.load() &+ 1
  Register.bootCount.store(starts)
  identity.bootCount = UInt16(truncatingIfNeeded: starts)
  runFirmware(&board, identity: identity)
}
