/// Writes a run's state as bytes, in the order of the calls; for checkpoints.
public struct StateEncoder: Sendable {
  public private(set) var bytes: [UInt8] = []

  public init() {}

  /// Begins a part; the decoder asks for the same name, so that states of another make are refused and not misread.
  public mutating func begin(_ part: StaticString) {
    part.withUTF8Buffer {
      put(UInt8($0.count)); bytes.append(contentsOf: $0)
    }
  }

  /// A plain value's bytes.
  public mutating func put<Value: BitwiseCopyable>(_ value: Value) {
    withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
  }

  /// `count` plain values, with their number.
  public mutating func put<Value: BitwiseCopyable>(_ values: UnsafePointer<Value>, count: Int) {
    put(Int64(count))
    bytes.append(contentsOf: UnsafeRawBufferPointer(start: values, count: count * MemoryLayout<Value>.stride))
  }
}

/// Reads what a `StateEncoder` wrote.
public struct StateDecoder: Sendable {
  private let bytes: [UInt8]
  private var position = 0

  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Whether everything was read.
  public var isAtEnd: Bool { position == bytes.count }

  public mutating func begin(_ part: StaticString) throws(LearningError) {
    let count = Int(try take(UInt8.self))
    guard position + count <= bytes.count,
      part.withUTF8Buffer({ bytes[position..<(position + count)].elementsEqual($0) })
    else { throw LearningError(.state, "the stored state has no '\(part)' where it is expected") }
    position += count
  }

  public mutating func take<Value: BitwiseCopyable>(_ type: Value.Type) throws(LearningError) -> Value {
    let size = MemoryLayout<Value>.size
    guard position + size <= bytes.count else { throw LearningError(.state, "the stored state ends early") }
    defer { position += size }
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: Value.self) }
  }

  public mutating func take<Value: BitwiseCopyable>(
    into values: UnsafeMutablePointer<Value>, count: Int
  ) throws(LearningError) {
    let stored = try take(Int64.self)
    guard stored == Int64(count) else {
      throw LearningError(.state, "the stored state has \(stored) numbers where this run has \(count)")
    }
    let size = count * MemoryLayout<Value>.stride
    guard position + size <= bytes.count else { throw LearningError(.state, "the stored state ends early") }
    bytes.withUnsafeBytes {
      UnsafeMutableRawPointer(values).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: $0[position...]).baseAddress ?? UnsafeRawPointer(values), byteCount: size
      )
    }
    position += size
  }
}
