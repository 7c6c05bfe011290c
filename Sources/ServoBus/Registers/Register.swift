/// How a register's bits stand for a signed number.
public enum SignRule: Sendable, BitwiseCopyable, Equatable {
  /// Never negative.
  case unsigned
  /// Two's complement of the register's size (DYNAMIXEL 2.0).
  case twosComplement
  /// The given bit is the sign, the bits below it the magnitude (Feetech; DYNAMIXEL 1.0's speed and load).
  case signMagnitude(bit: Int)
}

/// What a register's number is a multiple of.
public enum RegisterUnit: Sendable, Equatable {
  /// A number without unit, a code, or bits.
  case none
  /// Angle, rad: steps of a turn.
  case radian
  /// Speed, rad/s.
  case radianPerSecond
  /// Acceleration, rad/s².
  case radianPerSecondSquared
  /// Electric potential, V.
  case volt
  /// Current, A.
  case ampere
  /// Temperature, °C.
  case celsius
  /// Part of the whole: duty, load, torque limit; 1 is all.
  case fraction
  /// Time, s.
  case second

  /// The unit's symbol; empty for none.
  public var symbol: String {
    switch self {
    case .none: ""
    case .radian: "rad"
    case .radianPerSecond: "rad/s"
    case .radianPerSecondSquared: "rad/s²"
    case .volt: "V"
    case .ampere: "A"
    case .celsius: "°C"
    case .fraction: "1"
    case .second: "s"
    }
  }
}

/// One register of a servo's table.
public struct Register: Sendable, Equatable {
  /// Where a register lives and who may write it.
  public enum Area: Sendable, Equatable {
    /// Kept when the power goes; written with torque off, on Feetech also unlocked.
    case eeprom
    /// Lost when the power goes.
    case ram
  }
  public var name: String
  public var address: Int
  /// Bytes: 1, 2 or 4.
  public var width: Int
  public var area: Area
  public var isReadOnly: Bool
  public var sign: SignRule
  public var unit: RegisterUnit
  /// What one count is in `unit`.
  public var scale: Double

  init(
    _ address: Int, _ width: Int, _ name: String, _ area: Area, readOnly: Bool = false, sign: SignRule = .unsigned,
    _ scale: Double = 1, _ unit: RegisterUnit = .none
  ) {
    self.address = address
    self.width = width
    self.name = name
    self.area = area
    self.isReadOnly = readOnly
    self.sign = sign
    self.scale = scale
    self.unit = unit
  }

  /// The number in the register's bytes, for the control thread: conversion without the name.
  public func codec(bigEndian: Bool) -> RegisterCodec {
    RegisterCodec(width: width, sign: sign, isBigEndian: bigEndian)
  }
}

/// Turns a register's bytes into a number and back. Plain data, real-time safe.
public struct RegisterCodec: Sendable, BitwiseCopyable {
  public let width: Int
  public let sign: SignRule
  public let isBigEndian: Bool

  @_noLocks
  public init(width: Int, sign: SignRule, isBigEndian: Bool) {
    precondition(width == 1 || width == 2 || width == 4, "a register has 1, 2 or 4 bytes")
    self.width = width
    self.sign = sign
    self.isBigEndian = isBigEndian
  }

  /// The smallest and the largest number that the register can hold.
  public var range: ClosedRange<Int> {
    @_noLocks get {
      let bits = 8 &* width
      switch sign {
      case .unsigned: return 0...((1 << bits) &- 1)
      case .twosComplement: return -(1 << (bits &- 1))...((1 << (bits &- 1)) &- 1)
      case .signMagnitude(let bit): return -((1 << bit) &- 1)...((1 << bit) &- 1)
      }
    }
  }

  /// The number in `width` bytes.
  @_noLocks
  public func decode(_ bytes: UnsafePointer<UInt8>) -> Int {
    var raw = 0
    for index in 0..<width {
      let byte = Int(bytes[isBigEndian ? width &- 1 &- index : index])
      raw |= byte << (8 &* index)
    }
    switch sign {
    case .unsigned: return raw
    case .twosComplement:
      let top = 1 << (8 &* width &- 1)
      return raw & top != 0 ? raw &- 2 &* top : raw
    case .signMagnitude(let bit):
      let magnitude = raw & ((1 << bit) &- 1)
      return raw & (1 << bit) != 0 ? -magnitude : magnitude
    }
  }

  /// Puts a number into `width` bytes; false, and nothing written, when it does not fit.
  @_noLocks
  public func encode(_ value: Int, into bytes: UnsafeMutablePointer<UInt8>) -> Bool {
    let allowed = range
    guard value >= allowed.lowerBound, value <= allowed.upperBound else { return false }
    var raw = value
    if case .signMagnitude(let bit) = sign, value < 0 { raw = -value | (1 << bit) }
    for index in 0..<width {
      bytes[isBigEndian ? width &- 1 &- index : index] = UInt8(truncatingIfNeeded: raw >> (8 &* index))
    }
    return true
  }

  /// The number in `width` bytes of an array; nil when there are fewer.
  public func decode(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= width else { return nil }
    return bytes.withUnsafeBufferPointer { buffer in buffer.baseAddress.map { decode($0) } }
  }

  /// The bytes of a number; nil when it does not fit.
  public func encode(_ value: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: width)
    let fits = bytes.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.map { encode(value, into: $0) } ?? false
    }
    return fits ? bytes : nil
  }
}
