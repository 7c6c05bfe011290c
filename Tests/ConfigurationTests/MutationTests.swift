import Configuration
import Testing

/// Whatever bytes arrive, parsing and reading end in a value or a `ConfigurationError`.
@Suite struct MutationTests {
  static let document = """
    name: &name reach
    points: {tool: {site: gripper_frame}}
    list: [1, -2.5e3, *name, "quoted \\u00e9", 'it''s']
    block: |
      text
    folded: >-
      more
    ? explicit
    : !tag {a: [b, c: d]}
    """

  /// SplitMix64, so that a failure repeats.
  struct Numbers {
    var state: UInt64
    mutating func below(_ limit: Int) -> Int {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return Int((z ^ (z >> 31)) % UInt64(limit))
    }
  }

  /// Reads a tree with every typed reader; counts what came back as an error.
  func readEverything(_ node: ConfigurationNode) throws(ConfigurationError) -> Int {
    var errors = 0
    func attempt(_ body: () throws(ConfigurationError) -> Void) {
      do throws(ConfigurationError) {
        try body()
      } catch {
        #expect(!error.description.contains("\n"))
        errors += 1
      }
    }
    attempt { () throws(ConfigurationError) in _ = try node.double() }
    attempt { () throws(ConfigurationError) in _ = try node.integer() }
    attempt { () throws(ConfigurationError) in _ = try node.boolean() }
    attempt { () throws(ConfigurationError) in _ = try node.string() }
    attempt { () throws(ConfigurationError) in _ = try node.doubles() }
    attempt { () throws(ConfigurationError) in try node.allowOnly(["name"]) }
    switch node.kind {
    case .scalar: break
    case .list: for item in try node.list() { errors += try readEverything(item) }
    case .mapping: for entry in try node.entries() { errors += try readEverything(entry.value) }
    }
    return errors
  }

  @Test func mutatedDocumentsEndInAValueOrATypedError() throws {
    var numbers = Numbers(state: 7)
    let alphabet = Array(" \n\t:-?*&!|>'\"[]{},#%@`~\\/0aé\u{0}\u{feff}\u{85}<=.".utf8)
    let original = Array(Self.document.utf8)
    var parsed = 0
    var refused = 0
    for _ in 0..<4000 {
      var bytes = original
      for _ in 0...numbers.below(6) {
        let position = numbers.below(bytes.count)
        switch numbers.below(4) {
        case 0: bytes[position] = alphabet[numbers.below(alphabet.count)]
        case 1: bytes.insert(alphabet[numbers.below(alphabet.count)], at: position)
        case 2: bytes.remove(at: position)
        default: bytes.removeLast(min(numbers.below(40), bytes.count - 1))
        }
      }
      do throws(ConfigurationError) {
        let node = try ConfigurationNode.parse(text: String(decoding: bytes, as: UTF8.self), file: "f.yaml")
        #expect(try readEverything(node) > 0)
        parsed += 1
      } catch {
        #expect(error.file == "f.yaml" && !error.description.contains("\n"))
        refused += 1
      }
    }
    // Both outcomes occur often, so that the test has seen both.
    #expect(parsed > 200 && refused > 200)
  }
}
