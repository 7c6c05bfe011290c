import Foundation
import Recording
import RecordingTestSupport
import TestSupport
import Testing

@Suite
struct LogToolsTests {
  private func errors(_ bytes: [UInt8]) throws -> [DoctorFinding.Kind] {
    try LogDoctor.examine(MemorySource(bytes)).filter { $0.severity == .error }.map(\.kind)
  }

  private func contents(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  @Test("info tells duration, channels, counts, rates, episodes, metadata and cost")
  func info() throws {
    let folder = try ScratchFolder()
    let path = folder.path("run.mcap")
    let attachment = LogAttachment(name: "policy.yaml", mediaType: "application/yaml", data: [1, 2, 3])
    let summary = try makeVirtualLog(path: path, count: 2000, attachments: [attachment])
    let info = try LogInfo.read(path: path)
    #expect(info.duration == 1.999)
    #expect(info.episodeCount == 40 && info.unfinishedEpisodeCount == 0)
    #expect(info.profile == "ros2" && info.library == "sinew" && info.compressions == ["zstd"])
    #expect(info.channels.map(\.topic) == ["/events", "/joint_states", "/loop", "/robot_description", "/transition"])
    #expect(info.channels.map(\.messageCount) == [80, 200, 0, 1, 2000])
    #expect(abs((info.channels.last?.rate ?? 0) - 1000) < 0.01)
    #expect(info.attachments == [.init(name: "policy.yaml", mediaType: "application/yaml", size: 3)])
    #expect(info.metadata.first { $0.name == "session" }?.metadata["task"] == "reacher-v5")
    #expect(info.bytesPerTransition == Double(summary.bytes) / 2000)
    #expect(!info.isLossy && info.problem == nil)
    let json = try #require(try JSONSerialization.jsonObject(with: Data(info.json.utf8)) as? [String: Any])
    #expect(json["messages"] as? Int == 2281)
    #expect(info.text.contains("40 episodes"))
    #expect(json["episodes"] as? Int == 40 && json["unfinished_episodes"] as? Int == 0)
  }

  @Test("an episode that the end of the run cut short does not count as one")
  func unfinished() throws {
    let folder = try ScratchFolder()
    _ = try makeVirtualLog(path: folder.path("run.mcap"), count: 120)
    let info = try LogInfo.read(path: folder.path("run.mcap"))
    #expect(info.episodeCount == 2 && info.unfinishedEpisodeCount == 1)
    #expect(info.text.contains("2 episodes and 1 that did not come to an end"))
    #expect(info.json.contains("\"episodes\":2,\"unfinished_episodes\":1,"))
  }

  @Test("info of a log cut off in the middle tells what is there and that it was not closed")
  func infoOfTruncated() throws {
    let folder = try ScratchFolder()
    let path = folder.path("run.mcap")
    _ = try makeVirtualLog(path: path, count: 5000)
    let bytes = try contents(path)
    let cut = folder.path("cut.mcap")
    try Data(bytes[..<(bytes.count * 2 / 3)]).write(to: URL(fileURLWithPath: cut))
    let info = try LogInfo.read(path: cut)
    #expect(info.problem?.hasPrefix("not closed properly: ") == true)
    #expect(info.channels.last?.messageCount ?? 0 > 1000)
    #expect(info.episodeCount > 20)
    #expect(throws: RecordingError.self) { try LogInfo.read(path: folder.path("missing.mcap")) }
    let text = folder.path("text.mcap")
    try Data("hello, this is not a log".utf8).write(to: URL(fileURLWithPath: text))
    #expect(throws: RecordingError.self) { try LogInfo.read(path: text) }
  }

  @Test("the doctor finds nothing wrong with our own logs", arguments: Compression.allCases)
  func sound(compression: Compression) throws {
    let folder = try ScratchFolder()
    let path = folder.path("run.mcap")
    _ = try makeVirtualLog(path: path, count: 3000, compression: compression)
    #expect(try LogDoctor.examine(path: path, strictMessageOrder: true) == [])
  }

  @Test("the doctor finds no fault with the public conformance files", .enabled(if: Fixtures.areAvailable))
  func conformanceFilesAreSound() throws {
    var count = 0
    for one in try ConformanceTests.cases() {
      // Two faults are the cases' own: indexed chunks whose channels the summary leaves out, and disorder.
      let kinds = try errors([UInt8](Data(contentsOf: one.mcap)))
      let unexpected = kinds.filter { $0 != .channelNotInSummary && $0 != .schemaNotInSummary }
      #expect(unexpected == [], "\(one.mcap.lastPathComponent)")
      count += 1
    }
    #expect(count == 416)
  }

  /// A log whose every part can be damaged by name.
  private func crafted(_ change: (inout McapWriter) -> Void) -> [UInt8] {
    var options = McapWriter.Options()
    options.library = "test"
    options.chunkBytes = nil
    var writer = McapWriter(options: options)
    change(&writer)
    writer.finish()
    var bytes: [UInt8] = []
    writer.drain { bytes.append(contentsOf: $0) }
    return bytes
  }

  private func message(_ writer: inout McapWriter, channel: UInt16, time: UInt64, data: [UInt8] = [1]) {
    data.withUnsafeBytes {
      writer.writeMessage(channel: channel, sequence: 0, logTime: time, publishTime: time, data: $0)
    }
  }

  @Test("contradictions in the data are found by name")
  func dataFindings() throws {
    let schema = McapSchema(id: 1, name: "A", encoding: "ros2msg", data: Array("uint32 x".utf8))
    let channel = McapChannel(id: 1, schemaID: 1, topic: "a", messageEncoding: "cdr")
    let cases: [(DoctorFinding.Kind, (inout McapWriter) -> Void)] = [
      (.schemaIdentifierZero, { $0.write(McapSchema(id: 0, name: "z", encoding: "raw", data: [])) }),
      (
        .schemaRedefined,
        {
          $0.write(schema); $0.write(McapSchema(id: 1, name: "B", encoding: "x", data: []))
        }
      ),
      (
        .schemaRepeated,
        {
          $0.write(schema); $0.write(schema)
        }
      ),
      (.schemaWithoutEncoding, { $0.write(McapSchema(id: 1, name: "B", encoding: "", data: [1])) }),
      (.channelWithoutSchema, { $0.write(channel) }),
      (
        .channelRedefined,
        {
          $0.write(schema)
          $0.write(channel)
          $0.write(McapChannel(id: 1, schemaID: 1, topic: "b", messageEncoding: "cdr"))
        }
      ),
      (
        .channelRepeated,
        {
          $0.write(schema); $0.write(channel); $0.write(channel)
        }
      ),
      (.messageBeforeChannel, { message(&$0, channel: 5, time: 1) }),
      (.chunkEmpty, { $0.write(schema) }),
      (
        .messageOrder,
        {
          $0.write(McapChannel(id: 1, schemaID: 0, topic: "a", messageEncoding: "raw"))
          message(&$0, channel: 1, time: 9)
          message(&$0, channel: 1, time: 3)
        }
      ),
      (
        .messageUndecodable,
        {
          $0.write(schema)
          $0.write(channel)
          message(&$0, channel: 1, time: 9, data: [0, 1, 0, 0, 7])
        }
      ),
    ]
    for (kind, change) in cases {
      let findings = try LogDoctor.examine(MemorySource(crafted(change)))
      #expect(findings.contains { $0.kind == kind }, "\(kind): \(findings)")
    }
    let disorder = crafted {
      $0.write(McapChannel(id: 1, schemaID: 0, topic: "a", messageEncoding: "raw"))
      message(&$0, channel: 1, time: 9)
      message(&$0, channel: 1, time: 3)
    }
    #expect(try LogDoctor.examine(MemorySource(disorder)).first?.severity == .warning)
    #expect(try LogDoctor.examine(MemorySource(disorder), strictMessageOrder: true).first?.severity == .error)
    // A step is written when it is over, with the time of its observation: between topics that is no disorder.
    let interleaved = crafted {
      $0.write(McapChannel(id: 1, schemaID: 0, topic: "a", messageEncoding: "raw"))
      $0.write(McapChannel(id: 2, schemaID: 0, topic: "b", messageEncoding: "raw"))
      message(&$0, channel: 1, time: 9)
      message(&$0, channel: 2, time: 3)
      message(&$0, channel: 1, time: 10)
    }
    #expect(try !LogDoctor.examine(MemorySource(interleaved)).contains { $0.kind == .messageOrder })
    #expect(
      try LogDoctor.examine(MemorySource(interleaved), strictMessageOrder: true).contains {
        $0.kind == .messageOrder && $0.severity == .error
      })
  }

  @Test("every damaged field of index, summary and footer is found by name")
  func summaryFindings() throws {
    let bytes = sampleLog(compression: .none, count: 40, chunkBytes: 3000)
    let reader = try McapIndexedReader(source: MemorySource(bytes))
    #expect(try errors(bytes) == [])
    let chunk = reader.chunkIndexes[1]
    // Where the summary's records begin, by opcode.
    var places: [UInt8: Int] = [:]
    var chunkIndexPlaces: [Int] = []
    var position = Int(reader.footer.summaryStart)
    while bytes[position] != McapOpcode.footer.rawValue {
      if places[bytes[position]] == nil { places[bytes[position]] = position }
      if bytes[position] == McapOpcode.chunkIndex.rawValue { chunkIndexPlaces.append(position) }
      position += 9 + Int(bytes[position + 1]) + Int(bytes[position + 2]) * 256
    }
    let footer = position
    let index = chunkIndexPlaces[1]
    let statistics = try #require(places[McapOpcode.statistics.rawValue])
    let attachmentIndex = try #require(places[McapOpcode.attachmentIndex.rawValue])
    let metadataIndex = try #require(places[McapOpcode.metadataIndex.rawValue])
    let offsets = try #require(places[McapOpcode.summaryOffset.rawValue])
    let messageIndex = Int(chunk.chunkOffset + chunk.chunkLength)
    let attachment = Int(reader.attachmentIndexes[0].offset)
    let cases: [(DoctorFinding.Kind, Int)] = [
      (.chunkIndexTimes, index + 9), (.chunkIndexTimes, index + 17), (.chunkIndexWithoutChunk, index + 25),
      (.chunkNotIndexed, index + 25), (.chunkIndexLength, index + 33), (.chunkIndexMessageIndexes, index + 47),
      (.chunkIndexMessageIndexes, index + 55), (.chunkIndexSizes, index + 67), (.chunkIndexSizes, index + 75),
      (.statisticsCounts, statistics + 9), (.statisticsCounts, statistics + 17), (.statisticsCounts, statistics + 19),
      (.statisticsCounts, statistics + 23), (.statisticsCounts, statistics + 27), (.statisticsCounts, statistics + 31),
      (.statisticsTimes, statistics + 35), (.statisticsTimes, statistics + 43), (.statisticsCounts, statistics + 57),
      (.attachmentIndex, attachmentIndex + 9), (.attachmentIndex, attachmentIndex + 17),
      (.attachmentIndex, attachmentIndex + 25), (.attachmentIndex, attachmentIndex + 41),
      (.metadataIndex, metadataIndex + 9), (.metadataIndex, metadataIndex + 17),
      (.summaryOffset, offsets + 9), (.summaryOffset, offsets + 10), (.summaryOffset, offsets + 18),
      (.summaryStart, footer + 9), (.summaryOffsetStart, footer + 17), (.summaryChecksum, footer + 25),
      (.messageIndexWrong, messageIndex + 9 + 6), (.messageIndexWrong, messageIndex + 9 + 14),
      (.chunkTimes, Int(chunk.chunkOffset) + 9), (.chunkTimes, Int(chunk.chunkOffset) + 17),
      (.chunkUnreadable, Int(chunk.chunkOffset) + 25), (.chunkUnreadable, Int(chunk.chunkOffset) + 33),
      (.chunkUnreadable, Int(chunk.chunkOffset) + 9 + 28 + 12 + 50), (.dataChecksum, 58),
      (.attachmentChecksum, attachment + 10), (.unreadable, bytes.count - 1), (.unreadable, 0),
    ]
    for (kind, place) in cases {
      var damaged = bytes
      damaged[place] ^= 1
      let found = try errors(damaged)
      #expect(found.contains(kind), "\(kind) at \(place): \(found)")
    }
    #expect(try errors(bytes + [0]).contains(.trailingBytes))
    let open = sampleLog(count: 10, finished: false)
    #expect(try errors(open) == [.dataEndMissing, .footerMissing])
  }

  @Test("recovery of a sound log keeps every message and exits 0", arguments: Compression.allCases)
  func recoverSound(compression: Compression) throws {
    let folder = try ScratchFolder()
    let (path, target) = (folder.path("run.mcap"), folder.path("mended.mcap"))
    _ = try makeVirtualLog(path: path, count: 3000, compression: compression)
    let report = try LogRecovery.recover(from: path, to: target)
    #expect(report.exitCode == 0 && report.notes == [] && report.wasClosed)
    #expect(report.recovered.messages == 3421)
    #expect(try TransitionLog.read(path: target).transitions.count == 3000)
    #expect(try LogDoctor.examine(path: target) == [])
    #expect(try LogInfo.read(path: target).compressions == [compression.rawValue])
    let other = folder.path("other.mcap")
    _ = try LogRecovery.recover(from: path, to: other, compression: .lz4)
    #expect(try LogInfo.read(path: other).compressions == ["lz4"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 3)
  }

  @Test("recovery of a truncated log brings back every whole chunk; loss exits 3, a cut between records 0")
  func recoverTruncated() throws {
    let folder = try ScratchFolder()
    let path = folder.path("run.mcap")
    _ = try makeVirtualLog(path: path, count: 5000)
    let bytes = try contents(path)
    let chunks = try McapIndexedReader(source: MemorySource(bytes)).chunkIndexes
    #expect(chunks.count >= 4)
    let whole = Int(chunks[2].chunkOffset + chunks[2].chunkLength + chunks[2].messageIndexLength)
    for (extra, code) in [(0, Int32(0)), (1, 3), (1000, 3)] {
      let (cut, target) = (folder.path("cut\(extra)"), folder.path("mended\(extra)"))
      try Data(bytes[..<(whole + extra)]).write(to: URL(fileURLWithPath: cut))
      let report = try LogRecovery.recover(from: cut, to: target)
      #expect(report.exitCode == code, "\(report)")
      #expect(report.discardedBytes == extra && report.recovered.chunks == 3 && !report.wasClosed)
      let before = try TransitionLog.read(path: cut)
      let after = try TransitionLog.read(path: target)
      #expect(before.transitions.map(\.step) == after.transitions.map(\.step))
      #expect(before.transitions.map(\.observation) == after.transitions.map(\.observation))
      #expect(before.transitions.count > 1000 && before.problem != nil && after.problem == nil)
      #expect(try LogDoctor.examine(path: target) == [])
      let recovery = try LogInfo.read(path: target).metadata.first { $0.name == "recovery" }
      #expect(recovery?.metadata["lossy"] == "\(code == 3)")
      #expect(try contents(cut).count == whole + extra)
    }
  }

  @Test("recovery drops a damaged chunk, goes on behind it and says so")
  func recoverDamaged() throws {
    let folder = try ScratchFolder()
    let (path, target) = (folder.path("run.mcap"), folder.path("mended.mcap"))
    _ = try makeVirtualLog(path: path, count: 5000)
    var bytes = try contents(path)
    let chunk = try McapIndexedReader(source: MemorySource(bytes)).chunkIndexes[1]
    bytes[Int(chunk.chunkOffset + chunk.chunkLength / 2)] ^= 0x10
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    #expect(try LogInfo.read(path: path).problem?.hasPrefix("damaged: ") == true)
    #expect(throws: RecordingError.self) { try TransitionLog.read(path: path) }
    let report = try LogRecovery.recover(from: path, to: target)
    #expect(report.exitCode == 3 && report.discarded.chunks == 1)
    #expect(report.notes.contains { $0.contains("at byte \(chunk.chunkOffset)") })
    let steps = try TransitionLog.read(path: target).transitions.map(\.step)
    #expect(steps.first == 0 && steps.last == 4999 && steps.count < 5000)
    #expect(try LogDoctor.examine(path: target) == [])
    #expect(try LogInfo.read(path: target).isLossy)
  }

  @Test("a damaged record outside the chunks is no success; where the summary knows better, its definition counts")
  func recoverOutsideChunks() throws {
    var options = McapWriter.Options()
    options.definesInsideChunks = false
    var writer = McapWriter(options: options)
    let schema = writer.addSchema(name: "PoseStamped", encoding: "raw", data: [1, 2, 3])
    let channel = writer.addChannel(topic: "/poses", encoding: "raw", schemaID: schema)
    message(&writer, channel: channel, time: 5)
    writer.write(McapMetadata(name: "run", metadata: ["seed": "4711"]))
    writer.finish()
    var bytes: [UInt8] = []
    writer.drain { bytes.append(contentsOf: $0) }
    let folder = try ScratchFolder()
    func recover(damaging text: String, into name: String) throws -> (RecoveryReport, LogInfo) {
      var damaged = bytes
      let place = try #require(damaged.firstRange(of: Array(text.utf8))).lowerBound
      damaged[place] ^= 0x20
      let path = folder.path("\(name)-damaged.mcap")
      try Data(damaged).write(to: URL(fileURLWithPath: path))
      #expect(try LogDoctor.examine(path: path).contains { $0.severity == .error })
      let target = folder.path("\(name).mcap")
      let report = try LogRecovery.recover(from: path, to: target)
      #expect(try LogDoctor.examine(path: target).allSatisfy { $0.severity == .warning })
      return (report, try LogInfo.read(path: target))
    }
    let (mended, info) = try recover(damaging: "PoseStamped", into: "schema")
    #expect(mended.exitCode == 3 && mended.recovered.messages == 1)
    #expect(mended.notes.first?.hasSuffix("is not that of the summary, 'PoseStamped'; the summary's counts") == true)
    #expect(info.channels.map(\.schema) == ["PoseStamped"])
    // Of a record that stands nowhere else only the data section's checksum tells.
    let (lost, _) = try recover(damaging: "4711", into: "metadata")
    #expect(lost.exitCode == 3)
    #expect(
      lost.notes == [
        "the data section's checksum does not fit: a record outside the chunks is damaged, and nothing tells which"
      ])
  }

  @Test("a power loss leaves a tail of zeros; recovery cuts it off")
  func recoverZeroTail() throws {
    let folder = try ScratchFolder()
    let (path, target) = (folder.path("run.mcap"), folder.path("mended.mcap"))
    try Data(sampleLog(count: 300, finished: false) + [UInt8](repeating: 0, count: 8192)).write(
      to: URL(fileURLWithPath: path))
    let report = try LogRecovery.recover(from: path, to: target)
    #expect(report.exitCode == 3 && report.discardedBytes == 8192 && report.recovered.messages == 300)
  }

  @Test("definitions lost with a damaged chunk come back from the summary")
  func recoverDefinitions() throws {
    var options = McapWriter.Options()
    options.chunkBytes = nil
    options.library = "test"
    var writer = McapWriter(options: options)
    let schema = writer.addSchema(name: "S", encoding: "raw", data: [1])
    let channel = writer.addChannel(topic: "a", encoding: "raw", schemaID: schema)
    for time in 0..<3 as Range<UInt64> {
      message(&writer, channel: channel, time: time)
      writer.closeChunk()
    }
    writer.finish()
    var bytes: [UInt8] = []
    writer.drain { bytes.append(contentsOf: $0) }
    let first = try McapIndexedReader(source: MemorySource(bytes)).chunkIndexes[0]
    bytes[Int(first.chunkOffset + first.chunkLength) - 1] ^= 0xFF
    let folder = try ScratchFolder()
    let (path, target) = (folder.path("run.mcap"), folder.path("mended.mcap"))
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let report = try LogRecovery.recover(from: path, to: target)
    #expect(report.recovered.messages == 2 && report.recovered.channels == 1 && report.recovered.schemas == 1)
    #expect(report.discarded.chunks == 1 && report.exitCode == 3)
  }

  @Test("recovery refuses its own input, an existing output and a file that is no log; nothing is left behind")
  func recoverRefusals() throws {
    let folder = try ScratchFolder()
    let path = folder.path("run.mcap")
    _ = try makeVirtualLog(path: path, count: 100)
    let before = try contents(path)
    let alias = folder.path("alias.mcap")
    try FileManager.default.createSymbolicLink(atPath: alias, withDestinationPath: path)
    for target in [path, alias] {
      #expect(
        throws: RecordingError(path: target, message: "is the input itself", suggestion: "name another output")
      ) { _ = try LogRecovery.recover(from: path, to: target) }
    }
    let text = folder.path("text")
    try Data("no log at all".utf8).write(to: URL(fileURLWithPath: text))
    #expect(throws: RecordingError.self) { _ = try LogRecovery.recover(from: path, to: text) }
    #expect(throws: RecordingError.self) { _ = try LogRecovery.recover(from: text, to: folder.path("out")) }
    let magicOnly = folder.path("magic")
    try Data(before[..<8]).write(to: URL(fileURLWithPath: magicOnly))
    #expect(throws: RecordingError.self) { _ = try LogRecovery.recover(from: magicOnly, to: folder.path("out")) }
    #expect(throws: RecordingError.self) { _ = try LogRecovery.recover(from: path, to: folder.path("no/such/out")) }
    #expect(try contents(path) == before)
    #expect(
      Set(try FileManager.default.contentsOfDirectory(atPath: folder.url.path))
        == ["run.mcap", "alias.mcap", "text", "magic"])
  }

  @Test("cat prints every message as a line of JSON, or the transitions as a table")
  func cat() throws {
    let folder = try ScratchFolder()
    let path = folder.path("run.mcap")
    _ = try makeVirtualLog(path: path, count: 100)
    var lines: [String] = []
    try LogCat.forEachLine(path: path, format: .json, topics: ["/transition", "/events"]) {
      lines.append($0); return true
    }
    #expect(lines.count == 104)
    for line in lines {
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(object["message"] is [String: Any])
    }
    var table: [String] = []
    try LogCat.forEachLine(path: path, format: .csv) {
      table.append($0); return true
    }
    #expect(table.count == 101)
    let header = table[0].split(separator: ",", omittingEmptySubsequences: false)
    #expect(header.prefix(7) == ["step", "stamp_ns", "duration", "episode", "step_in_episode", "obs[0]", "obs[1]"])
    #expect(table.allSatisfy { $0.split(separator: ",", omittingEmptySubsequences: false).count == header.count })
    let transitions = try TransitionLog.read(path: path).transitions
    let column = try #require(header.firstIndex(of: "action[1]"))
    #expect(table[7].split(separator: ",", omittingEmptySubsequences: false)[column] == "\(transitions[6].action[1])")
    var count = 0
    try LogCat.forEachLine(path: path, format: .json) { _ in
      count += 1
      return count < 5
    }
    #expect(count == 5)
  }
}
