import ServoWire

/// UART0, polled: 16 bytes wait in the hardware in either direction, more of what is to be sent here.
struct SerialLine {
  private var waiting = InlineArray<256, UInt8>(repeating: 0)
  private var first: UInt8 = 0
  private var count = 0

  private static let dataErrors: UInt32 = 0x900  // overrun, framing
  private static let receiveInterrupts: UInt32 = 1 << 4 | 1 << 6
  private static let transmitInterrupt: UInt32 = 1 << 5

  init(bitRate: UInt32) {
    // In 1/64 of the UART's divisor, rounded: 50 MHz over 16 times the bit rate.
    let divisor = (SystemClock.hertz * 8 / bitRate + 1) / 2
    Register.UART0.control.store(0)
    Register.UART0.divisor.store(divisor / 64)
    Register.UART0.fraction.store(divisor % 64)
    Register.UART0.lineControl.store(0x70)  // 8 bits, FIFOs
    Register.UART0.levels.store(0)  // wake for two bytes
    Register.UART0.interruptMask.store(Self.receiveInterrupts)
    Register.UART0.control.store(0x301)
  }

  mutating func receive() -> ReceivedByte {
    guard Register.UART0.flags.load() & 1 << 4 == 0 else { return .nothing }
    let data = Register.UART0.data.load()
    return data & Self.dataErrors == 0 ? .byte(UInt8(truncatingIfNeeded: data)) : .lost
  }

  mutating func transmit(_ frame: borrowing WireFrame) {
    guard frame.count <= 256 - count else { return }
    for index in 0..<frame.count {
      waiting[Int(first &+ UInt8(truncatingIfNeeded: count))] = frame[index]
      count += 1
    }
    pump()
  }

  /// Gives the hardware what it has room for, and asks it to wake the processor for the rest.
  mutating func pump() {
    while count > 0 && Register.UART0.flags.load() & 1 << 5 == 0 {
      Register.UART0.data.store(UInt32(waiting[Int(first)]))
      first &+= 1
      count -= 1
    }
    Register.UART0.interruptMask.store(Self.receiveInterrupts | (count > 0 ? Self.transmitInterrupt : 0))
  }
}
