/// Where a DYNAMIXEL keeps its indirect addresses: registers that say what the bytes of a data block stand for.
/// Registers that lie apart then come in one read.
public struct IndirectTable: Sendable, Equatable {
  /// The first address register; each has two bytes.
  public var addresses: Int
  /// How many there are, one for each byte of data.
  public var count: Int
  /// Where the data block may begin: firmware versions differ, and sources with them.
  public var dataCandidates: [Int]

  /// Source: ROBOTIS e-Manual and DynamixelSDK's model files. The data block of small servos (XL330) follows its 20
  /// addresses in one, and begins at 224 in the other, as in larger ones.
  static let small = IndirectTable(addresses: 168, count: 20, dataCandidates: [208, 224])
  static let large = IndirectTable(addresses: 168, count: 28, dataCandidates: [224])
}

extension ServoModel {
  /// Its first block of indirect addresses; nil where it has none.
  public var indirectTable: IndirectTable? {
    guard wire == .dynamixel2 else { return nil }
    return name.hasPrefix("xl330") ? .small : .large
  }
}

/// Setting indirect addresses. Not for the control thread.
extension BusMaster {
  /// Makes the registers of these names one contiguous block, in this order, and returns the block. It is in RAM: after
  /// a power cycle or reboot of the servo it must be set again. The addresses are read back, and so is the data: its
  /// place is found by what it shows.
  public mutating func gatherRegisters(
    _ names: [String], of id: UInt8, _ model: ServoModel
  ) throws(BusError) -> (address: Int, length: Int) {
    guard let table = model.indirectTable else {
      throw BusError(.invalidRequest, "the \(model.name) has no indirect addresses")
    }
    var wanted: [Int] = []
    for name in names {
      guard let register = model.register(name) else {
        throw BusError(.invalidRequest, "the \(model.name) has no register '\(name)'")
      }
      wanted += register.address..<(register.address + register.width)
    }
    guard !wanted.isEmpty, wanted.count <= table.count else {
      throw BusError(
        .invalidRequest, "\(wanted.count) bytes do not fit the \(table.count) indirect addresses of the \(model.name)")
    }
    let data = try findIndirectData(id, table)
    try pointIndirectly(id, table, at: wanted)
    return (data, wanted.count)
  }

  private mutating func pointIndirectly(_ id: UInt8, _ table: IndirectTable, at places: [Int]) throws(BusError) {
    let bytes = places.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    try writeVerified(id, address: table.addresses, bytes)
  }

  /// Points the first addresses at the position gain and the status return level (the servo takes none below its RAM)
  /// and looks where they show.
  private mutating func findIndirectData(_ id: UInt8, _ table: IndirectTable) throws(BusError) -> Int {
    let gain = try read(id, address: 84, count: 2)
    let level = try read(id, address: 68, count: 1)[0]
    for candidate in table.dataCandidates {
      do throws(BusError) {
        // In one order and in the other, so that what happens to stand there already deceives nobody.
        try pointIndirectly(id, table, at: [84, 85, 68])
        guard try read(id, address: candidate, count: 3) == gain + [level] else { continue }
        try pointIndirectly(id, table, at: [68, 85, 84])
        if try read(id, address: candidate, count: 3) == [level, gain[1], gain[0]] { return candidate }
      } catch {
        // No data at this place in this firmware.
        guard error.kind == .refused else { throw error }
      }
    }
    throw BusError(
      .notTaken,
      "servo \(id) shows no indirect data at \(table.dataCandidates.map(String.init).joined(separator: " or "))",
      suggestion: "read its registers directly")
  }
}
