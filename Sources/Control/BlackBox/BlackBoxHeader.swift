import Glibc

/// What the header of a black box says of faults and of the place beside the log, read and written through a descriptor
/// beside the map.
struct BlackBoxHeader {
  /// Faults that have frozen the ring, whether one does now, and how many of them were copied beside the log.
  let faults: UInt64
  let isFrozen: Bool
  let saved: UInt64
  /// Whether a person knows of the file where it lies.
  let isTold: Bool
  /// Where the file belongs; nil without a log.
  let place: String?

  /// Nil for what is no black box, or none yet.
  init?(_ descriptor: Int32) {
    let size = BlackBox.Layout.headerSize
    var bytes = [UInt8](repeating: 0, count: size)
    guard pread(descriptor, &bytes, size, 0) == size else { return nil }
    func number<Number: FixedWidthInteger>(_ offset: Int, _ type: Number.Type) -> Number {
      bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
    }
    guard number(0, UInt64.self) == BlackBox.Layout.magic else { return nil }
    faults = number(BlackBox.Layout.faultsOffset, UInt64.self)
    isFrozen = number(BlackBox.Layout.frozenOffset, UInt32.self) != 0
    saved = number(BlackBox.Layout.savedOffset, UInt64.self)
    isTold = number(BlackBox.Layout.toldOffset, UInt32.self) != 0
    let start = BlackBox.Layout.placeOffset
    let count = Int(number(start, UInt16.self))
    place =
      count == 0 || count > BlackBox.Layout.mostPlaceBytes
      ? nil : String(decoding: bytes[start + 2..<start + 2 + count], as: UTF8.self)
  }

  /// Notes that this many faults are beside the log.
  static func noteSaved(_ descriptor: Int32, _ count: UInt64) {
    var count = count
    pwrite(descriptor, &count, 8, off_t(BlackBox.Layout.savedOffset))
  }

  /// Notes that a person knows of the file where it lies.
  static func noteTold(_ descriptor: Int32) {
    var told: UInt32 = 1
    pwrite(descriptor, &told, 4, off_t(BlackBox.Layout.toldOffset))
  }

  /// Notes where the file belongs; a path that is too long is left out.
  static func notePlace(_ descriptor: Int32, _ place: String) {
    let text = Array(place.utf8)
    guard text.count <= BlackBox.Layout.mostPlaceBytes else { return }
    let bytes = [UInt8(truncatingIfNeeded: text.count), UInt8(truncatingIfNeeded: text.count >> 8)] + text
    _ = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(BlackBox.Layout.placeOffset)) }
  }
}
