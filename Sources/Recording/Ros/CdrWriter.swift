/// Encodes one message as CDR (XCDR1, little endian): natural alignment counted behind the 4-byte header.
///
/// For the log thread. The control thread writes fixed-size messages in place instead (`TransitionWriter`).
struct CdrWriter {
  private(set) var bytes: [UInt8] = [0, 1, 0, 0]

  /// Starts the next message in the same memory.
  mutating func reset() { bytes.removeLast(bytes.count - 4) }

  private mutating func align(_ size: Int) {
    while (bytes.count - 4) % size != 0 { bytes.append(0) }
  }

  mutating func append<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
    align(MemoryLayout<T>.size)
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(_ value: Double) { append(value.bitPattern) }

  mutating func append(_ text: String) {
    append(UInt32(text.utf8.count + 1))
    bytes.append(contentsOf: text.utf8)
    bytes.append(0)
  }

  /// A sequence of float64 from raw memory.
  mutating func append(doubles: UnsafeRawBufferPointer) {
    append(UInt32(doubles.count / 8))
    if !doubles.isEmpty { align(8) }
    bytes.append(contentsOf: doubles)
  }

  mutating func append(_ texts: [String]) {
    append(UInt32(texts.count))
    for text in texts { append(text) }
  }
}
