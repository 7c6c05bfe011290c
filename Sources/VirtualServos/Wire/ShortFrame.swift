/// The frame that Feetech servos and DYNAMIXEL Protocol 1.0 share, as a servo makes and takes it:
/// `FF FF id length code parameters… checksum`.
///
/// Sources: Feetech communication protocol manual; ROBOTIS e-Manual, "DYNAMIXEL Protocol 1.0".
enum ShortFrame {
  /// The complement of the sum of everything between header and checksum.
  static func checksum(_ bytes: some Sequence<UInt8>) -> UInt8 {
    ~bytes.reduce(UInt8(0)) { $0 &+ $1 }
  }

  /// A status packet.
  static func status(id: UInt8, _ answer: ServoAnswer) -> [UInt8] {
    let body = [id, UInt8(truncatingIfNeeded: answer.data.count + 2), answer.error] + answer.data
    return [0xFF, 0xFF] + body + [checksum(body)]
  }
}

/// Finds short instruction packets in what the host sends, byte by byte.
///
/// Data may contain a header; a frame is taken by its length, and after a failed check the search goes on at the next
/// byte. A packet that ended before the newest byte is too old to act on. Holds at most one frame.
struct ShortFrameParser {
  /// The length field of the longest frame but sync writes: 128 parameters.
  private static let longestPlainLength = 130

  private var buffer: [UInt8] = []

  /// Forgets a begun packet, as after silence on the line.
  mutating func reset() { buffer.removeAll(keepingCapacity: true) }

  /// Takes one byte.
  mutating func push(_ byte: UInt8) -> ParserEvent? {
    buffer.append(byte)
    var damaged: UInt8?
    while !buffer.isEmpty {
      guard buffer[0] == 0xFF, buffer.count < 2 || buffer[1] == 0xFF else {
        buffer.removeFirst()
        continue
      }
      if buffer.count > 2, buffer[2] == 0xFF {
        buffer.removeFirst()
        continue
      }
      guard buffer.count > 3 else { break }
      let length = Int(buffer[3])
      guard length >= 2 else {
        buffer.removeFirst()
        continue
      }
      // Only a sync write is that long: else a lost byte in a header would swallow the next requests, too.
      if length > Self.longestPlainLength, buffer.count > 4, buffer[4] != 0x83 {
        buffer.removeFirst()
        continue
      }
      let total = 4 + length
      guard buffer.count >= total else { break }
      guard buffer.count == total else {
        buffer.removeFirst(total)
        continue
      }
      guard ShortFrame.checksum(buffer[2..<(total - 1)]) == buffer[total - 1] else {
        if damaged == nil { damaged = buffer[2] }
        buffer.removeFirst()
        continue
      }
      let instruction = Instruction(id: buffer[2], code: buffer[4], parameters: Array(buffer[5..<(total - 1)]))
      buffer.removeAll(keepingCapacity: true)
      return .instruction(instruction)
    }
    return damaged.map { .damaged(id: $0) }
  }
}
