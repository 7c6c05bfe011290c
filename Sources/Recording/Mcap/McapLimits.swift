/// Bounds that no file can move.
public enum McapLimits {
  /// The longest record, and the longest decompressed chunk, that a reader accepts by default: 1 GiB.
  public static var record: UInt64 { 1 << 30 }
}

/// The eight bytes at both ends of a file.
let mcapMagic: [UInt8] = [0x89, 0x4D, 0x43, 0x41, 0x50, 0x30, 0x0D, 0x0A]
