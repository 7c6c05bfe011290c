import CZlib

/// Pixels as a PNG file: signature, header, one chunk of data, end.
/// Source: ISO/IEC 15948, "Portable Network Graphics (PNG)".
enum PortableNetworkGraphics {
  private static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

  static func file(_ raster: Raster) -> [UInt8] {
    // Eight bits a channel, colour type 2 (red, green, blue), deflate, adaptive filters, no interlace.
    let header = bigEndian(UInt32(raster.width)) + bigEndian(UInt32(raster.height)) + [8, 2, 0, 0, 0]
    return signature + chunk("IHDR", header) + chunk("IDAT", compressed(raster)) + chunk("IEND", [])
  }

  /// Rows with filter 0 (none) in front of each, in zlib's format.
  private static func compressed(_ raster: Raster) -> [UInt8] {
    let length = 3 * raster.width
    var rows: [UInt8] = []
    rows.reserveCapacity(raster.height * (length + 1))
    for row in 0..<raster.height {
      rows.append(0)
      rows.append(contentsOf: raster.pixels[(row * length)..<((row + 1) * length)])
    }
    var size = compressBound(UInt(rows.count))
    var result = [UInt8](repeating: 0, count: Int(size))
    // With room for the bound and plain memory on both sides it cannot fail.
    let status = compress2(&result, &size, rows, UInt(rows.count), 6)
    precondition(status == Z_OK, "zlib does not compress")
    return Array(result.prefix(Int(size)))
  }

  private static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let checked = Array(name.utf8) + data
    let sum = UInt32(truncatingIfNeeded: crc32_z(0, checked, checked.count))
    return bigEndian(UInt32(data.count)) + checked + bigEndian(sum)
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
}
