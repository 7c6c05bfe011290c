import Configuration
import Foundation
import Glibc
import Testing

@Suite struct HostileInputTests {
  func refusal(_ text: String) -> String { errorText { _ = try ConfigurationNode.parse(text: text, file: "f.yaml") } }

  @Test func deepNestingIsRefused() {
    let levels = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
    #expect(refusal(levels) == "f.yaml:1:65: nested deeper than 64 levels")
    #expect(refusal(String(repeating: "[", count: 64) + String(repeating: "]", count: 64)) == "")
    for opening in ["[", "{a: ", "- ", "? ", "[{x: ", "{? "] {
      let text = String(repeating: opening, count: 4_000_000 / opening.utf8.count)
      #expect(refusal(text).hasPrefix("f.yaml:"), "opening \(opening)")
    }
    var blocks = ""
    for level in 0..<2000 { blocks += String(repeating: " ", count: level) + "a:\n" }
    #expect(refusal(blocks) == "f.yaml:1000:1000: nested deeper than 64 levels")
  }

  @Test func anAliasBombIsRefusedAndPlainAliasesWork() throws {
    var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...12 {
      let alias = "*a\(level - 1)"
      bomb += "a\(level): &a\(level) [\((0..<10).map { _ in alias }.joined(separator: ", "))]\n"
    }
    #expect(refusal(bomb).hasSuffix("more than 1000000 values once aliases are expanded"))
    // As a key the parser itself would expand it.
    for key in ["? *a12\n: 1\n", "*a12 : 1\n", "[*a12]: 1\n", "{? *a12 : 1}: 1\n", "z: {[*a12] : 1}\n"] {
      #expect(refusal(bomb + key).contains("as a key in a document with aliases"), "key \(key)")
    }
    let fine = try node("home: &home [0, 1, 2]\npark: *home\ntext: a * b, *c is fine, why? so\n")
    #expect(try fine.child("park").doubles() == [0, 1, 2])
  }

  @Test(arguments: [
    ("a: 1\nb: 2\na: 3\n", "f.yaml:1:1: the key 'a' occurs twice in one mapping; remove one of them"),
    ("x:\n  k: 1\n  k: 2\n", "f.yaml:2:3: the key 'k' occurs twice in one mapping; remove one of them"),
    ("1: a\n'1': b\n", "f.yaml:1:1: the key '1' occurs twice in one mapping; remove one of them"),
    ("[a]: 1\n", "f.yaml:1:1: a key must be text, not a list or a mapping"),
    ("a: [1, 2\nb: 3\n", "f.yaml:2:2: is not YAML: did not find expected ',' or ']' while parsing a flow sequence"),
    ("a: *missing\n", "f.yaml:1:4: is not YAML: found undefined alias"),
    ("a: 'open\n", "f.yaml:2:1: is not YAML: found unexpected end of stream while scanning a quoted scalar"),
    (
      "a: 1\n---\nb: 2\n",
      "f.yaml:2:1: is not YAML: but found another document expected a single document in the stream"
    ),
    ("a: \u{1}\n", "f.yaml:1: is not YAML: control characters are not allowed"),
    (
      "\ta: 1\n",
      "f.yaml:1:1: is not YAML: found character that cannot start any token while scanning for the next token"
    ),
  ])
  func malformedDocuments(text: String, message: String) { #expect(refusal(text) == message) }

  @Test func filesThatCannotBeRead() throws {
    func load(_ path: String) -> String { errorText { _ = try ConfigurationNode.load(path: path) } }
    #expect(load("/nowhere/robot.yaml") == "/nowhere/robot.yaml: no such file; check the path")
    #expect(load("/tmp") == "/tmp: is a folder; name a file")
    #expect(load("/dev/zero") == "/dev/zero: is not a regular file; name a file")
    #expect(load("") == "(no file name): not a file name")
    #expect(load("a\0b").hasSuffix("not a file name"))
    let pipe = NSTemporaryDirectory() + "/sinew-pipe-\(UUID().uuidString)"
    #expect(mkfifo(pipe, 0o600) == 0)
    defer { unlink(pipe) }
    #expect(load(pipe) == "\(pipe): is not a regular file; name a file")
    try withFile(Data(repeating: 0x20, count: 4 * 1_048_576 + 1)) {
      #expect(
        load($0).hasSuffix(
          "is larger than 4 MiB, the most a configuration may have; check that this is the file you meant"))
    }
    try withFile(Data([0x61, 0xFF, 0xFE])) { #expect(load($0) == "\($0): is not UTF-8 text; save it as UTF-8") }
    try withFile(Data("a: [1, 2]\n".utf8)) { path throws in
      #expect(try ConfigurationNode.load(path: path).child("a").doubles() == [1, 2])
    }
  }
}
