import Foundation
import Numerics
import ServoBus
import Testing

/// How many random streams the parsers get: SINEW_SERVO_BUS_STREAMS, 1,000,000 by default.
let streamCount =
  ProcessInfo.processInfo.environment["SINEW_SERVO_BUS_STREAMS"].flatMap { Int($0) } ?? 1_000_000

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

  @Test("whatever damages a frame, at most the one behind it is lost with it", arguments: WireProtocol.allCases)
  func resynchronisation(wire: WireProtocol) {
    var random = RandomStream(seed: 5, name: "servo bus resynchronisation")
    for _ in 0..<2000 {
      var damaged = answer(wire, id: 1, random.bytes(6))
      // A burst, a cut, or bytes too many.
      switch random.below(3) {
      case 0: for _ in 0...random.below(4) { damaged[random.below(damaged.count)] = random.bytes(1)[0] }
      case 1: damaged.removeLast(1 + random.below(damaged.count - 1))
      default: damaged.insert(contentsOf: random.bytes(1 + random.below(4)), at: random.below(damaged.count))
      }
      let good = (2...5).map { answer(wire, id: UInt8($0), [1, 2, 3, 4, 5, 6, 7, 8, 9, UInt8($0)]) }
      // No longer frame can come: a false header reaches no further than the next frame.
      var parser = FrameParser(wire, maximumFrame: good[0].count)
      _ = parser.feed(damaged + good.joined())
      var found: [[UInt8]] = []
      while let frame = parser.next(isFinal: true) { found.append(Seen(frame).raw) }
      #expect(good.dropFirst().allSatisfy(found.contains), "\(hexText(damaged)) hid more than one frame")
    }
  }

  /// Each share is a test case of its own, so that they run at the same time.
  @Test("random streams never trap, lose no byte, and yield only frames that check out", arguments: 0..<8)
  func randomStreams(share: Int) {
    var random = RandomStream(seed: UInt64(4 + share), name: "servo bus random streams")
    let stream = UnsafeMutablePointer<UInt8>.allocate(capacity: 64)
    stream.initialize(repeating: 0, count: 64)
    defer { stream.deallocate() }
    for wire in WireProtocol.allCases {
      var parser = FrameParser(wire, maximumFrame: 48)
      for _ in 0..<(streamCount / 32) {
        let count = Self.fill(stream, wire, &random)
        let garbage = parser.counters.garbageBytes
        // In two pieces: what the first leaves open the second must settle.
        let cut = Int(random.bits() % UInt64(count + 1))
        var framed = 0
        _ = parser.feed(UnsafeBufferPointer(start: stream, count: cut))
        while let frame = parser.next() { framed += check(wire, frame) }
        _ = parser.feed(UnsafeBufferPointer(start: stream + cut, count: count - cut))
        while let frame = parser.next() { framed += check(wire, frame) }
        while let frame = parser.next(isFinal: true) { framed += check(wire, frame) }
        guard parser.pendingCount == 0, framed + Int(parser.counters.garbageBytes - garbage) == count else {
          Issue.record("bytes lost in \(hexText(Array(UnsafeBufferPointer(start: stream, count: count))))")
          return
        }
      }
    }
  }

  /// A short stream that looks like frames: bytes of which half are a header's, and in every second stream a frame, whole,
  /// cut or damaged. Returns its length.
  private static func fill(
    _ stream: UnsafeMutablePointer<UInt8>, _ wire: WireProtocol, _ random: inout RandomStream
  ) -> Int {
    let shape = random.bits()
    var count = Int(shape % 12)
    var (bits, tricks) = (random.bits(), random.bits())
    for index in 0..<count {
      // FF FF FD 00 55 01 02 FE, or anything.
      stream[index] =
        tricks & 8 == 0
        ? UInt8(truncatingIfNeeded: (0xFE02_0155_00FD_FFFF as UInt64) >> ((tricks & 7) * 8))
        : UInt8(truncatingIfNeeded: bits)
      bits = bits >> 5 ^ bits << 59
      tricks >>= 4
    }
    guard shape & 1 << 20 == 0 else { return count }
    let frame = count
    let data = Int((shape >> 24) % 6)
    let head: UInt64 = wire == .dynamixel2 ? 0x5500_0000_00FD_FFFF : 0xFFFF
    let headCount = wire == .dynamixel2 ? 8 : 2
    for index in 0..<headCount { stream[count + index] = UInt8(truncatingIfNeeded: head >> UInt64(8 * index)) }
    count += headCount
    if wire == .dynamixel2 {
      (stream[frame + 4], stream[frame + 5]) = (UInt8(truncatingIfNeeded: shape >> 32) % 253, UInt8(data + 4))
    } else {
      (stream[count], stream[count + 1]) = (UInt8(truncatingIfNeeded: shape >> 32) % 253, UInt8(data + 2))
      count += 2
    }
    for index in 0...data { stream[count + index] = UInt8(truncatingIfNeeded: shape >> UInt64(8 + 7 * index)) & 0x7F }
    count += data + 1
    if wire == .dynamixel2 {
      let crc = Self.crc(stream + frame, count - frame)
      (stream[count], stream[count + 1]) = (UInt8(crc & 255), UInt8(crc >> 8))
      count += 2
    } else {
      stream[count] = ~Self.sum(stream + frame + 2, count - frame - 2)
      count += 1
    }
    switch (shape >> 40) % 8 {
    case 0: count -= Int((shape >> 44) % 5)
    case 1: stream[frame + Int((shape >> 44) % 8)] ^= UInt8(truncatingIfNeeded: shape >> 48)
    default: break
    }
    return count
  }

  /// The check values once more, bit by bit and by definition.
  private static func crc(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt16 {
    var crc: UInt16 = 0
    for index in 0..<count {
      crc ^= UInt16(bytes[index]) << 8
      for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x8005 : crc << 1 }
    }
    return crc
  }

  private static func sum(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt8 {
    var sum: UInt8 = 0
    for index in 0..<count { sum &+= bytes[index] }
    return sum
  }

  /// The frame's length, after checking its check value by other code than the parser's.
  private func check(_ wire: WireProtocol, _ frame: Frame) -> Int {
    let count = frame.rawCount
    let isRight: Bool
    if wire == .dynamixel2 {
      let found = UInt16(frame.raw[count - 2]) | UInt16(frame.raw[count - 1]) << 8
      isRight = Self.crc(frame.raw, count - 2) == found
    } else {
      isRight = Self.sum(frame.raw + 2, count - 2) == 255
    }
    if !isRight { Issue.record("\(hexText(Seen(frame).raw)) does not check out") }
    return count
  }
}
