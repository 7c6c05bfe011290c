import CLZ4
import CZlib
import CZstd

/// The system libraries that logs are compressed and checked with, as they run.
public enum LibraryVersions {
  /// Name and version of each.
  public static var all: [(name: String, version: String)] {
    [
      ("lz4", String(cString: LZ4_versionString())), ("zstd", String(cString: ZSTD_versionString())),
      ("zlib", zlibVersion().map { String(cString: $0) } ?? "unknown"),
    ]
  }
}
