import ServoBus
import Testing

/// Frames as Feetech's Python package sends and accepts them, checksums recomputed.
@Suite
struct FeetechVectorTests {
  private let encoder = RequestEncoder(.feetechSTS)

  @Test("single requests equal the published bytes")
  func single() throws {
    let read: (UInt8, Int, Int) throws -> [UInt8] = { id, address, count in
      try encoded { (out) throws(EncodingError) in
        try RequestEncoder(.feetechSTS).read(id, address: address, count: count, into: out)
      }
    }
    #expect(
      try encoded { (out) throws(EncodingError) in try encoder.ping(1, into: out) } == hex("FF FF 01 02 01 FB"))
    #expect(try read(1, 3, 2) == hex("FF FF 01 04 02 03 02 F3"))
    #expect(try read(1, 56, 2) == hex("FF FF 01 04 02 38 02 BE"))
    #expect(try read(2, 65, 1) == hex("FF FF 02 04 02 41 01 B5"))
    #expect(try encoder.write(1, 40, [1]) == hex("FF FF 01 04 03 28 01 CE"))
    #expect(try encoder.write(1, 40, [128]) == hex("FF FF 01 04 03 28 80 4F"))
    #expect(try encoder.write(1, 55, [0]) == hex("FF FF 01 04 03 37 00 C0"))
    #expect(try encoder.write(1, 42, [0xFF, 0x07]) == hex("FF FF 01 05 03 2A FF 07 C6"))
    #expect(try encoder.write(1, 42, [0x64, 0x80]) == hex("FF FF 01 05 03 2A 64 80 E8"))
    #expect(try encoder.write(1, 31, [0x55, 0x08]) == hex("FF FF 01 05 03 1F 55 08 7A"))
    #expect(
      try encoder.write(1, 41, [50, 0, 8, 0, 0, 0xE8, 3]) == hex("FF FF 01 0A 03 29 32 00 08 00 00 E8 03 A3"))
    #expect(try encoder.write(1, 42, [0xE8, 3], registered: true) == hex("FF FF 01 05 04 2A E8 03 E0"))
    #expect(
      try encoded { (out) throws(EncodingError) in try encoder.action(0xFE, into: out) } == hex("FF FF FE 02 05 FA"))
  }

  @Test("group requests equal the published bytes")
  func groups() throws {
    #expect(try encoder.syncRead([1, 2], 56, 2) == hex("FF FF FE 06 82 38 02 01 02 3C"))
    #expect(try encoder.syncRead([1, 2], 56, 8) == hex("FF FF FE 06 82 38 08 01 02 36"))
    #expect(
      try encoder.syncWrite([1, 2], 42, 2, [0, 8, 0xE8, 3]) == hex("FF FF FE 0A 83 2A 02 01 00 08 02 E8 03 52"))
    #expect(
      try encoder.syncWrite([1, 2], 41, 7, [0x32, 0, 8, 0, 0, 0xE8, 3, 0x32, 0xE8, 3, 0, 0, 0xE8, 3])
        == hex("FF FF FE 14 83 29 07 01 32 00 08 00 00 E8 03 02 32 E8 03 00 00 E8 03 0A"))
  }

  @Test("the published answers are understood")
  func answers() {
    #expect(frames(.feetechSTS, hex("FF FF 01 02 00 FC")).map(\.payload) == [[]])
    #expect(frames(.feetechSTS, hex("FF FF 01 04 00 09 03 EE")).map(\.payload) == [[0x09, 0x03]])
    #expect(frames(.feetechSTS, hex("FF FF 02 03 00 00 FA")).map(\.id) == [2])
    let two = frames(
      .feetechSTS,
      hex("FF FF 01 0A 00 E8 03 05 00 28 00 4A 20 72  FF FF 02 0A 00 25 08 05 80 28 04 4A 20 AB"))
    #expect(two.map(\.id) == [1, 2])
    #expect(two.map(\.payload) == [hex("E8 03 05 00 28 00 4A 20"), hex("25 08 05 80 28 04 4A 20")])
    // Status bits are data: an overloaded servo can still be read.
    let overloaded = frames(.feetechSTS, hex("FF FF 01 04 20 00 08 D2"))
    #expect(overloaded.map(\.status) == [0x20] && overloaded.map(\.payload) == [[0, 8]])
  }

  @Test("SCS frames are the same, but there is no sync read, and DYNAMIXEL 1.0 has a bulk read of its own")
  func relatives() throws {
    let scs = RequestEncoder(.feetechSCS)
    #expect(try scs.syncWrite([1], 42, 2, [8, 0]) == encoder.syncWrite([1], 42, 2, [8, 0]))
    #expect(throws: EncodingError.unsupported) { try scs.syncRead([1], 56, 2) }
    let one = RequestEncoder(.dynamixel1)
    #expect(throws: EncodingError.unsupported) { try one.syncRead([1], 36, 2) }
    // e-Manual, protocol 1.0: ids 1 and 2, addresses 30 and 36, two bytes each.
    #expect(
      try one.bulkRead([.init(id: 1, address: 0x1E, count: 2), .init(id: 2, address: 0x24, count: 2)])
        == hex("FF FF FE 09 92 00 02 01 1E 02 02 24 1D"))
    // e-Manual, protocol 1.0: read the temperature (43) of id 1; the answer carries 32.
    #expect(
      try encoded { (out) throws(EncodingError) in try one.read(1, address: 43, count: 1, into: out) }
        == hex("FF FF 01 04 02 2B 01 CC"))
    #expect(frames(.dynamixel1, hex("FF FF 01 03 00 20 DB")).map(\.payload) == [[0x20]])
  }

  @Test("wrong requests are refused")
  func refusals() throws {
    #expect(throws: EncodingError.invalidID) { try encoder.write(254 + 1, 40, [1]) }
    #expect(throws: EncodingError.invalidID) { try encoder.syncRead([1, 254], 56, 2) }
    #expect(throws: EncodingError.duplicateID) { try encoder.syncRead([1, 2, 1], 56, 2) }
    #expect(throws: EncodingError.nothingToDo) { try encoder.syncRead([], 56, 2) }
    #expect(throws: EncodingError.nothingToDo) { try encoder.write(1, 40, []) }
    #expect(throws: EncodingError.addressOutOfRange) { try encoder.write(1, 256, [1]) }
    #expect(throws: EncodingError.frameTooLong) { try encoder.write(1, 40, [UInt8](repeating: 0, count: 128)) }
    #expect(throws: EncodingError.frameTooLong) {
      try encoder.syncWrite(Array(1...32), 41, 8, [UInt8](repeating: 0, count: 256))
    }
    #expect(throws: EncodingError.unsupported) {
      try encoded { (out) throws(EncodingError) in try encoder.reboot(1, into: out) }
    }
    #expect(throws: EncodingError.invalidID) {
      try encoded { (out) throws(EncodingError) in try encoder.factoryReset(0xFE, scope: .everything, into: out) }
    }
    for capacity in 0..<6 {
      #expect(throws: EncodingError.bufferTooSmall) {
        try encoded(capacity: capacity) { (out) throws(EncodingError) in try encoder.ping(1, into: out) }
      }
    }
  }
}
