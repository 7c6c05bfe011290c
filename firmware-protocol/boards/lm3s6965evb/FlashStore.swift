import ServoWire

/// The configuration store in the last two pages of the flash memory, one slot in each.
///
/// Flash is written by words, and the store by bytes, one behind the other: the first byte of a slot erases its page, and each
/// fourth one writes a word. A slot ends on a whole word.
struct FlashStore {
  private enum Step { case none, erasing, writing }

  private var step = Step.none
  private var word: UInt32 = 0

  private static let key: UInt32 = 0xA442_0000
  private static let write: UInt32 = 1
  private static let erase: UInt32 = 2

  private static func place(_ address: Int) -> UInt {
    0x3_F800 + UInt(address / WireSchema.slotBytes) * 0x400 + UInt(address % WireSchema.slotBytes)
  }

  func byte(at address: Int) -> UInt8 { Register.Flash.byte(Self.place(address)) }

  mutating func store(_ byte: UInt8, at address: Int) -> MemoryAccess {
    let place = Self.place(address)
    switch step {
    case .none where address % WireSchema.slotBytes == 0: return start(Self.erase, at: place, .erasing)
    case .none: break
    case .erasing:
      if Register.Flash.control.load() & Self.erase != 0 { return .busy }
      step = .none
    case .writing:
      if Register.Flash.control.load() & Self.write != 0 { return .busy }
      step = .none
      return Register.at(place & ~3).load() == word ? .done : .failed
    }
    let shift = UInt32(address & 3) * 8
    word = word & ~(0xFF << shift) | UInt32(byte) << shift
    guard address & 3 == 3 else { return .done }
    Register.Flash.data.store(word)
    return start(Self.write, at: place & ~3, .writing)
  }

  private mutating func start(_ command: UInt32, at place: UInt, _ next: Step) -> MemoryAccess {
    Register.Flash.address.store(UInt32(place))
    Register.Flash.control.store(Self.key | command)
    step = next
    return .busy
  }
}
