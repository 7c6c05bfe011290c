import ServoWire

/// What `receive` found.
enum ReceivedByte {
  case byte(UInt8)
  case nothing
  /// Bytes were lost; said once.
  case lost
}

/// What became of an access to the configuration store.
enum MemoryAccess {
  case done
  /// Ask again, with the same byte.
  case busy
  case failed
}

/// The five functions that a board is ported by in Swift, as `hardware.h` is in C. Nothing else of the firmware knows the
/// hardware.
protocol BoardHardware {
  /// Time since the start, µs; may wrap.
  mutating func nowUs() -> UInt32
  /// The next byte from the host.
  mutating func receive() -> ReceivedByte
  /// Takes a whole frame to send, or drops it whole when there is no room. Must not wait.
  mutating func transmit(_ frame: borrowing WireFrame)
  /// Puts out what the controller wants (pulses, rail level, frame rate, the state on a light), reads the inputs and
  /// restarts the hardware watchdog (250 ms). Outputs that go off must go off in this call. It may sleep before, 1 ms at
  /// most and no longer than until a byte comes.
  mutating func exchange(_ controller: borrowing BoardController) -> BoardInputs
  /// A byte of the configuration store.
  func stored(at address: Int) -> UInt8
  /// Writes a byte of the configuration store and reads it back.
  mutating func store(_ byte: UInt8, at address: Int) -> MemoryAccess
}
