// One libFuzzer input is a stream from a servo bus: its first byte chooses the protocol, its second how the stream is cut.
// Every protocol's parser must get through it without a trap, account for every byte, and give the same frames however
// the stream is cut. Then the stream is taken as data: what the encoder makes of it must be read back.
// Built by ./build together with the sources of the codecs, as one module.

/// All frames' ids and bytes of a stream, cut into pieces of `step` bytes; and how many bytes were no frame.
private func parse(_ wire: WireProtocol, _ stream: [UInt8], step: Int) -> (frames: [[UInt8]], garbage: Int) {
  var parser = FrameParser(wire, maximumFrame: 300)
  var frames: [[UInt8]] = []
  func take(_ frame: Frame) {
    var sum = 0
    for index in 0..<frame.payloadCount { sum += Int(frame.payload[index]) }
    guard sum >= 0 else { fatalError("unreachable") }
    frames.append(Array(UnsafeBufferPointer(start: frame.raw, count: frame.rawCount)))
  }
  var offset = 0
  while offset < stream.count {
    let end = min(stream.count, offset + step)
    offset += stream[offset..<end].withUnsafeBufferPointer { parser.feed($0) }
    while let frame = parser.next() { take(frame) }
  }
  while let frame = parser.next(isFinal: true) { take(frame) }
  guard parser.pendingCount == 0 else { fatalError("bytes left") }
  return (frames, Int(parser.counters.garbageBytes))
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let data, count >= 2, let wire = WireProtocol(rawValue: data[0] & 3) else { return 0 }
  let stream = Array(UnsafeBufferPointer(start: data + 2, count: count - 2))
  let whole = parse(wire, stream, step: max(1, stream.count))
  guard whole.frames.reduce(0, { $0 + $1.count }) + whole.garbage == stream.count else { fatalError("bytes lost") }
  let pieces = parse(wire, stream, step: 1 + Int(data[1] % 31))
  guard pieces.frames == whole.frames else { fatalError("the cut matters") }

  let payload = Array(stream.prefix(100))
  var buffer = [UInt8](repeating: 0, count: 300)
  let written = buffer.withUnsafeMutableBufferPointer { out in
    payload.withUnsafeBufferPointer { bytes in
      try? RequestEncoder(wire).write(data[1] % 253, address: 42, bytes: bytes, into: out)
    }
  }
  guard let written else { return 0 }
  var parser = FrameParser(wire)
  _ = buffer[..<written].withUnsafeBufferPointer { parser.feed($0) }
  guard let frame = parser.next() else { fatalError("our own frame was not read") }
  let skipped = wire == .dynamixel2 ? 2 : 1
  let read = Array(UnsafeBufferPointer(start: frame.payload + skipped, count: frame.payloadCount - skipped))
  guard read == payload, frame.id == data[1] % 253 else { fatalError("our own frame was read wrong") }
  return 0
}
