/// One entry of a servo's control table.
public struct Register: Sendable, Equatable {
  /// Where it is kept.
  public enum Area: Sendable, Equatable {
    /// Survives power-off.
    case eeprom
    /// Set to its initial value at power-on.
    case ram
  }

  /// Address of its first byte.
  public let address: Int
  /// Bytes: 1, 2 or 4.
  public let size: Int
  /// Name as in the manufacturer's table, lower case with blanks.
  public let name: String
  public let area: Area
  public let isWritable: Bool
  /// Whether the value is in two's complement. Feetech's sign-magnitude registers are not: their bits stand here.
  public let isSigned: Bool
  /// The factory's value (EEPROM) or the one at power-on (RAM).
  public let initial: Int
  /// The values it takes; nil for any.
  public let range: ClosedRange<Int>?

  init(
    _ address: Int, _ size: Int, _ name: String, _ area: Area, initial: Int = 0, range: ClosedRange<Int>? = nil,
    writable: Bool = true, signed: Bool = false
  ) {
    self.address = address
    self.size = size
    self.name = name
    self.area = area
    self.initial = initial
    self.range = range
    isWritable = writable
    isSigned = signed
  }

  /// The same with another initial value, and range if given.
  func starting(at value: Int, range: ClosedRange<Int>? = nil) -> Register {
    Register(
      address, size, name, area, initial: value, range: range ?? self.range, writable: isWritable, signed: isSigned)
  }
}

/// A servo's memory: bytes with the table that explains them.
struct RegisterFile {
  let registers: [Register]
  let isBigEndian: Bool
  private(set) var bytes: [UInt8]
  private let owner: [Int16]

  /// Memory up to the last register, all at their initial values.
  init(_ registers: [Register], isBigEndian: Bool = false) {
    self.registers = registers
    self.isBigEndian = isBigEndian
    let size = registers.map { $0.address + $0.size }.max() ?? 0
    bytes = Array(repeating: 0, count: size)
    var owner = [Int16](repeating: -1, count: size)
    for (index, register) in registers.enumerated() {
      for address in register.address..<(register.address + register.size) { owner[address] = Int16(index) }
    }
    self.owner = owner
    for register in registers { set(register, register.initial) }
  }

  var count: Int { bytes.count }

  /// The register that owns a byte.
  func register(at address: Int) -> Register? {
    guard bytes.indices.contains(address), owner[address] >= 0 else { return nil }
    return registers[Int(owner[address])]
  }

  /// The value of the register that begins at `address`; 0 where there is none.
  subscript(address: Int) -> Int {
    get {
      guard let register = register(at: address), register.address == address else { return 0 }
      return value(of: register)
    }
    set {
      guard let register = register(at: address), register.address == address else { return }
      set(register, newValue)
    }
  }

  /// A register's value.
  func value(of register: Register) -> Int {
    Self.decode(bytes[register.address..<(register.address + register.size)], register, isBigEndian: isBigEndian)
  }

  /// The value that bytes give a register.
  static func decode(_ bytes: ArraySlice<UInt8>, _ register: Register, isBigEndian: Bool) -> Int {
    var raw: UInt32 = 0
    if isBigEndian {
      for byte in bytes { raw = raw << 8 | UInt32(byte) }
    } else {
      for byte in bytes.reversed() { raw = raw << 8 | UInt32(byte) }
    }
    guard register.isSigned else { return Int(raw) }
    let unused = UInt32(32 - 8 * register.size)
    return Int(Int32(bitPattern: raw << unused) >> Int32(unused))
  }

  /// Sets a register, keeping as many low bits as it has.
  mutating func set(_ register: Register, _ value: Int) {
    for index in 0..<register.size {
      let shift = 8 * (isBigEndian ? register.size - 1 - index : index)
      bytes[register.address + index] = UInt8(truncatingIfNeeded: value >> shift)
    }
  }

  /// Bytes from `address`; those beyond the table are 0.
  func read(_ address: Int, _ count: Int) -> [UInt8] {
    (address..<(address + count)).map { bytes.indices.contains($0) ? bytes[$0] : 0 }
  }
}
