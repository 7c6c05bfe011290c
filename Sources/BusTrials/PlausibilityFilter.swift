import ServoBus

/// A plausibility filter as it belongs on every reading: a field that is further from what it should be than its bound
/// refuses the whole reading. The servos of a trial stand still and show the number of requests as their position, so
/// what a field should be is what it was, and for the position what it was plus the usual requests since.
struct PlausibilityFilter {
  /// One number of a reading.
  struct Field {
    var offset: Int
    var width: Int
    /// The bit that is the sign in sign-magnitude; nil: two's complement.
    var signBit: Int?
    var bound: Int
    var isCounter = false

    func value(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
      var raw = 0
      for place in (0..<width).reversed() { raw = raw << 8 | Int(bytes[offset + place]) }
      if let signBit { return raw & (1 << signBit) != 0 ? -(raw & ((1 << signBit) - 1)) : raw }
      return raw >= 1 << (8 * width - 1) ? raw - 1 << (8 * width) : raw
    }

    /// How far apart two values are; the counter goes round at 4096.
    func distance(_ a: Int, _ b: Int) -> Int {
      guard isCounter, (0..<4096).contains(a) else { return (a - b).magnitude < UInt(Int.max) ? abs(a - b) : .max }
      let around = ((a - b) % 4096 + 4096) % 4096
      return min(around, 4096 - around)
    }
  }

  let fields: [Field]
  /// Requests that a clean cycle sends, and its length, ns.
  private let requestsPerCycle = 2
  private let period: Int64
  /// By servo: the values believed last, and their time; empty before the first.
  private var believed: [(values: [Int], time: Int64)]

  /// For the registers that `ServoBenchmark.plan` reads.
  init(_ wire: WireProtocol, servos: Int, period: Int64) {
    fields =
      wire == .dynamixel2
      ? [
        Field(offset: 0, width: 4, bound: 100), Field(offset: 4, width: 4, bound: 64, isCounter: true),
      ]
      : [
        Field(offset: 0, width: 2, signBit: 15, bound: 64, isCounter: true),
        Field(offset: 2, width: 2, signBit: 15, bound: 100), Field(offset: 4, width: 2, signBit: 10, bound: 100),
        Field(offset: 6, width: 1, signBit: 8, bound: 10), Field(offset: 7, width: 1, signBit: 8, bound: 5),
      ]
    self.period = period
    believed = Array(repeating: ([], 0), count: servos)
  }

  /// Whether a reading with that stamp may be believed.
  mutating func accepts(_ bytes: UnsafeBufferPointer<UInt8>, of servo: Int, at time: Int64) -> Bool {
    let values = fields.map { $0.value(bytes) }
    let last = believed[servo]
    for (index, field) in fields.enumerated() where !last.values.isEmpty {
      let passed = field.isCounter ? requestsPerCycle * Int((time - last.time) / period) : 0
      if field.distance(values[index], (last.values[index] + passed) % 4096) > field.bound { return false }
    }
    believed[servo] = (values, time)
    return true
  }
}
