// One libFuzzer input is one file: every way of reading it, the doctor, and a recovery whose result is read again.
// Built by ./build together with the sources of Recording, as one module.

/// Recovered bytes, in memory.
private final class MemorySink: LogSink {
  var bytes: [UInt8] = []
  func write(_ bytes: UnsafeRawBufferPointer) throws(SinkFailure) -> Int {
    self.bytes += bytes
    return bytes.count
  }
  func synchronize() throws(SinkFailure) {}
  func close() {}
}

/// Small enough that a valid file which inflates hugely is not mistaken for a fault.
private let limit: UInt64 = 1 << 24

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let source = MemorySource(Array(UnsafeBufferPointer(start: data, count: count)))
  var options = McapLinearReader.Options()
  options.limit = limit
  do throws(McapError) {
    try source.scan(options: options, failed: { _ in true }) { (_, _) throws(McapError) -> Bool in true }
  } catch {}
  do throws(McapError) {
    let reader = try McapIndexedReader(source: source, limit: limit)
    for index in reader.attachmentIndexes { _ = try? reader.attachment(index) }
    for index in reader.metadataIndexes { _ = try? reader.metadata(index) }
    try reader.forEachMessage { (channel, message) throws(McapError) -> Bool in
      decode(message, schema: reader.schemas[channel.schemaID])
      return true
    }
  } catch {}
  _ = try? LogDoctor.examine(source, limit: limit)
  let sink = MemorySink()
  guard (try? LogRecovery.recover(source, name: "in", into: sink, name: "out", limit: limit)) != nil else { return 0 }
  // Content may stay damaged; the file around it must be sound.
  let findings = (try? LogDoctor.examine(MemorySource(sink.bytes))) ?? []
  for finding in findings where finding.severity == .error {
    if finding.kind != .messageUndecodable && finding.kind != .ros2Encoding { fatalError("\(finding)") }
  }
  return 0
}

private func decode(_ message: McapMessage, schema: McapSchema?) {
  guard let schema, let parsed = try? RosSchema(schema) else { return }
  _ = try? parsed.decode(message.data)
  _ = try? TransitionDecoder(parsed).decode(message.data)
}
