import ServoWire

/// The firmware's loop, the same on every board: inputs and time in, bytes in, frames and pulses out.
func runFirmware<Hardware: BoardHardware>(_ hardware: inout Hardware, identity: BoardIdentity) -> Never {
  let start = hardware.nowUs()
  var controller = BoardController(identity: identity, nowUs: start) { hardware.stored(at: $0) }
  while true {
    let inputs = hardware.exchange(controller)
    if controller.step(inputs, nowUs: hardware.nowUs()) { hardware.transmit(controller.frame) }
    takeBytes(&controller, &hardware)
    if let (address, byte) = controller.storeNext() {
      switch hardware.store(byte, at: address) {
      case .done: controller.stored(true)
      case .failed: controller.stored(false)
      case .busy: break
      }
    }
  }
}

/// A frame's worth of bytes at most, or up to the first answer: a host that never pauses must not keep time from passing.
private func takeBytes<Hardware: BoardHardware>(_ controller: inout BoardController, _ hardware: inout Hardware) {
  for _ in 0..<32 {
    switch hardware.receive() {
    case .nothing: return
    case .lost: controller.bytesWereLost()
    case .byte(let byte):
      guard controller.feed(byte, nowUs: hardware.nowUs()) else { continue }
      hardware.transmit(controller.frame)
      return
    }
  }
}
