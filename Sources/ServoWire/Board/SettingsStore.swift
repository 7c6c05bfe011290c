/// The two slots in which the settings are stored: a header, one pair (key, value) for each setting, a CRC. A slot that
/// was not written to its end fails its CRC, and the other one still holds what was stored before.
struct SettingsStore: BitwiseCopyable {
  private static var header: Int { @_noLocks get { 6 } }

  /// The slot that holds what counts; the next store goes into the other one.
  private var slot = 1
  private var generation: UInt16 = 0
  /// The next byte to store.
  private var offset = 0
  private var crc: UInt16 = 0xFFFF
  private var result: WireCode?
  private(set) var isStoring = false
  /// The settings came from the store, or are there now.
  private(set) var isStored = false
  /// Settings were changed since.
  var isUnsaved = false

  @_noLocks
  init() {}

  private static func word(_ address: Int, _ load: (Int) -> UInt8) -> UInt16 {
    UInt16(load(address)) | UInt16(load(address + 1)) << 8
  }

  /// How many pairs a slot holds; nothing when it is not whole.
  private static func pairs(inSlot slot: Int, _ load: (Int) -> UInt8) -> Int? {
    let start = slot * WireSchema.slotBytes
    let count = Int(word(start + 4, load))
    guard word(start, load) == WireSchema.slotMagic, count <= (WireSchema.slotBytes - header - 2) / 4 else {
      return nil
    }
    var crc: UInt16 = 0xFFFF
    let end = start + header + 4 * count
    for address in start..<end { crc = WireChecksum.crc16(crc, load(address)) }
    return crc == word(end, load) ? count : nil
  }

  /// Reads the newer whole slot, if there is one.
  mutating func load(_ settings: inout BoardSettings, _ load: (Int) -> UInt8) {
    var count = -1
    for candidate in 0..<2 {
      guard let pairs = Self.pairs(inSlot: candidate, load) else { continue }
      let newer = Self.word(candidate * WireSchema.slotBytes + 2, load)
      if count >= 0 && Int16(truncatingIfNeeded: newer &- generation) <= 0 { continue }
      (count, slot, generation) = (pairs, candidate, newer)
    }
    guard count >= 0 else { return }
    isStored = true
    for pair in 0..<count {
      let address = slot * WireSchema.slotBytes + Self.header + 4 * pair
      let value = Self.word(address + 2, load)
      // Another firmware may have stored keys and values that this one does not have.
      if let place = settings.place(ofKey: Self.word(address, load)), BoardSettings.allows(value, at: place) {
        settings[place] = value
      }
    }
  }

  @_noLocks
  mutating func begin() {
    isStoring = true
    offset = 0
    crc = 0xFFFF
  }

  /// The byte to store next, and where.
  @_noLocks
  func next(_ settings: borrowing BoardSettings) -> (address: Int, byte: UInt8)? {
    guard isStoring else { return nil }
    let word: UInt16
    if offset < 2 {
      word = WireSchema.slotMagic
    } else if offset < 4 {
      word = generation &+ 1
    } else if offset < Self.header {
      word = UInt16(settings.count)
    } else if offset < Self.header + 4 * settings.count {
      let place = (offset - Self.header) / 4
      word = (offset - Self.header) & 3 < 2 ? BoardSettings.key(ofPlace: place) : settings[place]
    } else {
      word = crc
    }
    let byte = UInt8(truncatingIfNeeded: offset & 1 == 0 ? word : word >> 8)
    return ((1 - slot) * WireSchema.slotBytes + offset, byte)
  }

  @_noLocks
  mutating func stored(_ settings: borrowing BoardSettings, isOK: Bool) {
    guard let (_, byte) = next(settings) else { return }
    let end = Self.header + 4 * settings.count
    if isOK && offset < end { crc = WireChecksum.crc16(crc, byte) }
    offset += 1
    if isOK && offset < end + 2 { return }
    isStoring = false
    result = isOK ? .ok : .storage
    guard isOK else { return }
    slot = 1 - slot
    generation &+= 1
    isStored = true
    isUnsaved = false
  }

  /// The outcome of a store that ended, once.
  @_noLocks
  mutating func takeResult() -> WireCode? {
    let taken = result
    result = nil
    return taken
  }
}

extension BoardController {
  /// A byte that is to be stored, and where; then tell `stored` whether it was.
  @_noLocks
  public func storeNext() -> (address: Int, byte: UInt8)? { store.next(settings) }

  /// Whether the byte that `storeNext` asked for is in the store.
  @_noLocks
  public mutating func stored(_ isOK: Bool) { store.stored(settings, isOK: isOK) }
}
