import CLZ4
import CZstd

/// How the chunks of a log are compressed. The raw value is MCAP's name for it.
public enum Compression: String, Sendable, CaseIterable {
  case none = ""
  /// LZ4 frames.
  case lz4
  /// Zstandard frames.
  case zstd
}

/// Compresses chunk after chunk with one reused context.
struct ChunkCompressor: ~Copyable {
  let compression: Compression
  private let level: Int32
  private let zstd: OpaquePointer?

  /// - Parameter level: zstd's level; lz4 and none pass over it.
  init(_ compression: Compression, level: Int) {
    self.compression = compression
    self.level = Int32(clamping: level)
    zstd = compression == .zstd ? ZSTD_createCCtx() : nil
  }

  deinit { _ = zstd.map { ZSTD_freeCCtx($0) } }

  /// The compressed `input`; nil when the library refused (or there is none), in which case the caller stores the bytes
  /// as they are.
  mutating func compress(_ input: [UInt8]) -> [UInt8]? {
    let bound: Int
    switch compression {
    case .none: return nil
    case .lz4: bound = LZ4F_compressFrameBound(input.count, nil)
    case .zstd: bound = ZSTD_compressBound(input.count)
    }
    let (level, zstd, compression) = (level, zstd, compression)
    let output = [UInt8](unsafeUninitializedCapacity: bound) { room, filled in
      filled = input.withUnsafeBytes { (source: UnsafeRawBufferPointer) -> Int in
        switch compression {
        case .none: return 0
        case .lz4:
          let count = LZ4F_compressFrame(room.baseAddress, room.count, source.baseAddress, source.count, nil)
          return LZ4F_isError(count) != 0 ? 0 : count
        case .zstd:
          guard let zstd else { return 0 }
          let count = ZSTD_compressCCtx(zstd, room.baseAddress, room.count, source.baseAddress, source.count, level)
          return ZSTD_isError(count) != 0 ? 0 : count
        }
      }
    }
    return output.isEmpty ? nil : output
  }
}

/// Decompresses into a buffer that grows with what is really there: a size announced by a file is a bound to check
/// against, never an amount to allocate.
struct GrowingOutput {
  private(set) var bytes: [UInt8] = []
  var filled = 0
  /// Announced size; one byte more than this is an error.
  let limit: Int

  init(limit: Int) {
    self.limit = limit
    bytes = [UInt8](repeating: 0, count: min(limit, 1 << 18))
  }

  /// Makes room; false when the limit is reached.
  mutating func grow() -> Bool {
    guard bytes.count < limit else { return false }
    bytes += [UInt8](repeating: 0, count: min(limit - bytes.count, max(bytes.count, 1 << 16)))
    return true
  }

  /// The room behind what is filled.
  mutating func withRoom<Result>(_ body: (UnsafeMutableRawBufferPointer) -> Result) -> Result {
    let start = filled
    return bytes.withUnsafeMutableBytes { body(UnsafeMutableRawBufferPointer(rebasing: $0[start...])) }
  }

  consuming func finished() -> [UInt8] {
    bytes.removeLast(bytes.count - filled)
    return bytes
  }
}

extension McapChunk {
  /// The chunk's records, decompressed and checked against the announced size and checksum.
  ///
  /// - Parameters:
  ///   - offset: where the chunk lies in the file, for errors.
  ///   - limit: the most bytes accepted.
  ///   - verifying: false leaves the checksum unchecked (recovery decides on its own).
  public func decompressed(
    at offset: UInt64, limit: UInt64 = McapLimits.record, verifying: Bool = true
  ) throws(McapError) -> [UInt8] {
    guard uncompressedSize <= limit else {
      throw McapError(.recordTooLarge(length: uncompressedSize, limit: limit), at: offset)
    }
    guard let known = Compression(rawValue: compression) else {
      throw McapError(.unsupportedCompression(compression), at: offset)
    }
    let content: [UInt8] =
      switch known {
      case .none: records
      case .lz4: try decompressLZ4(at: offset)
      case .zstd: try decompressZstd(at: offset)
      }
    guard UInt64(content.count) == uncompressedSize else {
      throw McapError(.sizeMismatch(announced: uncompressedSize, found: UInt64(content.count)), at: offset)
    }
    if verifying, uncompressedChecksum != 0 {
      let computed = content.withUnsafeBytes { checksum($0) }
      guard computed == uncompressedChecksum else {
        throw McapError(.checksumMismatch(announced: uncompressedChecksum, computed: computed), at: offset)
      }
    }
    return content
  }

  private func decompressLZ4(at offset: UInt64) throws(McapError) -> [UInt8] {
    var context: OpaquePointer?
    guard LZ4F_isError(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))) == 0, let context else {
      throw McapError(.decompression("no lz4 context"), at: offset)
    }
    defer { LZ4F_freeDecompressionContext(context) }
    return try decompress(at: offset) { source, room in
      var consumed = source.count
      var produced = room.count
      let status = LZ4F_decompress(context, room.baseAddress, &produced, source.baseAddress, &consumed, nil)
      guard LZ4F_isError(status) == 0 else { return .failure(String(cString: LZ4F_getErrorName(status))) }
      return .step(consumed: consumed, produced: produced, isComplete: status == 0)
    }
  }

  private func decompressZstd(at offset: UInt64) throws(McapError) -> [UInt8] {
    guard let context = ZSTD_createDCtx() else { throw McapError(.decompression("no zstd context"), at: offset) }
    defer { ZSTD_freeDCtx(context) }
    return try decompress(at: offset) { source, room in
      var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
      var output = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
      let status = ZSTD_decompressStream(context, &output, &input)
      guard ZSTD_isError(status) == 0 else { return .failure(String(cString: ZSTD_getErrorName(status))) }
      return .step(consumed: input.pos, produced: output.pos, isComplete: status == 0)
    }
  }

  private enum StepResult {
    case step(consumed: Int, produced: Int, isComplete: Bool)
    case failure(String)
  }

  private func decompress(
    at offset: UInt64, _ body: (_ source: UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer) -> StepResult
  ) throws(McapError) -> [UInt8] {
    guard !records.isEmpty else { return [] }
    var output = GrowingOutput(limit: Int(uncompressedSize))
    var consumed = 0
    while true {
      let result = output.withRoom { room in
        records.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[consumed...]), room) }
      }
      switch result {
      case .failure(let reason): throw McapError(.decompression(reason), at: offset)
      case .step(let taken, let produced, let isComplete):
        consumed += taken
        output.filled += produced
        if isComplete && consumed == records.count { return output.finished() }
        let isFull = output.filled == output.bytes.count
        if isFull && output.grow() { continue }
        if taken == 0 && produced == 0 {
          guard !isFull else {
            throw McapError(.sizeMismatch(announced: uncompressedSize, found: uncompressedSize + 1), at: offset)
          }
          throw McapError(.decompression("the frame is incomplete"), at: offset)
        }
      }
    }
  }
}
