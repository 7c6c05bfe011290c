import ArmModel
import Configuration
import TestSupport
import Testing

@testable import Gamepads

/// Pads recorded with evemu, replayed.
@Suite struct PadRecordingTests {
  @Test func `A recorded pad of another maker is recognised, and its holder's sticks come out`() throws {
    let recording = try PadRecording(path: Fixtures.url("gamepads/madcatz-x360.evemu").path)
    #expect(recording.identity.model == "0738:4716")
    #expect(recording.capabilities.keys.count == 11 && recording.capabilities.axes.count == 8)
    #expect(recording.events.count == 500)
    let moments = try recording.moments(PadMapper(userFolder: nil))
    #expect(moments.last?.input.status.has(.present) == true)
    #expect(zip(moments, moments.dropFirst()).allSatisfy { $0.time <= $1.time && $1.time - $0.time <= 10_000_000 })
  }

  @Test func `The square that ships holds enable once, with the sticks at rest`() throws {
    let moments = try PadRecording(path: PadRecording.path(of: "square")).moments(PadMapper(userFolder: nil))
    let last = try #require(moments.last).input
    #expect(last.presses[Int(OperatorRole.enable.rawValue)] == 1)
    #expect(last.presses[Int(OperatorRole.start.rawValue)] == 2)
    #expect(last.presses[Int(OperatorRole.success.rawValue)] == 1)
    #expect(moments.contains { $0.input.status.has(.neutralAtEnable) })
    #expect(moments.map(\.input.leftX).min() == -1 && moments.map(\.input.rightY).max() == 1)
  }

  @Test(
    "What is wrong with a recording is said with its line",
    arguments: [
      ("I: 0003 045e\n", "bad.evemu:1: an identity is four hexadecimal numbers"),
      ("# x\nE: 0.5 0003 0000 1\n", "bad.evemu:2: an event is a time in s"),
      ("E: 1.000000 0003 0000 1\nE: 0.500000 0000 0000 0\n", "bad.evemu:2: the events' times go backwards"),
      ("A: 00 5 5 0 0\n", "bad.evemu:1: an axis is its code"), ("Q: 1\n", "bad.evemu:1: 'Q:' is no line"),
      ("N: pad\n", "bad.evemu: a recording needs a pad's identity"),
    ])
  func problems(_ text: String, _ message: String) {
    let error = #expect(throws: ConfigurationError.self) { _ = try PadRecording(text: text, file: "bad.evemu") }
    #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "none")")
  }
}
