import ServoBus
import Testing

/// Frames of DYNAMIXEL protocol 2.0: the manufacturer's examples, and what its own SDK sends and accepts.
@Suite
struct DynamixelVectorTests {
  private let encoder = RequestEncoder(.dynamixel2)

  private func single(
    _ body: (UnsafeMutableBufferPointer<UInt8>) throws(EncodingError) -> Int
  ) throws(EncodingError) -> [UInt8] { try encoded(body) }

  @Test("the CRC is CRC-16/UMTS")
  func crc() {
    #expect(crc16(Array("123456789".utf8)) == 0xFEE8)
  }

  @Test("single requests equal the published bytes")
  func requests() throws {
    #expect(
      try single { (out) throws(EncodingError) in try encoder.ping(1, into: out) }
        == hex("FF FF FD 00 01 03 00 01 19 4E"))
    #expect(
      try single { (out) throws(EncodingError) in try encoder.ping(0xFE, into: out) }
        == hex("FF FF FD 00 FE 03 00 01 31 42"))
    #expect(
      try single { (out) throws(EncodingError) in try encoder.read(1, address: 132, count: 4, into: out) }
        == hex("FF FF FD 00 01 07 00 02 84 00 04 00 1D 15"))
    #expect(
      try single { (out) throws(EncodingError) in try encoder.read(2, address: 70, count: 1, into: out) }
        == hex("FF FF FD 00 02 07 00 02 46 00 01 00 36 93"))
    #expect(try encoder.write(1, 64, [1]) == hex("FF FF FD 00 01 06 00 03 40 00 01 DB 66"))
    #expect(try encoder.write(1, 116, [0, 2, 0, 0]) == hex("FF FF FD 00 01 09 00 03 74 00 00 02 00 00 CA 89"))
    #expect(try encoder.write(1, 116, [0, 8, 0, 0]) == hex("FF FF FD 00 01 09 00 03 74 00 00 08 00 00 42 89"))
    #expect(
      try encoder.write(1, 104, [0xFE, 0xFF, 0xFF, 0xFF]) == hex("FF FF FD 00 01 09 00 03 68 00 FE FF FF FF D6 3D"))
    #expect(
      try encoder.write(1, 116, [0xE8, 3, 0, 0], registered: true)
        == hex("FF FF FD 00 01 09 00 04 74 00 E8 03 00 00 83 2E"))
    #expect(
      try single { (out) throws(EncodingError) in try encoder.action(1, into: out) }
        == hex("FF FF FD 00 01 03 00 05 02 CE"))
    #expect(
      try single { (out) throws(EncodingError) in try encoder.action(0xFE, into: out) }
        == hex("FF FF FD 00 FE 03 00 05 2A C2"))
    #expect(
      try single { (out) throws(EncodingError) in try encoder.factoryReset(1, scope: .exceptIDAndBaud, into: out) }
        == hex("FF FF FD 00 01 04 00 06 02 AB E6"))
    #expect(
      try single { (out) throws(EncodingError) in try encoder.reboot(1, into: out) }
        == hex("FF FF FD 00 01 03 00 08 2F 4E"))
    #expect(
      try single { (out) throws(EncodingError) in try encoder.clearTurns(1, into: out) }
        == hex("FF FF FD 00 01 08 00 10 01 44 58 4C 22 B1 DC"))
  }

  @Test("group requests equal the published bytes")
  func groups() throws {
    #expect(try encoder.syncRead([1, 2], 132, 4) == hex("FF FF FD 00 FE 09 00 82 84 00 04 00 01 02 CE FA"))
    #expect(try encoder.syncRead([1, 2], 126, 10) == hex("FF FF FD 00 FE 09 00 82 7E 00 0A 00 01 02 38 92"))
    #expect(
      try encoder.syncRead([1, 2], 132, 4, fast: true) == hex("FF FF FD 00 FE 09 00 8A 84 00 04 00 01 02 4D 72"))
    #expect(
      try encoder.syncRead([3, 7, 4], 132, 4, fast: true)
        == hex("FF FF FD 00 FE 0A 00 8A 84 00 04 00 03 07 04 20 F2"))
    #expect(
      try encoder.syncWrite([1, 2], 116, 4, [150, 0, 0, 0, 170, 0, 0, 0])
        == hex("FF FF FD 00 FE 11 00 83 74 00 04 00 01 96 00 00 00 02 AA 00 00 00 82 87"))
    #expect(
      try encoder.bulkRead([.init(id: 1, address: 144, count: 2), .init(id: 2, address: 146, count: 1)])
        == hex("FF FF FD 00 FE 0D 00 92 01 90 00 02 00 02 92 00 01 00 1A 05"))
    #expect(
      try encoder.bulkWrite([.init(id: 1, address: 32, count: 2), .init(id: 2, address: 31, count: 1)], [160, 0, 80])
        == hex("FF FF FD 00 FE 10 00 93 01 20 00 02 00 A0 00 02 1F 00 01 00 50 B7 68"))
  }

  @Test("stuffing equals that of two independent encoders")
  func stuffing() throws {
    #expect(
      try encoder.write(1, 116, hex("FF FF FD 00"))
        == hex("FF FF FD 00 01 0A 00 03 74 00 FF FF FD FD 00 21 E7"))
    #expect(
      try encoder.write(1, 116, hex("FF FF FD FF FF FD 01 02"))
        == hex("FF FF FD 00 01 0F 00 03 74 00 FF FF FD FD FF FF FD FD 01 02 A1 13"))
    #expect(
      frames(.dynamixel2, hex("FF FF FD 00 01 0E 00 55 00 FF FF FD FD FF FF FD FD 01 02 5B F0")).map(\.payload)
        == [hex("FF FF FD FF FF FD 01 02")])
  }

  @Test("a frame whose data is not stuffed is refused although its CRC is right")
  func unstuffed() {
    for text in [
      "FF FF FD 00 01 09 00 03 74 00 FF FF FD 00 C9 07",
      "FF FF FD 00 01 0D 00 03 74 00 FF FF FD FF FF FD 01 02 9A B3",
    ] {
      var parser = FrameParser(.dynamixel2)
      _ = parser.feed(hex(text))
      #expect(parser.frames(isFinal: true) == [])
      #expect(parser.counters.malformedFrames == 1)
    }
  }

  @Test("the published answers are understood")
  func answers() {
    let ping = frames(.dynamixel2, hex("FF FF FD 00 01 07 00 55 00 B0 04 34 B2 D4"))
    #expect(ping.map(\.payload) == [[0xB0, 0x04, 52]] && ping[0].instruction == 0x55)
    #expect(
      frames(.dynamixel2, hex("FF FF FD 00 01 08 00 55 00 00 08 00 00 1C 38")).map(\.payload) == [[0, 8, 0, 0]])
    #expect(frames(.dynamixel2, hex("FF FF FD 00 01 04 00 55 00 A1 0C")).map(\.payload) == [[]])
    #expect(
      frames(.dynamixel2, hex("FF FF FD 00 01 08 00 55 00 A6 00 00 00 8C C0")).map(\.payload) == [[0xA6, 0, 0, 0]])
    let two = frames(
      .dynamixel2,
      hex(
        "FF FF FD 00 01 0E 00 55 00 00 00 FD FF FF FF E8 03 00 00 89 F2  FF FF FD 00 02 0E 00 55 00 05 00 FE FF FF FF 25 08 00 00 76 45"
      ))
    #expect(two.map(\.id) == [1, 2])
    #expect(two.map(\.payload) == [hex("00 00 FD FF FF FF E8 03 00 00"), hex("05 00 FE FF FF FF 25 08 00 00")])
    let fast = frames(
      .dynamixel2, hex("FF FF FD 00 FE 11 00 55 00 01 E8 03 00 00 56 E3 00 02 25 08 00 00 88 29"))
    #expect(fast.map(\.id) == [0xFE])
    #expect(fast.map(\.payload) == [hex("01 E8 03 00 00 56 E3 00 02 25 08 00 00")])
    let bulk = frames(
      .dynamixel2, hex("FF FF FD 00 01 06 00 55 00 32 00 C5 F7  FF FF FD 00 02 05 00 55 00 1F 12 29"))
    #expect(bulk.map(\.payload) == [[0x32, 0], [0x1F]])
  }

  @Test("the data of a fast read may hold the header itself")
  func fastIsNotStuffed() {
    let bytes = withCRC(hex("FF FF FD 00 FE 09 00 55 00 01 FF FF FD 00"))
    #expect(frames(.dynamixel2, bytes).map(\.payload) == [hex("01 FF FF FD 00")])
  }
}
