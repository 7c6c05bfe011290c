import CSystem
import Foundation
import ServoBus
import Testing

/// A few servos with registers of one byte each, as far as these tests need them.
private final class Registers: @unchecked Sendable {
  // Unchecked: used by the responder's thread only, until it is joined.
  var servos: [UInt8: [UInt8]]
  var log: [[UInt8]] = []
  init(_ ids: [UInt8], size: Int = 200) {
    servos = Dictionary(uniqueKeysWithValues: ids.map { ($0, [UInt8](repeating: 0, count: size)) })
  }

  func reply(_ wire: WireProtocol, _ request: Request) -> [UInt8] {
    log.append(request.raw)
    guard var registers = servos[request.id] else { return [] }
    let p = request.parameters
    let width = wire == .dynamixel2 ? 2 : 1
    func number(_ index: Int) -> Int { Int(p[index]) + (width == 2 ? 256 * Int(p[index + 1]) : 0) }
    switch request.instruction {
    case 1:
      return answer(wire, id: request.id, wire == .dynamixel2 ? [registers[0], registers[1], registers[6]] : [])
    case 2: return answer(wire, id: request.id, Array(registers[number(0)..<(number(0) + number(width))]))
    case 3:
      // An id that is written takes effect at once.
      let idAddress = wire == .dynamixel2 ? 7 : 5
      if number(0) == idAddress, wire != .dynamixel2 || registers[64] == 0, wire == .dynamixel2 || registers[55] == 0 {
        registers[idAddress] = p[width]
        servos[request.id] = nil
        servos[p[width]] = registers
        return answer(wire, id: request.id, [])
      }
      if wire == .dynamixel2, number(0) < 64, registers[64] == 1 { return answer(wire, id: request.id, status: 7, []) }
      let data = p[width...]
      registers.replaceSubrange(number(0)..<(number(0) + data.count), with: data)
      servos[request.id] = registers
      return answer(wire, id: request.id, [])
    default: return answer(wire, id: request.id, [])
    }
  }
}

@Suite
struct OperationTests {
  private func withServos(
    _ wire: WireProtocol, _ ids: [UInt8], setUp: (Registers) -> Void = { _ in },
    distort: @escaping (Int, [UInt8], Request) -> [Reply] = { _, reply, _ in [Reply(bytes: reply)] },
    _ body: (inout BusMaster) throws -> Void
  ) throws {
    let registers = Registers(ids)
    setUp(registers)
    let (descriptor, responder) = try Responder.start { pending, number in
      guard let request = Request.take(wire, from: &pending) else { return [] }
      return distort(number, registers.reply(wire, request), request)
    }
    do {
      var master = try makeMaster(descriptor, wire, latency: 60_000_000, silence: 60_000_000)
      try body(&master)
    }
    responder.join()
  }

  @Test("pinging tells model and firmware; scanning finds who is there")
  func ping() throws {
    try withServos(
      .dynamixel2, [1, 7], setUp: { $0.servos[1]?.replaceSubrange(0..<7, with: [0xB0, 4, 0, 0, 0, 0, 52]) }
    ) {
      let found = try $0.ping(1)
      #expect(found == PingAnswer(id: 1, modelNumber: 1200, firmware: "52", status: 0))
      #expect(try $0.scan([1, 2, 7]).map(\.id) == [1, 7])
    }
    try withServos(.feetechSTS, [2], setUp: { $0.servos[2]?.replaceSubrange(0..<5, with: [3, 10, 0, 9, 3]) }) {
      let found = try $0.ping(2)
      #expect(found == PingAnswer(id: 2, modelNumber: 777, firmware: "3.10", status: 0))
    }
    try withServos(.feetechSCS, [2], setUp: { $0.servos[2]?.replaceSubrange(0..<5, with: [3, 10, 1, 5, 4]) }) {
      let found = try $0.ping(2)
      #expect(found.modelNumber == 1284)
    }
  }

  @Test("registers are written, read back, and compared", arguments: WireProtocol.allCases)
  func registers(wire: WireProtocol) throws {
    try withServos(wire, [3]) {
      try $0.write(3, address: 100, [1, 2, 3, 4])
      #expect(try $0.read(3, address: 99, count: 6) == [0, 1, 2, 3, 4, 0])
      try $0.writeVerified(3, address: 110, [9])
    }
  }

  @Test("a servo that is not there is named, with what to check")
  func silence() throws {
    try withServos(.feetechSTS, [1]) { master in
      let error = try #require(throws: BusError.self) { try master.read(4, address: 56, count: 2) }
      #expect(error.kind == .noAnswer)
      #expect(error.description.contains("servo 4 did not answer") && error.description.contains("1000000 baud"))
      #expect(master.counters.timeouts == 3 && master.counters.retries == 2)
    }
  }

  @Test("a refusal is told in words")
  func refusal() throws {
    try withServos(.dynamixel2, [1], setUp: { $0.servos[1]?[64] = 1 }) { master in
      let error = try #require(throws: BusError.self) { try master.write(1, address: 7, [2]) }
      #expect(error.kind == .refused)
      #expect(
        error.description
          == "servo 1 refused to write 1 byte at 7: access error (read-only, undefined, or torque is on); switch its torque off first"
      )
    }
  }

  @Test("Feetech's status bits are states: an overloaded servo is still read")
  func overloaded() throws {
    try withServos(
      .feetechSTS, [1], distort: { _, _, request in [Reply(bytes: answer(.feetechSTS, id: 1, status: 0x20, [7, 8]))] }
    ) {
      let data = try $0.read(1, address: 56, count: 2)
      #expect(data == [7, 8])
    }
    #expect(StatusText.meanings(0x21, .feetechSTS) == ["voltage", "overload"])
  }

  @Test("an echo is not an answer, although it looks like one", arguments: WireProtocol.allCases)
  func echo(wire: WireProtocol) throws {
    // Only the echo comes back: nobody is there.
    try withServos(wire, [1], distort: { _, _, request in [Reply(bytes: request.raw)] }) { master in
      #expect(throws: BusError.self) { try master.ping(1) }
      #expect(throws: BusError.self) { try master.read(1, address: 10, count: 2) }
      #expect(master.counters.echoes == 6 && master.counters.answers == 0)
    }
    // Echo, then the answer.
    try withServos(wire, [1], distort: { _, reply, request in [Reply(bytes: request.raw + reply)] }) { master in
      try master.write(1, address: 100, [5, 6])
      #expect(try master.read(1, address: 100, count: 2) == [5, 6])
      #expect(master.counters.echoes == 2 + master.counters.retries)
    }
  }

  @Test("a write that did not take is an error")
  func notTaken() throws {
    try withServos(
      .feetechSTS, [1],
      distort: { _, reply, request in
        [Reply(bytes: request.instruction == 2 ? answer(.feetechSTS, id: 1, [0]) : reply)]
      }
    ) { master in
      let error = try #require(throws: BusError.self) { try master.writeVerified(1, address: 5, [9]) }
      #expect(error.kind == .notTaken)
    }
  }

  @Test("the latency that is measured becomes part of the deadlines")
  func latency() throws {
    try withServos(
      .feetechSTS, [1], distort: { _, reply, _ in [Reply(pause: 3_000_000, bytes: reply)] }
    ) { master in
      master.timing.latency = 200_000_000
      let latency = try master.measureLatency(1, address: 40, samples: 10)
      #expect(latency >= 2_000_000 && master.timing.latency >= 2 * latency)
    }
  }

  @Test("a servo gets another id, unless that id is taken", arguments: [ServoModel.sts3215, .xl330M288])
  func setID(model: ServoModel) throws {
    let torque = model.wire == .dynamixel2 ? 64 : 40
    try withServos(
      model.wire, [1, 2],
      setUp: { registers in
        for id in [1, 2] as [UInt8] { registers.servos[id]?[torque] = 1 }
        if model.wire == .feetechSTS { for id in [1, 2] as [UInt8] { registers.servos[id]?[55] = 1 } }
      }
    ) { master in
      let error = try #require(throws: BusError.self) { try master.setID(1, to: 2, model: model) }
      #expect(error.kind == .ambiguous)
      try master.setID(1, to: 7, model: model)
      #expect(try master.scan([1, 2, 7]).map(\.id) == [2, 7])
      #expect(try master.readRegister(7, "torque_enable", of: model) == 0)
      if model.wire == .feetechSTS { #expect(try master.readRegister(7, "lock", of: model) == 1) }
    }
  }

  @Test("registers are checked before anything is sent")
  func checkedRegisters() throws {
    try withServos(.feetechSTS, [1], setUp: { $0.servos[1]?[40] = 1 }) { master in
      let model = ServoModel.sts3215
      for (name, value) in [("present_position", 1), ("homing_offset", 2048), ("homing_ofset", 1), ("id", -1)] {
        let error = try #require(throws: BusError.self) { try master.writeRegister(1, name, of: model, to: value) }
        #expect(error.kind == .invalidRequest)
      }
      // Torque is on.
      let error = try #require(throws: BusError.self) {
        try master.writeRegister(1, "homing_offset", of: model, to: -85)
      }
      #expect(error.description.contains("torque_enable 0"))
      try master.writeRegister(1, "torque_enable", of: model, to: 0)
      try master.writeRegister(1, "homing_offset", of: model, to: -85)
      #expect(try master.readRegister(1, "homing_offset", of: model) == -85)
      #expect(try master.readRegister(1, "lock", of: model) == 1)
      let wrongSpeed = try #require(throws: BusError.self) { try master.setBaud(1, to: 3_000_000, model: model) }
      #expect(wrongSpeed.description.contains("1000000, 500000"))
      try master.setBaud(1, to: 500_000, model: model)
      #expect(try master.readRegister(1, "baud_rate", of: model) == 1)
    }
  }
}
