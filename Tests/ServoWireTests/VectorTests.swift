import Foundation
import Numerics
import ServoWire
import ServoWireTestSupport
import TestSupport
import Testing

/// How many random streams the receiver gets: SINEW_SERVO_WIRE_STREAMS, 1,000,000 by default.
private let streamCount =
  ProcessInfo.processInfo.environment["SINEW_SERVO_WIRE_STREAMS"].flatMap { Int($0) } ?? 1_000_000

/// All that a receiver tells of a stream; of good frames type, sequence and payload, as hexadecimal.
private func events(_ stream: [UInt8]) -> [String] {
  var receiver = FrameReceiver()
  var found: [String] = []
  for byte in stream {
    switch receiver.take(byte) {
    case .nothing: break
    case .frame: found.append(hex(receiver.body))
    case .wrongCRC: found.append("wrong crc")
    case .brokenFrame: found.append("broken")
    case .tooLong: found.append("too long")
    }
  }
  return found
}

private func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }

/// Without the CRC.
private func hex(_ body: FrameBody) -> String {
  let head = [body.type, body.sequence] + (0..<body.payloadCount).map { body.payloadByte($0) }
  return hex(head)
}

@Suite
struct VectorTests {
  @Test("every frame of the vectors is read, and made again byte by byte from its payload")
  func frames() throws {
    let rows = try #require(try SchemaCodec.json("vectors/frames.json") as? [SchemaCodec.Object])
    #expect(rows.count > 150)
    for row in rows {
      let name = try #require(row["name"] as? String)
      let payload = bytes(hex: try #require(row["payload"] as? String))
      let wire = bytes(hex: try #require(row["wire"] as? String))
      let (type, sequence) = (UInt8(row["type"] as? Int ?? 0), UInt8(row["sequence"] as? Int ?? 0))
      #expect(HostFrames.raw(type, sequence, payload) == wire, "\(name)")
      #expect(events(wire) == [hex([type, sequence] + payload)], "\(name)")
    }
  }

  @Test("every message of the vectors is decoded and encoded by its Swift type")
  func messages() throws {
    let rows = try #require(try SchemaCodec.json("vectors/frames.json") as? [SchemaCodec.Object])
    var kinds: Set<String> = []
    for row in rows {
      let name = try #require(row["message"] as? String)
      let wire = bytes(hex: try #require(row["wire"] as? String))
      var receiver = FrameReceiver()
      for byte in wire { _ = receiver.take(byte) }
      #expect(try again(name, receiver.body) == wire, "\(row["name"] ?? name)")
      kinds.insert(name)
    }
    #expect(kinds.count == (try SchemaCodec().messages.count))
  }

  /// A body decoded into its message, and a frame made of that.
  private func again(_ name: String, _ body: FrameBody) throws -> [UInt8] {
    var copy = FrameBody()
    let sequence = body.sequence
    switch name {
    case "HELLO": try #require(HelloMessage(body)).write(to: &copy, sequence: sequence)
    case "HELLO_ACK": try #require(HelloAckMessage(body)).write(to: &copy, sequence: sequence)
    case "GET_INFO": try #require(GetInfoMessage(body)).write(to: &copy, sequence: sequence)
    case "INFO": try #require(InfoMessage(body)).write(to: &copy, sequence: sequence)
    case "ESTOP": try #require(EstopMessage(body)).write(to: &copy, sequence: sequence)
    case "SETPOINT": try #require(SetpointMessage(body)).write(to: &copy, sequence: sequence)
    case "STATE": try #require(StateMessage(body)).write(to: &copy, sequence: sequence)
    case "ARM": try #require(ArmMessage(body)).write(to: &copy, sequence: sequence)
    case "CLEAR": try #require(ClearMessage(body)).write(to: &copy, sequence: sequence)
    case "STOP": try #require(StopMessage(body)).write(to: &copy, sequence: sequence)
    case "DISARM": try #require(DisarmMessage(body)).write(to: &copy, sequence: sequence)
    case "CONFIG_SET": try #require(ConfigSetMessage(body)).write(to: &copy, sequence: sequence)
    case "CONFIG_COMMIT": try #require(ConfigCommitMessage(body)).write(to: &copy, sequence: sequence)
    case "CONFIG_DEFAULTS": try #require(ConfigDefaultsMessage(body)).write(to: &copy, sequence: sequence)
    case "RESULT": try #require(ResultMessage(body)).write(to: &copy, sequence: sequence)
    case "TIME_REQ": try #require(TimeReqMessage(body)).write(to: &copy, sequence: sequence)
    case "TIME": try #require(TimeMessage(body)).write(to: &copy, sequence: sequence)
    case "CONFIG_GET": try #require(ConfigGetMessage(body)).write(to: &copy, sequence: sequence)
    case "CONFIG": try #require(ConfigMessage(body)).write(to: &copy, sequence: sequence)
    case "STATS_REQ": try #require(StatsReqMessage(body)).write(to: &copy, sequence: sequence)
    case "STATS": try #require(StatsMessage(body)).write(to: &copy, sequence: sequence)
    case "STATE_REQ": try #require(StateReqMessage(body)).write(to: &copy, sequence: sequence)
    default: Issue.record("no Swift type for \(name)")
    }
    return HostFrames.wire(copy)
  }

  @Test("streams with errors in them give what the reference finds, and nothing else")
  func streams() throws {
    let rows = try #require(try SchemaCodec.json("vectors/streams.json") as? [SchemaCodec.Object])
    #expect(rows.count >= 220)
    for row in rows {
      let wanted = try #require(row["events"] as? [String])
      // The reference gives whole bodies; the CRC, their last four digits, has been checked by the receiver.
      let bodies = wanted.map { ["wrong crc", "broken", "too long"].contains($0) ? $0 : String($0.dropLast(4)) }
      #expect(events(bytes(hex: try #require(row["stream"] as? String))) == bodies, "\(row["name"] ?? "")")
    }
  }

  @Test(
    "what generator and reference make is in the repository as they make it",
    arguments: ["generate.py", "reference.py"])
  func fresh(script: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-B", SchemaCodec.folder.appendingPathComponent(script).path, "--check"]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }
}

@Suite
struct ReceiverPropertyTests {
  private func payload(_ random: inout RandomStream) -> [UInt8] {
    let isSparse = random.bits() & 1 == 0
    return (0..<Int(random.bits() % 93)).map { _ in
      let byte = UInt8(truncatingIfNeeded: random.bits())
      return isSparse && byte > 60 ? 0 : byte
    }
  }

  @Test("any payload comes back as it went in, whatever stands before it and a zero")
  func roundTripAndResynchronisation() {
    var random = RandomStream(seed: 1, name: "servo wire round trip")
    for _ in 0..<3000 {
      let (type, sequence) = (UInt8(truncatingIfNeeded: random.bits()), UInt8(truncatingIfNeeded: random.bits()))
      let payload = payload(&random)
      let frame = HostFrames.raw(type, sequence, payload)
      #expect(frame.dropLast().allSatisfy { $0 != 0 } && frame.count == payload.count + 6)
      let garbage = (0..<Int(random.bits() % 200)).map { _ in UInt8(truncatingIfNeeded: random.bits()) }
      #expect(events(garbage + [0] + frame).last == hex([type, sequence] + payload))
      // Without the zero the garbage may swallow this frame, and never the next.
      #expect(events(garbage + frame + frame).last == hex([type, sequence] + payload))
    }
  }

  @Test("one wrong bit anywhere in a frame is never taken for a frame of the same bytes")
  func singleBits() {
    let frame = HostFrames.setpoint(0x1234, mask: 63, targets: [6000, 0, 4096, 65535, 1, 256], sequence: 9)
    let right = events(frame)
    for index in 0..<frame.count {
      for bit in 0..<8 {
        var wrong = frame
        wrong[index] ^= 1 << UInt8(bit)
        #expect(!events(wrong + [0]).contains(right[0]))
      }
    }
  }

  @Test("random streams never trap, and a frame behind each of them is read")
  func randomStreams() {
    var random = RandomStream(seed: 2, name: "servo wire streams")
    var receiver = FrameReceiver()
    let end = HostFrames.request(ArmMessage.type, 0x1234, sequence: 1)
    var read = 0
    for _ in 0..<streamCount {
      var bits = random.bits()
      for _ in 0..<Int(bits % 9) {
        bits = bits >> 7 | bits << 57
        _ = receiver.take(UInt8(truncatingIfNeeded: bits))
      }
      if case .frame = receiver.take(0) {}
      for byte in end { if case .frame = receiver.take(byte) { read += 1 } }
    }
    #expect(read >= streamCount)
  }

  @Test("receiving, answering and sending allocate nothing", .enabled(if: AllocationCount.isAvailable))
  func noAllocation() {
    var controller = BoardController(identity: BoardIdentity(channels: 6), nowUs: 0) { _ in 255 }
    let frames = HostFrames.hello(0x1234) + HostFrames.raw(StateReqMessage.type, 1, [])
    var inputs = BoardInputs()
    inputs.isEstopOpen = false
    var (sent, nowUs) = (0, UInt32(0))
    func rounds(_ count: Int) {
      for _ in 0..<count {
        for index in frames.indices where controller.feed(frames[index], nowUs: nowUs) {
          sent += controller.frame.count
        }
        nowUs += 1000
        if controller.step(inputs, nowUs: nowUs) { sent += controller.frame.count }
      }
    }
    rounds(10)
    let counted = AllocationCount.during { rounds(100) }
    #expect(counted == AllocationCount(allocations: 0, frees: 0))
    #expect(sent > 100 * 70)
  }
}
