import VirtualServos

/// Shafts that stand, turn and pull as a test says.
final class ScriptedPhysics: ServoPhysics {
  let stepNanoseconds: Int64 = 1_000_000
  var states: [ShaftState]
  private(set) var drives: [ServoDrive] = []

  init(_ states: [ShaftState]) { self.states = states }

  /// Shafts that show these encoder values on servos of 4096 steps a turn, mounted with 2048 at angle 0.
  convenience init(ticks: [Double], speeds: [Double] = [], loads: [Double] = []) {
    self.init(
      ticks.indices.map { index in
        ShaftState(
          position: (ticks[index] - 2048) / 4096 * 2 * .pi,
          velocity: speeds.indices.contains(index) ? speeds[index] / 4096 * 2 * .pi : 0,
          load: loads.indices.contains(index) ? loads[index] : 0)
      })
  }

  var count: Int { states.count }
  var initialStates: [ShaftState] { states }
  func step(_ drives: [ServoDrive], states: inout [ShaftState]) {
    self.drives = drives
    states = self.states
  }
}

/// Bytes of a text such as "FF FF 01".
func bytes(_ hex: String) -> [UInt8] {
  hex.split(whereSeparator: { $0 == " " || $0 == "\n" }).compactMap { UInt8($0, radix: 16) }
}

/// A text such as "FF FF 01".
func hex(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: " ")
}

/// A host on a virtual bus, with a clock of its own.
final class Host {
  let bus: VirtualServoBus
  var now: Int64 = 0

  init(_ bus: VirtualServoBus) { self.bus = bus }

  /// Servos of one model with ids from 1; every 10 ms one exchange.
  init(
    _ model: String, count: Int = 1, physics: (any ServoPhysics)? = nil, timing: BusTiming = BusTiming(),
    faults: FaultSettings = FaultSettings(), seed: UInt64 = 0, registers: [Int: Int] = [:],
    change: (inout VirtualBusConfiguration) -> Void = { _ in }
  ) throws {
    let model = try ServoModel.named(model)
    var configuration = VirtualBusConfiguration(
      servos: (0..<count).map { ServoSetup(model, id: UInt8($0 + 1), registers: registers) }, timing: timing,
      faults: faults, seed: seed)
    change(&configuration)
    bus = try VirtualServoBus(configuration, physics: physics)
  }

  /// Sends bytes and gives back what came within 10 ms.
  func exchange(_ request: [UInt8]) -> [UInt8] {
    bus.send(request, at: now)
    now += 10_000_000
    return bus.read(at: now)
  }

  func exchange(_ request: String) -> String { hex(exchange(bytes(request))) }

  /// Lets time pass.
  func wait(_ seconds: Double) {
    now += Int64(seconds * 1e9)
    _ = bus.read(at: now)
  }

  // The requests below are built here, from the published frame formats, not with the module's own frames.

  /// A Protocol 2.0 instruction without stuffing.
  static func long(_ id: UInt8, _ code: UInt8, _ parameters: [UInt8]) -> [UInt8] {
    let length = parameters.count + 3
    var frame: [UInt8] =
      [0xFF, 0xFF, 0xFD, 0x00, id, UInt8(length & 0xFF), UInt8(length >> 8), code] + parameters
    var crc: UInt32 = 0
    for byte in frame {
      crc ^= UInt32(byte) << 8
      for _ in 0..<8 { crc = crc & 0x8000 != 0 ? ((crc << 1) ^ 0x8005) & 0xFFFF : crc << 1 }
    }
    frame += [UInt8(crc & 0xFF), UInt8(crc >> 8)]
    return frame
  }

  /// A Feetech or Protocol 1.0 instruction.
  static func short(_ id: UInt8, _ code: UInt8, _ parameters: [UInt8]) -> [UInt8] {
    let body = [id, UInt8(parameters.count + 2), code] + parameters
    return [0xFF, 0xFF] + body + [UInt8(255 - body.reduce(0) { $0 + Int($1) } % 256)]
  }

  /// Error byte of a Protocol 2.0 write; nil when nobody answered.
  func write2(_ id: UInt8, _ address: Int, _ value: Int, size: Int) -> UInt8? {
    let data = (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    let answer = exchange(Host.long(id, 3, [UInt8(address & 0xFF), UInt8(address >> 8)] + data))
    return answer.count > 8 ? answer[8] : nil
  }

  /// Value of a Protocol 2.0 register, two's complement.
  func read2(_ id: UInt8, _ address: Int, size: Int) -> Int? {
    let answer = exchange(Host.long(id, 2, [UInt8(address & 0xFF), UInt8(address >> 8), UInt8(size), 0]))
    guard answer.count == 11 + size else { return nil }
    var value = 0
    for index in 0..<size { value |= Int(answer[9 + index]) << (8 * index) }
    let sign = 1 << (8 * size - 1)
    return value & sign != 0 && size > 1 ? value - 2 * sign : value
  }

  /// Status byte of a short write; nil when nobody answered.
  func write1(_ id: UInt8, _ address: Int, _ value: Int, size: Int, bigEndian: Bool = false) -> UInt8? {
    var data = (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    if bigEndian { data.reverse() }
    let answer = exchange(Host.short(id, 3, [UInt8(address)] + data))
    return answer.count > 4 ? answer[4] : nil
  }

  /// Raw bits of a short register.
  func read1(_ id: UInt8, _ address: Int, size: Int, bigEndian: Bool = false) -> Int? {
    let answer = exchange(Host.short(id, 2, [UInt8(address), UInt8(size)]))
    guard answer.count == 6 + size else { return nil }
    var data = Array(answer[5..<(5 + size)])
    if bigEndian { data.reverse() }
    return data.enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
  }
}
