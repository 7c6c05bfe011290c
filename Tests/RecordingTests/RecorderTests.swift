import ArmModel
import Foundation
import Recording
import RecordingTestSupport
import Testing

/// A path in a folder of its own, removed with the value.
final class ScratchFolder {
  let url: URL
  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-recording-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(at: url) }
  func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}

/// A log made on the virtual clock: `count` steps of 1 ms.
func makeVirtualLog(
  path: String, count: Int, seed: UInt64 = 1, compression: Compression = .zstd, attachments: [LogAttachment] = []
) throws -> RecordingSummary {
  var options = RecorderOptions()
  options.clock = .virtual
  options.compression = compression
  let recorder = try Recorder.start(
    path: path, options: options, layout: reacher, jointNames: ["joint0", "joint1"],
    metadata: ["session": ["task": "reacher-v5", "seed": "\(seed)"]], attachments: attachments,
    robotDescription: "<robot name=\"reacher\"/>")
  var port = recorder.makePort()
  var noise = Noise(seed: seed)
  for index in 0..<count {
    port.awaitRoom()
    record(index, stamp: Int64(index) * 1_000_000, duration: 0.001, into: &port, noise: &noise)
  }
  return recorder.finish()
}

@Suite
struct RecorderTests {
  @Test("what the control thread recorded reads back, with everything around it")
  func roundTrip() throws {
    let folder = try ScratchFolder()
    let path = folder.path("run.mcap")
    let attachment = LogAttachment(name: "policy.yaml", mediaType: "application/yaml", data: Array("a: 1\n".utf8))
    let summary = try makeVirtualLog(path: path, count: 1000, attachments: [attachment])
    #expect(summary.error == nil && !summary.isLossy && summary.dropped == 0)
    #expect(summary.messageCounts["/transition"] == 1000)
    #expect(summary.messageCounts["/joint_states"] == 100)
    #expect(summary.messageCounts["/events"] == 40)
    #expect(summary.messageCounts["/robot_description"] == 1)
    #expect(summary.bytes == (try FileSource(path: path)).size)

    let list = try TransitionLog.read(path: path).transitions
    #expect(list.map(\.step) == Array(0..<1000))
    #expect(list.map(\.stamp) == (0..<1000).map { $0 * 1_000_000 })
    #expect(list.filter(\.isTruncated).count == 20)
    #expect(list[49].finalObservation == list[49].observation)
    #expect(list[48].finalObservation == [])
    var noise = Noise(seed: 1)
    #expect(list[0].position == [Float(noise.next()), Float(noise.next())])

    let reader = try McapIndexedReader(source: FileSource(path: path))
    #expect(reader.header.profile == "ros2")
    #expect(reader.channels.values.allSatisfy { $0.messageEncoding == "cdr" })
    #expect(
      reader.channels.values.allSatisfy { $0.metadata["offered_qos_profiles"]?.contains("reliability: 1") == true })
    #expect(reader.schemas.values.allSatisfy { $0.encoding == "ros2msg" })
    #expect(try reader.attachment(reader.attachmentIndexes[0]).data == attachment.data)
    let index = try #require(reader.metadataIndexes.first { $0.name == "session" })
    let session = try reader.metadata(index).metadata
    #expect(session["clock"] == "virtual" && session["realtime_offset_ns"] == "0" && session["seed"] == "1")
    let end = try #require(reader.metadataIndexes.first { $0.name == "recording" })
    #expect(try reader.metadata(end).metadata == ["lossy": "false", "dropped": "0"])
  }

  @Test("two runs on the virtual clock with the same seed give the same file, byte for byte")
  func deterministic() throws {
    let folder = try ScratchFolder()
    for name in ["a", "b"] { _ = try makeVirtualLog(path: folder.path(name), count: 5000, seed: 9) }
    _ = try makeVirtualLog(path: folder.path("c"), count: 5000, seed: 10)
    let files = try ["a", "b", "c"].map { try Data(contentsOf: URL(fileURLWithPath: folder.path($0))) }
    #expect(files[0] == files[1])
    #expect(files[0] != files[2])
  }

  @Test("a transition of Reacher costs at most 250 bytes on disk, noise and all channels included")
  func size() throws {
    let folder = try ScratchFolder()
    let summary = try makeVirtualLog(path: folder.path("run.mcap"), count: 60_000)
    #expect(summary.messageCounts["/transition"] == 60_000)
    #expect(summary.dropped == 0)
    #expect(Double(summary.bytes) / 60_000 <= 250, "\(Double(summary.bytes) / 60_000) bytes per transition")
  }

  @Test("on the real clock chunks are closed at 250 ms and log time is the wall clock's by one offset")
  func realClock() throws {
    let folder = try ScratchFolder()
    let path = folder.path("run.mcap")
    let recorder = try Recorder.start(path: path, layout: reacher, jointNames: ["a", "b"])
    var port = recorder.makePort()
    var noise = Noise(seed: 3)
    let start = monotonicNow()
    let before = UInt64(Date().timeIntervalSince1970 * 1e9)
    for index in 0..<1500 {
      let deadline = start + Int64(index) * 1_000_000
      while monotonicNow() < deadline { usleep(200) }
      record(index, stamp: deadline, duration: 0.001, into: &port, noise: &noise)
    }
    let summary = recorder.finish()
    #expect(summary.dropped == 0 && summary.messageCounts["/transition"] == 1500)
    let reader = try McapIndexedReader(source: FileSource(path: path))
    #expect(reader.chunkIndexes.count >= 6)
    #expect(reader.chunkIndexes.allSatisfy { $0.endTime - $0.startTime <= 250_000_000 })
    let index = try #require(reader.metadataIndexes.first { $0.name == "session" })
    let session = try reader.metadata(index).metadata
    let offset = try #require(session["realtime_offset_ns"].flatMap { Int64($0) })
    #expect(session["clock"] == "monotonic")
    var times: [UInt64] = []
    try reader.forEachMessage(topics: ["/transition"]) { _, message in
      times.append(message.logTime)
      return true
    }
    let stamps = try TransitionLog.read(path: path).transitions.map(\.stamp)
    #expect(times == stamps.map { UInt64($0 + offset) })
    #expect(abs(Int64(times[0]) - Int64(before)) < 1_000_000_000)
  }

  @Test("loop statistics and events carry their numbers and words")
  func loopAndEvents() throws {
    let folder = try ScratchFolder()
    let path = folder.path("run.mcap")
    var options = RecorderOptions()
    options.clock = .virtual
    options.vocabulary = LogVocabulary(conditions: [7: "velocity_limit"], states: [1: "idle", 2: "running"])
    let recorder = try Recorder.start(path: path, options: options, layout: reacher, jointNames: ["a", "b"])
    var port = recorder.makePort()
    var loop = LoopRecord()
    loop.stamp = 5
    loop.ticks = 1000
    loop.achievedRate = 999.5
    loop.latenessMaximum = 77
    port.recordLoop(loop)
    port.recordEvent(.safetyStateChanged, stamp: 6, first: 2, second: 1)
    port.recordEvent(.conditionRaised, stamp: 7, first: 7, second: 1, value: 2.5)
    port.recordEvent(.episodeEnded, stamp: 8, first: 3, second: 50, value: -4.5)
    _ = recorder.finish()
    var lines: [String] = []
    let reader = try McapIndexedReader(source: FileSource(path: path))
    var failure: MessageError?
    try reader.forEachMessage { channel, message in
      guard let schema = reader.schemas[channel.schemaID] else { return true }
      do throws(MessageError) {
        let parsed = try RosSchema(name: schema.name, text: String(decoding: schema.data, as: UTF8.self))
        let json = message.data.withUnsafeBytes { data in (try? parsed.decode(data)).map { RosValue.message($0).json } }
        lines.append("\(channel.topic) \(json ?? "undecodable")")
      } catch { failure = error }
      return true
    }
    #expect(failure == nil)
    #expect(
      lines == [
        #"/loop {"stamp_ns":5,"ticks":1000,"overruns":0,"dropped_records":0,"achieved_rate":999.5,"#
          + #""lateness_min":0,"lateness_mean":0,"lateness_max":77,"#
          + #""execution_min":0,"execution_mean":0,"execution_max":0}"#,
        #"/events {"stamp_ns":6,"first":2,"second":1,"value":0.0,"code":5,"text":"safety state: idle -> running"}"#,
        #"/events {"stamp_ns":7,"first":7,"second":1,"value":2.5,"code":6,"#
          + #""text":"raised: velocity_limit on joint 1 (2.5)"}"#,
        #"/events {"stamp_ns":8,"first":3,"second":50,"value":-4.5,"code":4,"#
          + #""text":"episode 3 ended after 50 steps, return -4.5"}"#,
      ])
  }

  @Test("an existing log is not overwritten, a missing folder and wrong joints are refused")
  func refusals() throws {
    let folder = try ScratchFolder()
    let path = folder.path("run.mcap")
    try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
    #expect(
      throws: RecordingError(path: path, message: "exists already", suggestion: "choose another name or move it away")
    ) { _ = try Recorder.start(path: path, layout: reacher, jointNames: ["a", "b"]) }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("precious".utf8))
    let missing = folder.path("no/such/run.mcap")
    #expect(throws: RecordingError.self) {
      _ = try Recorder.start(path: missing, layout: reacher, jointNames: ["a", "b"])
    }
    let other = folder.path("other.mcap")
    #expect(throws: RecordingError.self) { _ = try Recorder.start(path: other, layout: reacher, jointNames: ["a"]) }
    #expect(!FileManager.default.fileExists(atPath: other))
  }
}
