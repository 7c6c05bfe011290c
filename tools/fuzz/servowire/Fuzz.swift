// Feeds arbitrary bytes, messages, times and inputs to the board's side of the firmware protocol in Swift and in C.
// Whatever comes, nothing traps, no access is bad, and the two send the same bytes and put out the same pulses.
//
// The input is a list of steps, the first byte of each says which: bytes as they are, a message with its right framing
// and CRC, time that passes, inputs that change, bytes of the configuration store.
import ServoWire

private let hostTypes: [UInt8] = [
  0x01, 0x02, 0x03, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x30, 0x31, 0x32, 0x33,
]

private struct Steps {
  let bytes: UnsafeBufferPointer<UInt8>
  var at = 0

  var isOver: Bool { at >= bytes.count }

  mutating func next() -> UInt8 {
    defer { at += 1 }
    return at < bytes.count ? bytes[at] : 0
  }
}

/// A message whose first fields are mostly what a host would send, so that more than its refusal is reached.
private func message(_ steps: inout Steps) -> [UInt8] {
  let choice = steps.next()
  let type = choice & 0x80 != 0 ? choice & 0x7F : hostTypes[Int(choice) % hostTypes.count]
  var body = FrameBody()
  body.begin(type, steps.next())
  let count = Int(steps.next()) % 93
  var payload = (0..<count).map { _ in steps.next() }
  let isHonest = choice & 0x40 == 0
  if isHonest && type == 0x01 && count >= 8 {
    payload.replaceSubrange(0..<8, with: [1, 0] + bytes(of: WireSchema.hash, 4) + [7, 0])
  } else if isHonest && type >= 0x10 && type < 0x30 && count >= 2 {
    payload.replaceSubrange(0..<2, with: [7, 0])
  }
  for byte in payload { body.append8(byte) }
  body.seal()
  let frame = WireFrame(body)
  return (0..<frame.count).map { frame[$0] }
}

private func bytes(of value: UInt32, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
}

/// A store that holds six channels ready to move, so that the arm can be armed at once.
private let configured: [UInt8] = {
  var memory = [UInt8](repeating: 0xFF, count: 2 * WireSchema.slotBytes)
  let board = CBoard(TestIdentity(channels: 6), memory: memory)
  var now: UInt32 = 0
  func pass() {
    now &+= 6000
    _ = board.step(TestInputs(), nowUs: now)
  }
  func send(_ type: UInt8, _ sequence: UInt8, _ payload: [UInt8]) {
    var body = FrameBody()
    body.begin(type, sequence)
    for byte in payload { body.append8(byte) }
    body.seal()
    let frame = WireFrame(body)
    for index in 0..<frame.count { _ = board.feed(frame[index], nowUs: now) }
  }
  pass()
  pass()
  send(0x01, 0, [1, 0] + bytes(of: WireSchema.hash, 4) + [7, 0])
  for channel in 0..<6 as Range<UInt32> {
    let values: [UInt32] = [1, 4000, 8000, 4000, 6000, 6000]
    let key = 0x100 + 16 * channel
    let pairs = values.enumerated().flatMap { bytes(of: key + UInt32($0.offset) | $0.element << 16, 4) }
    send(0x24, UInt8(channel), [7, 0] + pairs)
  }
  send(0x25, 9, [7, 0])
  while board.storeNext(isWorking: true) {}
  memory = board.memory
  return memory
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var steps = Steps(bytes: UnsafeBufferPointer(start: data, count: count))
  let first = steps.next()
  let memory = first & 1 == 0 ? configured : [UInt8](repeating: first, count: 2 * WireSchema.slotBytes)
  let identity = TestIdentity(channels: first & 2 == 0 ? 6 : Int(first >> 4) + 1)
  let start = first & 4 == 0 ? 0 : UInt32.max - 100_000  // the clock runs over soon
  let boards: [any TestBoard] = [
    SwiftBoard(identity, memory: memory, nowUs: start), CBoard(identity, memory: memory, nowUs: start),
  ]
  var now = start
  var inputs = TestInputs()

  func both(_ act: (any TestBoard) -> [UInt8]) {
    let answers = boards.map(act)
    precondition(answers[0] == answers[1], "the boards answer \(answers[0]) and \(answers[1])")
    precondition(boards[0].sight == boards[1].sight, "the boards are \(boards[0].sight) and \(boards[1].sight)")
  }
  func pass(_ us: UInt32) {
    now &+= us
    both { $0.step(inputs, nowUs: now) }
  }
  func feed(_ bytes: [UInt8]) {
    for byte in bytes {
      now &+= 10
      both { $0.feed(byte, nowUs: now) }
    }
  }

  pass(1)
  pass(WireSchema.estopDebounceUs)
  while !steps.isOver {
    let step = steps.next()
    switch step & 7 {
    case 0: feed((0..<Int(step >> 3)).map { _ in steps.next() })
    case 1, 2, 3: feed(message(&steps))
    case 4: for _ in 0...(step >> 3) { pass(1000) }
    case 5: pass(UInt32(step >> 3) * 50_000)
    case 6:
      inputs.isEstopOpen = step & 0x08 != 0
      inputs.hasFault = step & 0x18 == 0x10
      inputs.voltageMv = UInt16(steps.next()) << 6
      inputs.feedback = step & 0x20 == 0 ? [] : (0..<UInt16(identity.channels)).map { $0 }
      pass(1)
    default:
      if step & 0x80 != 0 {
        both {
          $0.bytesWereLost()
          return []
        }
      }
      for _ in 0...(step >> 3 & 15) {
        both { [$0.storeNext(isWorking: step & 0xF8 != 0xF8) ? 1 : 0] }
      }
    }
  }
  precondition(boards[0].memory == boards[1].memory, "the boards stored different settings")
  return 0
}
