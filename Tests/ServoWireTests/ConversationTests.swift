import Foundation
import ServoWire
import ServoWireTestSupport
import Testing

/// What vectors/conversations.json says, played to both kinds of board.
@Suite
struct ConversationTests {
  enum Kind: String, CaseIterable { case swift, c }

  struct Conversation: CustomTestStringConvertible, Sendable {
    let name: String
    let index: Int
    var testDescription: String { name }
  }

  static let conversations: [Conversation] =
    (try? SchemaCodec.json("vectors/conversations.json") as? [SchemaCodec.Object])?.enumerated().map {
      Conversation(name: $1["name"] as? String ?? "?", index: $0)
    } ?? []

  @Test("there are conversations")
  func areThere() { #expect(Self.conversations.count >= 34) }

  @Test("a board answers as the conversation says", arguments: Self.conversations, Kind.allCases)
  func conversation(_ conversation: Conversation, kind: Kind) throws {
    let all = try #require(try SchemaCodec.json("vectors/conversations.json") as? [SchemaCodec.Object])
    let channels = try #require(all[conversation.index]["channels"] as? Int)
    var player = Player(codec: try SchemaCodec(), kind: kind, channels: channels)
    for step in try #require(all[conversation.index]["steps"] as? [SchemaCodec.Object]) { try player.play(step) }
  }
}

private struct Player {
  let codec: SchemaCodec
  let kind: ConversationTests.Kind
  let channels: Int
  var board: any TestBoard
  // A clock that wraps in the middle of most conversations.
  var nowUs: UInt32 = 0 &- 60_000
  var inputs = TestInputs()
  var storeFails = false

  init(codec: SchemaCodec, kind: ConversationTests.Kind, channels: Int) {
    (self.codec, self.kind, self.channels) = (codec, kind, channels)
    board = Self.make(kind, channels, [UInt8](repeating: 255, count: 1024), nowUs)
  }

  static func make(_ kind: ConversationTests.Kind, _ channels: Int, _ memory: [UInt8], _ nowUs: UInt32) -> any TestBoard
  {
    switch kind {
    case .swift: SwiftBoard(TestIdentity(channels: channels), memory: memory, nowUs: nowUs)
    case .c: CBoard(TestIdentity(channels: channels), memory: memory, nowUs: nowUs)
    }
  }

  mutating func play(_ step: SchemaCodec.Object) throws {
    if let milliseconds = step["wait_ms"] as? Int {
      var sent: [String] = []
      for _ in 0..<milliseconds {
        nowUs &+= 1000
        let frame = board.step(inputs, nowUs: nowUs)
        if !frame.isEmpty { sent.append(try decode(frame).name) }
        for _ in 0..<5 where !board.storeNext(isWorking: !storeFails) { break }
      }
      #expect(sent == step["sends"] as? [String], "while waiting \(milliseconds) ms")
    } else if let change = step["inputs"] as? SchemaCodec.Object {
      if let isOpen = change["estop_open"] as? Bool { inputs.isEstopOpen = isOpen }
      if let hasFault = change["fault"] as? Bool { inputs.hasFault = hasFault }
      if let voltage = change["voltage_mv"] as? Int { inputs.voltageMv = UInt16(voltage) }
      if let fails = change["store_fails"] as? Bool { storeFails = fails }
    } else if step["power_cycle"] != nil {
      board = Self.make(kind, channels, board.memory, nowUs)
    } else if let wanted = step["expect"] as? SchemaCodec.Object {
      try check(wanted)
    } else {
      try exchange(step)
    }
  }

  private func check(_ wanted: SchemaCodec.Object) throws {
    let sight = board.sight
    if let state = wanted["state"] as? String {
      #expect(Int(sight.state) == (try codec.value("state", state)), "\(state)")
    }
    if let cause = wanted["cause"] as? String {
      #expect(Int(sight.cause) == (try codec.value("cause", cause)), "\(cause)")
    }
    if let pulses = wanted["pulses"] as? [Int] { #expect(sight.pulses.map(Int.init) == pulses) }
    if let rail = wanted["rail"] as? Bool { #expect(sight.rail == rail) }
  }

  private mutating func exchange(_ step: SchemaCodec.Object) throws {
    let sequence = UInt8(step["sequence"] as? Int ?? 0)
    let frame: [UInt8]
    if let type = step["send_type"] as? Int {
      frame = HostFrames.raw(UInt8(type), sequence, bytes(hex: step["payload"] as? String ?? ""))
    } else {
      let name = try #require(step["send"] as? String)
      let payload = try codec.payload(name, step["fields"] as? SchemaCodec.Object ?? [:])
      frame = HostFrames.raw(try codec.type(name), sequence, payload)
    }
    var answers: [[UInt8]] = []
    for byte in frame {
      let answer = board.feed(byte, nowUs: nowUs)
      if !answer.isEmpty { answers.append(answer) }
    }
    guard let wanted = step["answer"] as? String else {
      #expect(answers.isEmpty, "\(step)")
      return
    }
    try #require(answers.count == 1, "\(step)")
    let answer = try decode(answers[0])
    try #require(answer.name == wanted, "\(step) was answered \(answer)")
    for (key, value) in step["with"] as? SchemaCodec.Object ?? [:] {
      #expect(answer.fields[key] == (try codec.expected(wanted, key, value)), "\(key) after \(step)")
    }
    if wanted == "RESULT" { #expect(answer.sequence == sequence) }
  }

  private func decode(_ frame: [UInt8]) throws -> (name: String, sequence: UInt8, fields: [String: [UInt64]]) {
    var receiver = FrameReceiver()
    var found: FrameBody?
    for byte in frame { if case .frame = receiver.take(byte) { found = receiver.body } }
    let body = try #require(found, "the board sent no whole frame: \(frame)")
    let name = try #require(codec.name(body.type))
    let payload = (0..<body.payloadCount).map { body.payloadByte($0) }
    return (name, body.sequence, try codec.fields(of: name, payload))
  }
}
