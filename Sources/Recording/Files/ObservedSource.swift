/// A source that says how much of it was read, for a progress display: bytes read by bytes there are, at most 1.
final class ObservedSource: ByteSource {
  private let source: any ByteSource
  private let progress: (Double) -> Void
  private var total: UInt64 = 0

  init(_ source: any ByteSource, progress: @escaping (Double) -> Void) {
    self.source = source
    self.progress = progress
  }

  var size: UInt64 { source.size }

  func read(at offset: UInt64, count: UInt64) throws(McapError) -> [UInt8] {
    let bytes = try source.read(at: offset, count: count)
    total += count
    progress(min(1, Double(total) / Double(max(size, 1))))
    return bytes
  }
}
