/// Feetech's signed registers: bit `signBit` is the sign, the bits below it the magnitude.
enum SignMagnitude {
  /// The number of raw bits; minus zero is zero.
  static func decode(_ raw: Int, signBit: Int) -> Int {
    let magnitude = raw & ((1 << signBit) - 1)
    return raw & (1 << signBit) != 0 ? -magnitude : magnitude
  }

  /// The bits of a number; magnitudes too large become the largest.
  static func encode(_ value: Int, signBit: Int) -> Int {
    let magnitude = min(abs(value), (1 << signBit) - 1)
    return value < 0 && magnitude > 0 ? magnitude | 1 << signBit : magnitude
  }
}
