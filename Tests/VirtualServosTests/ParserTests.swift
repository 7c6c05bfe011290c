import Numerics
import Testing
import VirtualServos

/// What the servos make of damaged, cut and random bytes.
@Suite struct ParserTests {
  /// Every family in turn.
  static let models = ["xl330-m288", "xm430-w350", "sts3215-7v4", "scs0009", "ax-12a"]

  private func ping(_ model: String, id: UInt8 = 1) -> [UInt8] {
    model.hasPrefix("x") ? Host.long(id, 1, []) : Host.short(id, 1, [])
  }

  @Test("a frame cut anywhere is forgotten after silence, and the next one is understood", arguments: models)
  func cutFrames(model: String) throws {
    let host = try Host(model)
    let ping = ping(model)
    let answer = host.exchange(ping)
    #expect(!answer.isEmpty)
    for count in 1..<ping.count {
      #expect(host.exchange(Array(ping[..<count])).isEmpty)
      #expect(host.exchange(ping) == answer)
    }
  }

  @Test("a frame behind a cut one, without a pause, is understood or lost; the one after that is understood")
  func noPause() throws {
    for model in Self.models {
      let host = try Host(model)
      let ping = ping(model)
      let answer = host.exchange(ping)
      for count in 1..<ping.count {
        host.bus.send(Array(ping[..<count]) + ping, at: host.now)
        #expect(host.exchange(ping).suffix(answer.count) == answer[...])
        host.wait(0.02)
      }
    }
  }

  @Test("every single flipped bit of an instruction is caught", arguments: models)
  func singleBits(model: String) throws {
    let host = try Host(model)
    let write =
      model.hasPrefix("x")
      ? Host.long(1, 3, [116, 0, 0xE8, 3, 0, 0])
      : Host.short(
        1, 3, model.hasPrefix("ax") ? [30, 0x2C, 1] : model.hasPrefix("scs") ? [42, 1, 0x2C] : [42, 0xE8, 3])
    let address = model.hasPrefix("x") ? 116 : model.hasPrefix("ax") ? 30 : 42
    let before = try #require(host.bus.register(0, at: address))
    for bit in 0..<(8 * write.count) {
      var damaged = write
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      _ = host.exchange(damaged)
      #expect(host.bus.register(0, at: address) == before, "bit \(bit)")
    }
    _ = host.exchange(write)
    #expect(host.bus.register(0, at: address) != before)
  }

  @Test("a header inside the parameters belongs to the frame")
  func headerInside() throws {
    let host = try Host("sts3215-7v4")
    // Acceleration, goal 0xFFFF, time 0xFFFF, speed: FF FF in the middle.
    let answer = host.exchange(Host.short(1, 3, [41, 10, 0xFF, 0xFF, 0x01, 0x02, 0x05, 0x00]))
    #expect(hex(answer) == "FF FF 01 02 00 FC")
    #expect(host.bus.register(0, at: 46) == 5)
    // Ids, data and length that look like the beginning of a header.
    #expect(hex(host.exchange([0xFF, 0xFF] + Host.short(1, 1, []))) == "FF FF 01 02 00 FC")
  }

  @Test("10^5 random streams trap nowhere, and the servo listens afterwards", arguments: models)
  func randomStreams(model: String) throws {
    let physics = IndependentJoints(Array(repeating: .init(), count: 2), stepNanoseconds: 6_000_000)
    let host = try Host(model, count: 2, physics: physics)
    var random = RandomStream(seed: 7, name: "parser test")
    let ping = ping(model)
    for round in 0..<20_000 {
      var stream: [UInt8] = []
      for _ in 0..<Int(random.bits() % 24) {
        // Half of the bytes are those that frames are made of.
        let bits = random.bits()
        let pieces: [UInt8] = [0xFF, 0xFF, 0xFD, 0x00, 0x01, 0xFE, 0x03, 0x82]
        stream.append(bits & 1 == 0 ? pieces[Int(bits >> 8) & 7] : UInt8(truncatingIfNeeded: bits >> 16))
      }
      if round % 3 == 0 {
        // A valid frame with random content: every instruction with every kind of parameters.
        let count = Int(random.bits() % 12)
        let parameters = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.bits()) }
        let code = UInt8(truncatingIfNeeded: random.bits() % 0xA0)
        let id: UInt8 = random.bits() & 1 == 0 ? 1 : 0xFE
        // Left out: what takes the servo off the bus for good.
        let isFinal = code == 8 || code == 6
        if !isFinal {
          stream += model.hasPrefix("x") ? Host.long(id, code, parameters) : Host.short(id, code, parameters)
        }
      }
      host.bus.send(stream, at: host.now)
      host.now += 6_000_000
      _ = host.bus.read(at: host.now)
    }
    // Random writes may have changed ids and answer levels; the line itself must still be understood.
    let before = host.bus.state.counts.instructions
    _ = host.exchange(ping)
    #expect(host.bus.state.counts.instructions == before + 1)
  }

  @Test("mutated exchanges trap nowhere and change nothing they should not", arguments: models)
  func mutations(model: String) throws {
    let host = try Host(model)
    var random = RandomStream(seed: 11, name: "mutation test")
    let ping = ping(model)
    for _ in 0..<5000 {
      var frame = ping
      for _ in 0...Int(random.bits() % 3) {
        let place = Int(random.bits() % UInt64(frame.count))
        switch random.bits() % 3 {
        case 0: frame[place] = UInt8(truncatingIfNeeded: random.bits())
        case 1: frame.insert(UInt8(truncatingIfNeeded: random.bits()), at: place)
        default: if frame.count > 1 { frame.remove(at: place) }
        }
      }
      host.bus.send(frame, at: host.now)
      host.now += 6_000_000
      _ = host.bus.read(at: host.now)
    }
    #expect(!host.exchange(ping).isEmpty)
    #expect(host.bus.state.servos[0].id == 1)
  }
}
