import Foundation
import Numerics
import ServoBus
import TestSupport
import Testing

/// A Python with dynamixel-sdk and feetech-servo-sdk: the one SINEW_PYTHON names, else the package's `.venv`.
private enum Peer {
  static let python: String? = {
    let named = ProcessInfo.processInfo.environment["SINEW_PYTHON"]
    let path = named ?? Fixtures.packageRoot.appendingPathComponent(".venv/bin/python").path
    guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
    return (try? run(path, ["-c", "import dynamixel_sdk, scservo_sdk, rustypot"], input: ""))?.status == 0 ? path : nil
  }()

  static func run(_ executable: String, _ arguments: [String], input: String) throws -> (status: Int32, output: String)
  {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    // A file, not a pipe: both ends could wait for each other.
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-peer-\(UUID().uuidString)")
    try Data(input.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let output = Pipe()
    process.standardInput = try FileHandle(forReadingFrom: file)
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }
}

extension Peer {
  /// What a script of `tools/peer` puts on the wire for requests, in hex.
  fileprivate static func frames(_ script: String, _ requests: [String]) throws -> [String] {
    let path = Fixtures.packageRoot.appendingPathComponent("tools/peer/\(script)").path
    let result = try run(try #require(python), [path], input: requests.joined(separator: "\n") + "\n")
    #expect(result.status == 0, "\(script)")
    return result.output.split(separator: "\n").map(String.init)
  }
}

/// One request, ours and as the peer's script takes it.
private struct Case {
  var json: String
  var ours: [UInt8]
  /// Whether the peer's stuffing, which it computes and then drops, would have had anything to do.
  var needsStuffing = false
}

@Suite(
  .enabled(if: Peer.python != nil, "needs a Python with dynamixel-sdk, feetech-servo-sdk and rustypot: run tools/setup")
)
struct PythonPeerTests {
  @Test(
    "our requests equal those of dynamixel-sdk and feetech-servo-sdk byte for byte",
    arguments: [
      WireProtocol.feetechSTS, .dynamixel1, .dynamixel2,
    ])
  func requests(wire: WireProtocol) throws {
    let cases = try makeCases(wire, count: 600)
    let frames = try Peer.frames("servo-bus-requests.py", cases.map(\.json))
    try #require(frames.count == cases.count)
    var compared = 0
    for (index, frame) in frames.enumerated() {
      let ours = cases[index].ours.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      if cases[index].needsStuffing {
        // dynamixel-sdk 4.1.0 sends these unstuffed; rustypot does not.
        #expect(ours != frame)
      } else {
        #expect(ours == frame, "\(cases[index].json)")
        compared += 1
      }
    }
    #expect(compared > 500)
  }

  @Test("our requests equal those of rustypot byte for byte, stuffing included", arguments: WireProtocol.allCases)
  func rustypot(wire: WireProtocol) throws {
    let known: Set = ["ping", "read", "write", "sync_read", "fast_sync_read", "sync_write", "reboot"]
    let all = try makeCases(wire, count: 200, mayStuff: true)
    let cases = all.filter { request in known.contains { request.json.contains("\"operation\": \"\($0)\"") } }
    let frames = try Peer.frames("rustypot-requests.py", cases.map(\.json))
    try #require(frames.count == cases.count && cases.count > 80)
    for (index, frame) in frames.enumerated() {
      let ours = cases[index].ours.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      #expect(ours == frame, "\(cases[index].json)")
    }
    #expect(cases.contains(where: \.needsStuffing) == (wire == .dynamixel2))
  }

  @Test("what looks like a header is stuffed by rustypot and by us, and by dynamixel-sdk 4.1.0 it is not")
  func stuffing() throws {
    let data: [[UInt8]] = [[0xFF, 0xFF, 0xFD, 0], [0xFF, 0xFF, 0xFD, 0xFF, 0xFF, 0xFD, 1, 2]]
    let requests = data.map {
      "{\"protocol\": \"dynamixel2\", \"operation\": \"write\", \"id\": 1, \"address\": 116, \"bytes\": \($0)}"
    }
    let right = ["fffffd00010a00037400fffffdfd0021e7", "fffffd00010f00037400fffffdfdfffffdfd0102a113"]
    let wrong = ["fffffd00010900037400fffffd00c907", "fffffd00010d00037400fffffdfffffd01029ab3"]
    let encoder = RequestEncoder(.dynamixel2)
    let ours = try data.map { try hexText(encoder.write(1, 116, $0)).replacing(" ", with: "").lowercased() }
    #expect(ours == right)
    #expect(try Peer.frames("rustypot-requests.py", requests) == right)
    #expect(try Peer.frames("servo-bus-requests.py", requests) == wrong)
  }

  /// Requests of every kind that the protocol has. `mayStuff`: every fifth has a header's likeness in its data.
  private func makeCases(_ wire: WireProtocol, count: Int, mayStuff: Bool = false) throws -> [Case] {
    var random = RandomStream(seed: 6, name: "servo bus peers")
    let encoder = RequestEncoder(wire)
    let name = wire.name
    var cases: [Case] = []
    func add(_ operation: String, _ fields: String, _ ours: [UInt8], data: [UInt8] = []) {
      let json = "{\"protocol\": \"\(name)\", \"operation\": \"\(operation)\"\(fields)}"
      var needsStuffing = false
      for start in data.indices.dropLast(2) where Array(data[start..<(start + 3)]) == [0xFF, 0xFF, 0xFD] {
        needsStuffing = wire == .dynamixel2
      }
      cases.append(Case(json: json, ours: ours, needsStuffing: needsStuffing))
    }
    for round in 0..<count {
      let id = UInt8(random.below(253))
      let address = random.below(200)
      let likeness: [UInt8] = mayStuff && random.below(5) == 0 ? [0xFF, 0xFF, 0xFD] : []
      let data = random.bytes(1 + random.below(12)) + likeness + random.bytes(random.below(12))
      let length = 1 + random.below(4)
      let ids = Array(Set((0..<(1 + random.below(12))).map { _ in UInt8(random.below(253)) })).sorted()
      let bytes = random.bytes(ids.count * length)
      switch round % 12 {
      case 0:
        add("ping", ", \"id\": \(id)", try encoded { (out) throws(EncodingError) in try encoder.ping(id, into: out) })
      case 1:
        let request = try encoded { (out) throws(EncodingError) in
          try encoder.read(id, address: address, count: length, into: out)
        }
        add("read", ", \"id\": \(id), \"address\": \(address), \"count\": \(length)", request)
      case 2:
        add(
          "write", ", \"id\": \(id), \"address\": \(address), \"bytes\": \(data)", try encoder.write(id, address, data),
          data: data)
      case 3:
        add(
          "registered_write", ", \"id\": \(id), \"address\": \(address), \"bytes\": \(data)",
          try encoder.write(id, address, data, registered: true), data: data)
      case 4 where wire.hasSyncRead:
        add(
          "sync_read", ", \"ids\": \(ids), \"address\": \(address), \"count\": \(length)",
          try encoder.syncRead(ids, address, length))
      case 5 where wire == .dynamixel2:
        add(
          "fast_sync_read", ", \"ids\": \(ids), \"address\": \(address), \"count\": \(length)",
          try encoder.syncRead(ids, address, length, fast: true))
      case 6 where wire == .dynamixel1 || wire == .dynamixel2:
        let items = ids.map { RequestEncoder.BulkItem(id: $0, address: address, count: length) }
        add(
          "bulk_read", ", \"items\": \(ids.map { [Int($0), address, length] })", try encoder.bulkRead(items))
      case 7:
        let request = try encoded { (out) throws(EncodingError) in try encoder.action(0xFE, into: out) }
        add("action", ", \"id\": 254", request)
      case 8 where wire == .dynamixel2:
        let request = try encoded { (out) throws(EncodingError) in
          try encoder.factoryReset(id, scope: .exceptIDAndBaud, into: out)
        }
        add("factory_reset", ", \"id\": \(id), \"option\": 2", request)
      case 9 where wire == .dynamixel2:
        let request = try encoded { (out) throws(EncodingError) in try encoder.clearTurns(id, into: out) }
        add("clear_turns", ", \"id\": \(id)", request)
        let again = try encoded { (out) throws(EncodingError) in try encoder.reboot(id, into: out) }
        add("reboot", ", \"id\": \(id)", again)
      case 10 where wire == .dynamixel2:
        let items = ids.map { RequestEncoder.BulkItem(id: $0, address: address, count: length) }
        add(
          "fast_bulk_read", ", \"items\": \(ids.map { [Int($0), address, length] })",
          try encoder.bulkRead(items, fast: true))
      case 11 where wire == .dynamixel2:
        let items = ids.map { RequestEncoder.BulkItem(id: $0, address: address, count: length) }
        let parts = ids.indices.flatMap {
          [ids[$0], UInt8(address), 0, UInt8(length), 0] + bytes[($0 * length)..<(($0 + 1) * length)]
        }
        add(
          "bulk_write", ", \"items\": \(ids.map { [Int($0), address, length] }), \"bytes\": \(bytes)",
          try encoder.bulkWrite(items, bytes), data: parts)
      default:
        // The whole of what follows the instruction counts for stuffing, ids in between included.
        let parts = ids.indices.flatMap { [ids[$0]] + bytes[($0 * length)..<(($0 + 1) * length)] }
        add(
          "sync_write", ", \"ids\": \(ids), \"address\": \(address), \"count\": \(length), \"bytes\": \(bytes)",
          try encoder.syncWrite(ids, address, length, bytes), data: parts)
      }
    }
    return cases
  }
}
