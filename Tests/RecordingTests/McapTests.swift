import Recording
import Testing

/// A small log with one channel and `count` messages of `size` bytes, one per millisecond.
func sampleLog(
  compression: Compression = .zstd, count: Int = 1000, size: Int = 200, chunkBytes: Int? = 20_000,
  usesChunks: Bool = true, finished: Bool = true
) -> [UInt8] {
  var options = McapWriter.Options()
  options.compression = compression
  options.chunkBytes = chunkBytes
  options.usesChunks = usesChunks
  options.definesInsideChunks = false
  var writer = McapWriter(options: options)
  let schema = writer.addSchema(name: "Sample", encoding: "raw", data: [1, 2, 3])
  let channel = writer.addChannel(topic: "/sample", encoding: "raw", schemaID: schema, metadata: ["unit": "none"])
  for index in 0..<count {
    let data = (0..<size).map { UInt8(truncatingIfNeeded: index &* 7 &+ $0 / 8) }
    data.withUnsafeBytes {
      writer.writeMessage(
        channel: channel, sequence: UInt32(index), logTime: UInt64(index) * 1_000_000,
        publishTime: UInt64(index) * 1_000_000, data: $0)
    }
  }
  writer.write(McapMetadata(name: "session", metadata: ["task": "test"]))
  writer.write(McapAttachment(logTime: 1, createTime: 2, name: "a.txt", mediaType: "text/plain", data: [104, 105]))
  if finished { writer.finish() }
  var bytes: [UInt8] = []
  writer.drain { bytes.append(contentsOf: $0) }
  return bytes
}

/// Everything that a linear reader delivers when it is fed `piece` bytes at a time.
func readAll(
  _ bytes: [UInt8], piece: Int = 4096, options: McapLinearReader.Options = .init()
) throws(McapError) -> [McapRecord] {
  var reader = McapLinearReader(options: options)
  var records: [McapRecord] = []
  var position = 0
  while true {
    switch try reader.next() {
    case .finished: return records
    case .record(let record, _): records.append(record)
    case .needMore:
      let end = min(bytes.count, position + piece)
      if end == position { reader.end() }
      Array(bytes[position..<end]).withUnsafeBytes { reader.feed($0) }
      position = end
    }
  }
}

private func messages(_ records: [McapRecord]) -> [McapMessage] {
  records.compactMap { if case .message(let message) = $0 { message } else { nil } }
}

@Suite
struct McapTests {
  @Test("what is written in each compression reads back, streamed and by index", arguments: Compression.allCases)
  func roundTrip(compression: Compression) throws {
    let bytes = sampleLog(compression: compression)
    let streamed = messages(try readAll(bytes))
    #expect(streamed.count == 1000)
    #expect(streamed.map(\.sequence) == Array(0..<1000))
    #expect(streamed[999].data == (0..<200).map { UInt8(truncatingIfNeeded: 999 &* 7 &+ $0 / 8) })
    let reader = try McapIndexedReader(source: MemorySource(bytes))
    var indexed: [McapMessage] = []
    try reader.forEachMessage { channel, message in
      #expect(channel.topic == "/sample")
      indexed.append(message)
      return true
    }
    #expect(indexed == streamed)
    #expect(reader.statistics?.messageCount == 1000)
    #expect(reader.chunkIndexes.count > 5)
    #expect(reader.chunkIndexes.allSatisfy { $0.compression == compression.rawValue })
    #expect(try reader.attachment(reader.attachmentIndexes[0]).data == [104, 105])
    #expect(try reader.metadata(reader.metadataIndexes[0]).metadata == ["task": "test"])
  }

  @Test("the pieces in which a file arrives make no difference", arguments: [1, 7, 100, 1 << 20])
  func pieces(piece: Int) throws {
    let bytes = sampleLog(count: 50)
    #expect(try readAll(bytes, piece: piece) == readAll(bytes, piece: bytes.count))
  }

  @Test("an indexed reader gives only the times and topics asked for")
  func ranges() throws {
    let reader = try McapIndexedReader(source: MemorySource(sampleLog()))
    var times: [UInt64] = []
    try reader.forEachMessage(times: 300_000_000...302_000_000) { _, message in
      times.append(message.logTime)
      return true
    }
    #expect(times == [300_000_000, 301_000_000, 302_000_000])
    try reader.forEachMessage(topics: ["/other"]) { _, _ in
      Issue.record("a message of a topic that was not asked for")
      return false
    }
  }

  @Test("overlapping chunks come out in order of time")
  func overlap() throws {
    var options = McapWriter.Options()
    options.chunkBytes = nil
    var writer = McapWriter(options: options)
    let channel = writer.addChannel(topic: "a", encoding: "raw", schemaID: 0)
    for group in [[5, 1, 9], [2, 9, 3], [0, 8, 20]] as [[UInt64]] {
      for time in group {
        writer.writeMessage(
          channel: channel, sequence: 0, logTime: time, publishTime: 0,
          data: UnsafeRawBufferPointer(start: nil, count: 0))
      }
      writer.closeChunk()
    }
    writer.finish()
    var bytes: [UInt8] = []
    writer.drain { bytes.append(contentsOf: $0) }
    var times: [UInt64] = []
    try McapIndexedReader(source: MemorySource(bytes)).forEachMessage { _, message in
      times.append(message.logTime)
      return true
    }
    #expect(times == [0, 1, 2, 3, 5, 8, 9, 9, 20])
  }

  @Test("a truncated file gives every whole record, then an error that names the byte")
  func truncated() throws {
    let bytes = sampleLog(compression: .none, count: 100, usesChunks: false)
    var reader = McapLinearReader()
    Array(bytes[..<5000]).withUnsafeBytes { reader.feed($0) }
    reader.end()
    var count = 0
    var failure: McapError?
    while failure == nil {
      do throws(McapError) {
        if case .record(.message, _) = try reader.next() { count += 1 }
      } catch { failure = error }
    }
    #expect(count == 21)
    let error = try #require(failure)
    guard case .truncated(needed: 231, let available) = error.cause else {
      Issue.record("\(error)")
      return
    }
    #expect(error.offset + available == 5000)
  }

  @Test("an announced length beyond the limit is refused, never allocated")
  func hugeLength() throws {
    var bytes = Array(sampleLog(count: 1, finished: false)[..<8])
    bytes += [0x05, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]
    #expect(
      throws: McapError(.recordTooLarge(length: 0x7FFF_FFFF_FFFF_FFFF, limit: 1 << 30), at: 8)
    ) { try readAll(bytes) }
  }

  @Test("wrong magic, zero tail and missing footer have their own errors")
  func ends() throws {
    #expect(throws: McapError(.badMagic(atEnd: false), at: 0)) { try readAll(Array("not an mcap file".utf8)) }
    let open = sampleLog(count: 10, finished: false)
    #expect(throws: McapError(.missingFooter, at: UInt64(open.count))) { try readAll(open) }
    #expect(throws: McapError(.invalidOpcode, at: UInt64(open.count))) {
      try readAll(open + [UInt8](repeating: 0, count: 4096))
    }
    var badEnd = sampleLog(count: 10)
    badEnd[badEnd.count - 1] = 0
    #expect(throws: McapError(.badMagic(atEnd: true), at: UInt64(badEnd.count - 8))) { try readAll(badEnd) }
    #expect(throws: McapError.self) { try McapIndexedReader(source: MemorySource(badEnd)) }
  }

  @Test("a damaged chunk is an error with its place, and the next chunk still reads", arguments: Compression.allCases)
  func damagedChunk(compression: Compression) throws {
    var bytes = sampleLog(compression: compression)
    let index = try McapIndexedReader(source: MemorySource(bytes)).chunkIndexes[1]
    bytes[Int(index.chunkOffset + index.chunkLength / 2)] ^= 0x40
    var errors: [McapError] = []
    var count = 0
    try MemorySource(bytes).scan(failed: {
      errors.append($0); return true
    }) { record, _ in
      if case .message = record { count += 1 }
      return true
    }
    #expect(errors.map(\.offset) == [index.chunkOffset])
    #expect(errors.allSatisfy { $0.isRecoverable })
    let lost = try #require(
      try McapIndexedReader(source: MemorySource(sampleLog(compression: compression))).chunkIndexes.first.map { first in
        Int((first.endTime - first.startTime) / 1_000_000) + 1
      })
    #expect(abs(count + lost - 1000) <= 2)
  }

  @Test("a chunk that inflates beyond what it announces is refused")
  func bomb() throws {
    var options = McapWriter.Options()
    options.chunkBytes = nil
    options.compression = .zstd
    var writer = McapWriter(options: options)
    let channel = writer.addChannel(topic: "a", encoding: "raw", schemaID: 0)
    [UInt8](repeating: 0, count: 5_000_000).withUnsafeBytes {
      writer.writeMessage(channel: channel, sequence: 0, logTime: 0, publishTime: 0, data: $0)
    }
    writer.finish()
    var bytes: [UInt8] = []
    writer.drain { bytes.append(contentsOf: $0) }
    let index = try McapIndexedReader(source: MemorySource(bytes)).chunkIndexes[0]
    // uncompressed_size lies behind opcode, length and the two times.
    let field = Int(index.chunkOffset) + 9 + 16
    for byte in 0..<8 { bytes[field + byte] = byte == 1 ? 4 : 0 }
    #expect(throws: McapError(.sizeMismatch(announced: 1024, found: 1025), at: index.chunkOffset)) {
      try readAll(bytes)
    }
    var small = McapLinearReader.Options()
    small.limit = 1_000_000
    #expect(throws: McapError(.recordTooLarge(length: index.uncompressedSize, limit: 1_000_000), at: index.chunkOffset))
    {
      try readAll(sampleLogFrom(bytes, size: index.uncompressedSize, field: field), options: small)
    }
  }

  private func sampleLogFrom(_ bytes: [UInt8], size: UInt64, field: Int) -> [UInt8] {
    var bytes = bytes
    for byte in 0..<8 { bytes[field + byte] = UInt8(truncatingIfNeeded: size >> (8 * UInt64(byte))) }
    return bytes
  }

  @Test("an error reads as one line with cause and byte")
  func texts() {
    let error = McapError(.truncated(needed: 20, available: 3), at: 77)
    #expect(error.description == "truncated: 20 bytes announced, 3 there at byte 77")
    #expect(
      RecordingError(path: "a.mcap", error).description
        == "a.mcap: truncated: 20 bytes announced, 3 there at byte 77; try 'sinew log recover'")
    #expect(throws: RecordingError.self) { try FileSource(path: "/nonexistent/a.mcap") }
    #expect(throws: RecordingError.self) { try FileSource(path: "/tmp") }
  }
}
