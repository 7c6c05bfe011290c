import CMessageDigest
import Glibc

/// What identifies the content of a file: SHA-256 (FIPS 180-4), computed by the system's libmd.
public enum ContentHash {
  /// The digest of `bytes` as 64 lower-case hexadecimal digits.
  public static func sha256(_ bytes: UnsafeRawBufferPointer) -> String {
    var context = SHA2_CTX()
    SHA256Init(&context)
    update(&context, bytes)
    return finish(&context)
  }

  /// The digest of a text's UTF-8 bytes.
  public static func sha256(_ text: String) -> String {
    var text = text
    return text.withUTF8 { sha256(UnsafeRawBufferPointer($0)) }
  }

  /// The digest of a file of any size, read in pieces.
  public static func sha256(contentsOf path: String) throws(ConfigurationError) -> String {
    let (descriptor, _) = try openRegularFile(path)
    defer { close(descriptor) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { buffer.deallocate() }
    var context = SHA2_CTX()
    SHA256Init(&context)
    while true {
      let count = try readSome(descriptor, into: buffer, file: path)
      if count == 0 { break }
      update(&context, UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
    return finish(&context)
  }

  private static func update(_ context: inout SHA2_CTX, _ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    SHA256Update(&context, base.assumingMemoryBound(to: UInt8.self), bytes.count)
  }

  private static func finish(_ context: inout SHA2_CTX) -> String {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    SHA256Final(&digest, &context)
    let digits = Array("0123456789abcdef".utf8)
    let text = digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }
}
