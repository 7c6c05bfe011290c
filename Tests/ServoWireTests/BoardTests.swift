import Numerics
import ServoWire
import ServoWireTestSupport
import Testing

@Suite
struct BoardTests {
  @Test("a board in Swift and one in C do the same, whatever a host says", arguments: [1, 6, 16])
  func differential(channels: Int) {
    let outcome = compareBoards(seed: UInt64(100 + channels), channels: channels, frames: 3000)
    #expect(outcome.difference == nil)
    #expect(outcome.states.count >= 7 && outcome.movements > 30 && outcome.answers > 2000)
  }

  @Test("a channel never exceeds rate, acceleration or limits, and arrives", arguments: 0..<20)
  func limiter(seed: Int) throws {
    var random = RandomStream(seed: UInt64(seed), name: "servo wire limiter")
    func below(_ bound: UInt64) -> UInt16 { UInt16(random.bits() % bound) }
    let (rate, acceleration) = (50 + below(19_950), 50 + below(seed < 10 ? 500 : 60_000))
    let board = SwiftBoard(TestIdentity(channels: 1), memory: [UInt8](repeating: 255, count: 1024))
    let inputs = TestInputs()
    var nowUs: UInt32 = 0
    var number: UInt8 = 0
    func say(_ frame: [UInt8]) { for byte in frame { _ = board.feed(byte, nowUs: nowUs) } }
    func setpoint(_ target: UInt16) {
      number &+= 1
      say(HostFrames.setpoint(0x1234, mask: 1, targets: [target], sequence: number))
    }
    /// One tick of the limiter, and the pulse after it, µs.
    func tick() -> Double {
      nowUs += 5000
      _ = board.step(inputs, nowUs: nowUs)
      return Double(board.sight.pulses[0]) / 4
    }
    for _ in 0..<3 { nowUs += 5000; _ = board.step(inputs, nowUs: nowUs) }
    say(HostFrames.hello(0x1234))
    say(HostFrames.set(0x1234, HostFrames.usable(0, rate: rate, acceleration: acceleration), sequence: 1))
    say(HostFrames.request(ArmMessage.type, 0x1234, sequence: 2))
    setpoint(6000)
    try #require(board.sight.state == WireState.active.wireValue)

    var (position, speed) = (1500.0, 0.0)
    var target: UInt16 = 6000
    for step in 0..<4000 {
      if step % 40 == 0 && step < 2000 { target = 3000 + below(6000) }
      setpoint(target)
      let next = tick()
      let nextSpeed = (next - position) / 0.005
      // A pulse is rounded to 0.25 µs: a speed is uncertain by 0.25 µs in 5 ms, a change of speed by twice that.
      #expect(abs(nextSpeed) <= Double(rate) + 50.1)
      #expect(abs(nextSpeed - speed) <= Double(acceleration) * 10 * 0.005 + 100.1)
      #expect(next >= 1000 && next <= 2000)
      (position, speed) = (next, nextSpeed)
    }
    if rate > 200 { #expect(position == Double(min(8000, max(4000, target))) / 4) }
  }

  @Test("the state of the C core for 16 channels is less than 1 KiB on this processor too")
  func memory() { #expect(CBoard.stateSize < 1024) }
}
