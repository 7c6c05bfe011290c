/// DYNAMIXEL Protocol 2.0 frames, as a servo makes and takes them.
///
/// Source: ROBOTIS e-Manual, "DYNAMIXEL Protocol 2.0".
enum LongFrame {
  static let header: [UInt8] = [0xFF, 0xFF, 0xFD, 0x00]
  static let statusCode: UInt8 = 0x55

  /// CRC-16 with polynomial 0x8005, not reflected, initial value 0, no final exclusive-or.
  static func checksum(_ bytes: some Sequence<UInt8>, from initial: UInt16 = 0) -> UInt16 {
    var crc = initial
    for byte in bytes { crc = (crc << 8) ^ table[Int(UInt8(truncatingIfNeeded: crc >> 8) ^ byte)] }
    return crc
  }

  private static let table: [UInt16] = (0..<256).map { index in
    var value = UInt16(index) << 8
    for _ in 0..<8 { value = value & 0x8000 != 0 ? (value << 1) ^ 0x8005 : value << 1 }
    return value
  }

  /// `body` with 0xFD after each FF FF FD.
  static func stuffed(_ body: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(body.count + 2)
    for byte in body {
      result.append(byte)
      let count = result.count
      if byte == 0xFD, count >= 3, result[count - 2] == 0xFF, result[count - 3] == 0xFF { result.append(0xFD) }
    }
    return result
  }

  /// `body` without stuffing; nil when FF FF FD stands without its 0xFD, which no conforming sender sends.
  static func unstuffed(_ body: ArraySlice<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(body.count)
    var index = body.startIndex
    // Two 0xFF in a row on the wire; stuffing bytes break a row.
    var run = 0
    while index < body.endIndex {
      let byte = body[index]
      result.append(byte)
      if byte == 0xFD, run >= 2 {
        index += 1
        guard index < body.endIndex, body[index] == 0xFD else { return nil }
      }
      run = byte == 0xFF ? run + 1 : 0
      index += 1
    }
    return result
  }

  /// A status packet.
  static func status(id: UInt8, _ answer: ServoAnswer) -> [UInt8] {
    frame(id: id, body: stuffed([statusCode, answer.error] + answer.data))
  }

  /// The one packet that answers a fast read: an unstuffed part with a running checksum per servo.
  ///
  /// `parts` are the servos' shares in order. When one servo is silent the packet ends before it, as on the wire.
  static func fastStatus(_ parts: [(id: UInt8, answer: ServoAnswer)?]) -> [UInt8] {
    let length = parts.reduce(1) { $0 + 4 + ($1?.answer.data.count ?? 0) }
    return fastStatus(parts, length: length)
  }

  /// As above with the length field that the request implies, silent servos included.
  static func fastStatus(_ parts: [(id: UInt8, answer: ServoAnswer)?], length: Int) -> [UInt8] {
    var bytes =
      header + [
        Instruction.broadcastID, UInt8(truncatingIfNeeded: length), UInt8(truncatingIfNeeded: length >> 8), statusCode,
      ]
    for part in parts {
      guard let part else { break }
      bytes.append(part.answer.error)
      bytes.append(part.id)
      bytes += part.answer.data
      let crc = checksum(bytes)
      bytes += [UInt8(truncatingIfNeeded: crc), UInt8(truncatingIfNeeded: crc >> 8)]
    }
    return bytes
  }

  private static func frame(id: UInt8, body: [UInt8]) -> [UInt8] {
    let length = body.count + 2
    var bytes = header + [id, UInt8(truncatingIfNeeded: length), UInt8(truncatingIfNeeded: length >> 8)] + body
    let crc = checksum(bytes)
    bytes.append(UInt8(truncatingIfNeeded: crc))
    bytes.append(UInt8(truncatingIfNeeded: crc >> 8))
    return bytes
  }
}

/// Finds Protocol 2.0 instruction packets in what the host sends, byte by byte.
///
/// A servo has no memory of packets past: after a damaged frame the bytes in it are searched again, but only a packet
/// that ends with the newest byte counts. Holds at most one frame of `maximumLength`.
struct LongFrameParser {
  /// Longer frames are taken for a damaged length field.
  static let maximumLength = 1024

  private var buffer: [UInt8] = []

  /// Forgets a begun packet, as after silence on the line.
  mutating func reset() { buffer.removeAll(keepingCapacity: true) }

  /// Takes one byte.
  mutating func push(_ byte: UInt8) -> ParserEvent? {
    buffer.append(byte)
    var damaged: UInt8?
    var isSearchingAnew = false
    while !buffer.isEmpty {
      let known = min(buffer.count, LongFrame.header.count)
      guard buffer.prefix(known).elementsEqual(LongFrame.header.prefix(known)) else {
        buffer.removeFirst()
        continue
      }
      if buffer.count > 4, buffer[4] == 0xFF || buffer[4] == 0xFD {
        buffer.removeFirst()
        continue
      }
      guard buffer.count >= 7 else { break }
      let length = Int(buffer[5]) | Int(buffer[6]) << 8
      guard length >= 3, length <= Self.maximumLength else {
        buffer.removeFirst()
        continue
      }
      let total = 7 + length
      if let header = innerHeader(bodyEnd: min(buffer.count, total - 2), searchAll: isSearchingAnew) {
        buffer.removeFirst(header)
        isSearchingAnew = true
        continue
      }
      guard buffer.count >= total else { break }
      guard buffer.count == total else {
        // Complete long ago, inside a frame that turned out damaged: too late to act on it.
        buffer.removeFirst(total)
        continue
      }
      let crc = UInt16(buffer[total - 2]) | UInt16(buffer[total - 1]) << 8
      guard LongFrame.checksum(buffer[..<(total - 2)]) == crc else {
        if damaged == nil { damaged = buffer[4] }
        isSearchingAnew = true
        buffer.removeFirst()
        continue
      }
      let id = buffer[4]
      let body = LongFrame.unstuffed(buffer[7..<(total - 2)])
      buffer.removeAll(keepingCapacity: true)
      guard let body, let code = body.first else { return nil }
      return .instruction(Instruction(id: id, code: code, parameters: Array(body.dropFirst())))
    }
    return damaged.map { .damaged(id: $0) }
  }

  /// Where a header stands inside the body, which stuffing rules out for a sound frame: the frame's end was lost.
  /// As bytes come, only the newest can complete a header; when older bytes are looked at anew, all are searched.
  private func innerHeader(bodyEnd: Int, searchAll: Bool) -> Int? {
    guard bodyEnd >= 11 else { return nil }
    for index in (searchAll ? 7 : bodyEnd - 4)...(bodyEnd - 4)
    where buffer[index] == 0xFF && buffer[index + 1] == 0xFF && buffer[index + 2] == 0xFD && buffer[index + 3] == 0 {
      return index
    }
    return nil
  }
}
