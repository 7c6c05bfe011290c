import Configuration
import Foundation
import Testing

@Suite struct ContentHashTests {
  /// The example messages of FIPS 180-4's test vectors (NIST).
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
  ])
  func examplesOfTheStandard(message: String, digest: String) {
    #expect(ContentHash.sha256(message) == digest)
  }

  @Test func aMillionLettersFromMemoryAndFromAFile() throws {
    let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    let bytes = [UInt8](repeating: 0x61, count: 1_000_000)
    #expect(bytes.withUnsafeBytes { ContentHash.sha256($0) } == expected)
    try withFile(Data(bytes)) { path throws in #expect(try ContentHash.sha256(contentsOf: path) == expected) }
  }

  @Test func aMissingFileIsNamed() {
    #expect(
      errorText { _ = try ContentHash.sha256(contentsOf: "/nowhere/x.bin") }
        == "/nowhere/x.bin: no such file; check the path")
  }
}

/// A file with `data` that is gone when `body` returns.
func withFile(_ data: Data, _ body: (String) throws -> Void) throws {
  let url = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-\(UUID().uuidString).yaml")
  try data.write(to: url)
  defer { try? FileManager.default.removeItem(at: url) }
  try body(url.path)
}
