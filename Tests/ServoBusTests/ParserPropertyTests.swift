import Foundation
import Numerics
import ServoBus
import Testing

/// How many random cases the long tests run: SINEW_SERVO_BUS_STREAMS, 200,000 by default; 1,000,000 take about forty seconds in debug.
let streamCount =
  ProcessInfo.processInfo.environment["SINEW_SERVO_BUS_STREAMS"].flatMap { Int($0) } ?? 200_000

/// An answer as a servo would send it, written here without the library's encoder.
func answer(_ wire: WireProtocol, id: UInt8, status: UInt8 = 0, _ data: [UInt8]) -> [UInt8] {
  guard wire == .dynamixel2 else {
    let body = [id, UInt8(data.count + 2), status] + data
    return [0xFF, 0xFF] + body + [UInt8(truncatingIfNeeded: 255 - body.reduce(0) { $0 + Int($1) } % 256)]
  }
  var body: [UInt8] = []
  for byte in [0x55, status] + data {
    body.append(byte)
    if body.suffix(3) == [0xFF, 0xFF, 0xFD] { body.append(0xFD) }
  }
  let length = body.count + 2
  return withCRC([0xFF, 0xFF, 0xFD, 0x00, id, UInt8(length & 255), UInt8(length >> 8)] + body)
}

/// Bit by bit, as the polynomial is defined.
func withCRC(_ bytes: [UInt8]) -> [UInt8] {
  var crc: UInt16 = 0
  for byte in bytes {
    crc ^= UInt16(byte) << 8
    for _ in 0..<8 { crc = crc & 0x8000 != 0 ? (crc << 1) ^ 0x8005 : crc << 1 }
  }
  return bytes + [UInt8(crc & 255), UInt8(crc >> 8)]
}

extension RandomStream {
  mutating func below(_ bound: Int) -> Int { Int(bits() % UInt64(bound)) }

  /// Bytes that love to look like headers.
  mutating func bytes(_ count: Int) -> [UInt8] {
    let tricky: [UInt8] = [0xFF, 0xFF, 0xFD, 0x00, 0x55, 0x01, 0x02, 0xFE]
    return (0..<count).map { _ in below(2) == 0 ? tricky[below(tricky.count)] : UInt8(truncatingIfNeeded: bits()) }
  }
}

@Suite
struct ParserPropertyTests {
  @Test("what a servo sends is read back, whatever the data", arguments: WireProtocol.allCases)
  func roundTrip(wire: WireProtocol) {
    var random = RandomStream(seed: 1, name: "servo bus round trip")
    for _ in 0..<2000 {
      let (id, status, data) = (UInt8(random.below(253)), UInt8(random.below(256)), random.bytes(random.below(60)))
      let found = frames(wire, answer(wire, id: id, status: status, data))
      #expect(found.map(\.payload) == [data] && found[0].id == id && found[0].status == status)
    }
  }

  @Test("a written request is read back: data, id and instruction", arguments: WireProtocol.allCases)
  func requestRoundTrip(wire: WireProtocol) throws {
    var random = RandomStream(seed: 2, name: "servo bus requests")
    let encoder = RequestEncoder(wire)
    for _ in 0..<1000 {
      let (id, address, data) = (UInt8(random.below(253)), random.below(256), random.bytes(1 + random.below(60)))
      let found = frames(wire, try encoder.write(id, address, data))
      let head = wire == .dynamixel2 ? [UInt8(address), 0] : [UInt8(address)]
      #expect(found.map(\.payload) == [head + data] && found[0].id == id && found[0].instruction == 3)
    }
  }

  @Test("frames do not depend on how the stream is cut", arguments: WireProtocol.allCases)
  func everySplit(wire: WireProtocol) {
    let stream =
      answer(wire, id: 1, [0xFF, 0xFF, 0xFD, 0, 1]) + [0xFF, 0x12] + answer(wire, id: 2, [0xFF, 0xFF, 1, 4])
      + [0xFF, 0xFF, 0xFD] + answer(wire, id: 3, [])
    let whole = frames(wire, stream)
    #expect(whole.map(\.id) == [1, 2, 3])
    for cut in 0...stream.count {
      var parser = FrameParser(wire)
      _ = parser.feed(stream[..<cut])
      var found = parser.frames()
      _ = parser.feed(stream[cut...])
      found += parser.frames()
      #expect(found + parser.frames(isFinal: true) == whole, "cut at \(cut)")
    }
    var parser = FrameParser(wire)
    var found: [Seen] = []
    for byte in stream {
      _ = parser.feed([byte])
      found += parser.frames()
    }
    #expect(found + parser.frames(isFinal: true) == whole)
  }

  @Test("a frame behind garbage is found, and every byte is accounted for", arguments: WireProtocol.allCases)
  func garbagePrefix(wire: WireProtocol) {
    var random = RandomStream(seed: 3, name: "servo bus garbage")
    for _ in 0..<2000 {
      let garbage = random.bytes(random.below(17))
      let frame = answer(wire, id: 7, random.bytes(8))
      var parser = FrameParser(wire)
      _ = parser.feed(garbage + frame)
      // A false header in the garbage may wait for bytes until the line is silent; then the frame must come out.
      let found = parser.frames() + parser.frames(isFinal: true)
      #expect(found.contains { $0.raw == frame }, "\(hexText(garbage)) | \(hexText(frame)) gave \(found)")
      let inFrames = found.reduce(0) { $0 + $1.raw.count }
      #expect(inFrames + Int(parser.counters.garbageBytes) == garbage.count + frame.count)
    }
  }

  @Test("damaging any one bit of a frame loses that frame only", arguments: WireProtocol.allCases)
  func oneBit(wire: WireProtocol) {
    let (first, second) = (
      answer(wire, id: 1, [0xE8, 3, 5, 0, 40, 0]), answer(wire, id: 2, [0x25, 8, 5, 0x80, 40, 4])
    )
    for bit in 0..<(first.count * 8) {
      var damaged = first
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      var parser = FrameParser(wire, maximumFrame: 64)
      _ = parser.feed(damaged + second)
      var found: [[UInt8]] = []
      while let frame = parser.next(isFinal: true) {
        // A flipped length bit may still check out, as a frame of another length than was asked for.
        if frame.payloadCount == 6 { found.append(Seen(frame).raw) } else { parser.rejectLast() }
      }
      #expect(found == [second], "bit \(bit)")
    }
  }

  @Test("a frame cut short is counted, and the next one is found", arguments: WireProtocol.allCases)
  func cutShort(wire: WireProtocol) {
    let frame = answer(wire, id: 1, [1, 2, 3, 4])
    let header = wire == .dynamixel2 ? 7 : 4
    for length in header..<frame.count {
      var parser = FrameParser(wire)
      _ = parser.feed(frame[..<length])
      #expect(parser.frames() == [] && parser.frames(isFinal: true) == [])
      #expect(parser.counters.shortFrames == 1 && parser.pendingCount == 0)
      _ = parser.feed(frame)
      #expect(parser.frames().map(\.payload) == [[1, 2, 3, 4]])
    }
  }

  @Test("a header that announces more than a frame can have is not waited for")
  func tooLong() {
    var parser = FrameParser(.dynamixel2, maximumFrame: 64)
    _ = parser.feed(hex("FF FF FD 00 01 FF 7F 55") + answer(.dynamixel2, id: 1, [9]))
    #expect(parser.frames().map(\.payload) == [[9]])
  }

  @Test("a buffer that is full takes no more, and goes on when it has been read")
  func full() {
    var parser = FrameParser(.feetechSTS, maximumFrame: 64)
    let frame = answer(.feetechSTS, id: 1, [1, 2])
    let stream = Array([[UInt8]](repeating: frame, count: 1000).joined())
    let taken = parser.feed(stream)
    #expect(taken < stream.count && parser.feed(stream) == 0)
    #expect(parser.frames().count == taken / frame.count)
    #expect(parser.feed(frame) == frame.count)
  }

  @Test("random streams never trap, lose no byte, and yield only frames that check out")
  func randomStreams() {
    var random = RandomStream(seed: 4, name: "servo bus random streams")
    for round in 0..<streamCount {
      let wire = WireProtocol.allCases[round % 4]
      var stream = random.bytes(random.below(40))
      if random.below(2) == 0 { stream += answer(wire, id: UInt8(random.below(253)), random.bytes(random.below(12))) }
      if random.below(4) == 0 { stream.removeLast(min(stream.count, random.below(6))) }
      var parser = FrameParser(wire, maximumFrame: 48)
      var rest = stream[...]
      var framed = 0
      while !rest.isEmpty {
        let piece = rest.prefix(1 + random.below(16))
        rest = rest.dropFirst(parser.feed(piece))
        while let frame = parser.next() { framed += check(wire, frame) }
      }
      while let frame = parser.next(isFinal: true) { framed += check(wire, frame) }
      guard parser.pendingCount == 0, framed + Int(parser.counters.garbageBytes) == stream.count else {
        Issue.record("bytes lost in \(hexText(stream))")
        return
      }
    }
  }

  /// The frame's length, after checking its check value by other code than the parser's.
  private func check(_ wire: WireProtocol, _ frame: Frame) -> Int {
    let raw = Array(UnsafeBufferPointer(start: frame.raw, count: frame.rawCount))
    let isRight: Bool
    if wire == .dynamixel2 {
      isRight = withCRC(Array(raw.dropLast(2))) == raw
    } else {
      isRight = raw[2...].reduce(0) { $0 + Int($1) } % 256 == 255
    }
    if !isRight { Issue.record("\(hexText(raw)) does not check out") }
    return raw.count
  }
}
