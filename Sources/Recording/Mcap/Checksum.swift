import CZlib
import Glibc

/// CRC32 (zlib's polynomial) of `bytes`, continuing from `start`.
func checksum(_ bytes: UnsafeRawBufferPointer, from start: UInt32 = 0) -> UInt32 {
  guard let base = bytes.baseAddress else { return start }
  return UInt32(truncatingIfNeeded: crc32_z(UInt(start), base.assumingMemoryBound(to: UInt8.self), bytes.count))
}

/// The system's words for an errno value (glibc's `strerror` keeps its text per thread).
func systemErrorText(_ code: Int32) -> String {
  guard let text = strerror(code) else { return "errno \(code)" }
  return String(cString: text)
}

extension Array where Element == UInt8 {
  /// `withUnsafeBytes` that keeps the error's type.
  func withBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws(McapError) -> Result
  ) throws(McapError) -> Result {
    try withUnsafeBufferPointer { (buffer) throws(McapError) -> Result in try body(UnsafeRawBufferPointer(buffer)) }
  }
}
