import Foundation
import Policies
import Testing

/// Wrong bundles: each is refused with one line that names the file, the place and the cause.
@Suite("Wrong bundles")
struct BadBundleTests {
  private static func valid() throws -> BundleBuilder {
    try BundleBuilder.linear(
      weights: [[1, 2], [3, 4]], bias: [0, 0], distribution: "{kind: gaussian, log_std: [0, 0]}",
      expected: { [$0[0] + 2 * $0[1], 3 * $0[0] + 4 * $0[1]] })
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var text: String
    var change: @Sendable (inout BundleBuilder) throws -> Void
    var testDescription: String { name }

    init(_ name: String, _ text: String, _ change: @escaping @Sendable (inout BundleBuilder) throws -> Void) {
      self.name = name
      self.text = text
      self.change = change
    }

    /// One key with another value, or without.
    init(_ key: String, _ value: String?, _ text: String) {
      self.init("\(key): \(value ?? "(missing)")", text) { $0.set(key, value) }
    }
  }

  static let cases: [Case] = [
    Case("schema", nil, "schema"), Case("schema", "2", "this schema version is not known"),
    Case("schema", "one", "schema"), Case("name", nil, "name"), Case("joint_names", nil, "joint_names"),
    Case("joint_names", "[a, a]", "joint names must be given once each"),
    Case("joint_names", "[a, b, c]", "joint_names: has 3 names, but the network gives 2 actions"),
    Case("rate_hz", "0", "rate_hz"), Case("rate_hz", ".nan", "rate_hz"), Case("normaliser", nil, "normaliser"),
    Case("normaliser", "maybe", "normaliser"),
    Case("normaliser", "{mean: [0, 0], var: [1], epsilon: 1e-8, clip: 10}", "normaliser.var"),
    Case(
      "normaliser", "{mean: [0], var: [1], epsilon: 1e-8, clip: 10}",
      "has statistics for 1 numbers, but the network takes 2"),
    Case("normaliser", "{mean: [0, 0], var: [1, -1], epsilon: 1e-8, clip: 10}", "a variance is not above 0"),
    Case("normalizer", "none", "normalizer"), Case("action", nil, "action"),
    Case("action", "{kind: magic}", "action.kind"),
    Case("action", "{kind: position, clip: [1, -1]}", "the lower limit is above the upper one"),
    Case("action", "{kind: position, scale: [1, 2, 3]}", "action.scale: has not 2 numbers"),
    Case("action", "{kind: position, scale: 0}", "action.scale: has a 0"),
    Case("action", "{kind: position, clip: [[0, 1], [0, 1], [0, 1]]}", "action.clip: has 3 ranges, not 2"),
    Case("action", "{kind: position, sale: 2}", "sale"), Case("distribution", nil, "distribution"),
    Case("distribution", "{kind: gausian, log_std: [0, 0]}", "gaussian"),
    Case("distribution", "{kind: gaussian}", "a gaussian needs log_std or std"),
    Case("distribution", "{kind: gaussian, log_std: [0]}", "has 1 standard deviations for 2 actions"),
    Case("distribution", "{kind: gaussian, log_std: [0, .inf]}", "log_std"),
    Case("distribution", "{kind: gaussian, log_std: [0, 90]}", "is not plausible"),
    Case("distribution", "{kind: gaussian, std: [1, 0]}", "a standard deviation is not above 0"),
    Case(
      "distribution", "{kind: gaussian, log_std: {tensor: nothing}}",
      "tensor 'nothing': is not in the file; it has 'b', 'w'"),
    Case("distribution", "{kind: gaussian, log_std: {output: log_std}}", "a stack of layers has no outputs to name"),
    Case("distribution", "{kind: deterministic, squash: tanh}", "squash"),
    Case("exploration", "{kind: gaussian, sigma: 0.1}", "a gaussian policy explores by itself"),
    Case("observation", "[{name: a, dim: 3}]", "its terms have 3 numbers, but the network takes 2"),
    Case("observation", "[{name: a, dim: 2, scale: [1]}]", "has not 2 numbers, as dim says"),
    Case("observation", "[{name: a, dim: 2, history: 3}]", "keeps no history"),
    Case("network", "{}", "needs the key onnx or safetensors"),
    Case("network", "{safetensors: weights.safetensors, layers: []}", "needs 1 to 256 dense layers"),
    Case("network", "{safetensors: weights.safetensors, layers: [{weight: v}]}", "tensor 'v': is not in the file"),
    Case(
      "network", "{safetensors: weights.safetensors, layers: [{weight: b}]}", "has the shape [2], not [outputs, inputs]"
    ),
    Case(
      "network", "{safetensors: weights.safetensors, layers: [{weight: w, bias: w}]}",
      "'w': has the shape [2, 2], but 'w' has 2 outputs"),
    Case("network", "{safetensors: weights.safetensors, layers: [{weight: w, activation: tahn}]}", "tanh"),
    Case(
      "network", "{safetensors: other.safetensors, layers: [{weight: w}]}",
      "needs the file 'other.safetensors' beside it"),
    Case("network", "{safetensors: ../w.safetensors, layers: [{weight: w}]}", "leaves the folder with '..'"),
    Case("network", "{safetensors: /etc/passwd, layers: [{weight: w}]}", "is absolute"),
    Case("network", "{onnx: weights.safetensors}", "is not a valid ONNX model"),
    Case("recurrent", "[{input: h, output: h}]", "recurrent pairs are for ONNX"),
    Case("test_vectors", nil, "test_vectors"), Case("test_vectors", "none.csv", "needs the file 'none.csv'"),
    Case("files", "[]", "uses 'weights.safetensors', which is not listed under files"),
    Case("files", "[{path: weights.safetensors, sha256: abc}]", "is not a SHA-256"),
    Case("files", "[{path: ../../etc/passwd, sha256: \(String(repeating: "0", count: 64))}]", "leaves the folder"),
    Case("training", "[a]", "training"),
    Case("changed weights", "its SHA-256 is") {
      try $0.folder.write("weights.safetensors", [UInt8](repeating: 7, count: 60))
    },
    Case("swapped vectors", "golden.csv: its SHA-256 is") { try $0.folder.write("golden.csv", "obs[0]\n1\n") },
    Case("golden mismatch", "golden.csv: row 3, action[1]: expected") { builder in
      let text = try String(contentsOfFile: builder.folder.path + "/golden.csv", encoding: .utf8)
      var lines = text.split(separator: "\n").map(String.init)
      lines[3] = lines[3].split(separator: ",").dropLast().joined(separator: ",") + ",0.5"
      try builder.add("golden.csv", Array(lines.joined(separator: "\n").utf8))
    },
    Case("too few golden rows", "has 2 golden rows, at least 5 are needed") {
      try $0.add("golden.csv", Array("obs[0],obs[1],action[0],action[1]\n0,0,0,0\n0,0,0,0\n".utf8))
    },
    Case("golden file without actions", "has no column 'action[0]'") {
      try $0.add("golden.csv", Array(("obs[0],obs[1]\n" + String(repeating: "0,0\n", count: 6)).utf8))
    },
    Case("golden row with NaN", "line 4, column 'obs[1]': 'nan' is not a finite number") {
      try $0.add(
        "golden.csv",
        Array("obs[0],obs[1],action[0],action[1]\n0,0,0,0\n0,0,0,0\n0,nan,0,0\n0,0,0,0\n0,0,0,0\n".utf8))
    },
    Case("NaN weight", "tensor 'w': element 3 is nan") {
      try $0.add("weights.safetensors", Safetensors.encode([("w", [2, 2], [1, 2, 3, .nan]), ("b", [2], [0, 0])]))
    },
    Case("manifest that is no YAML", "policy.yaml") { $0.keys = [("schema", "[1"), ("files", "[]")] },
    Case("manifest that is a list", "policy.yaml") { $0.keys = [("- schema", "1"), ("- files", "[]")] },
  ]

  @Test("a wrong bundle is refused with one line that names file and cause", arguments: cases)
  func wrongBundle(_ wrong: Case) throws {
    var builder = try Self.valid()
    try wrong.change(&builder)
    let error = #expect(throws: PolicyError.self) { try builder.load() }
    guard let error else { return }
    #expect(error.description.hasPrefix(builder.folder.path + "/"), "\(error)")
    #expect(error.description.contains(wrong.text), "\(error)")
    #expect(!error.description.contains("\n"))
  }

  @Test("the bundle that the wrong ones vary is itself accepted")
  func validBundle() throws {
    #expect(try Self.valid().load().description.goldenRows == 6)
  }

  @Test("an unknown key comes with line, column and the nearest known key")
  func suggestion() throws {
    var builder = try Self.valid()
    builder.set("normaliser", nil)
    builder.set("normalizer", "none")
    let error = #expect(throws: PolicyError.self) { try builder.load() }
    #expect(error?.description.contains("policy.yaml:9:1") == true, "\(String(describing: error))")
    #expect(error?.description.contains("normaliser") == true)
  }

  @Test(
    "a wrong safetensors file is refused",
    arguments: [
      ("", "has only 0 bytes"), ("short", "it has only 5 bytes"),
      ("\u{1}\0\0\0\0\0\0\u{7f}{}", "its header claims"), ("\u{2}\0\0\0\0\0\0\0[]", "its header is no object"),
      ("\u{2}\0\0\0\0\0\0\0{]", "its header is not JSON"),
    ])
  func wrongSafetensors(text: String, expected: String) throws {
    try expectWeights(Array(text.utf8), expected)
  }

  @Test(
    "a wrong safetensors header is refused",
    arguments: [
      (
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}",
        "tensor 'w': is not a valid safetensors file: it has 8 bytes, but [1] needs 4"
      ),
      ("{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,12]}}", "it takes bytes 0 to 12, but there are 8"),
      ("{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", "it takes bytes 8 to 0"),
      ("{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", "it takes bytes -8 to 0"),
      ("{\"w\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}", "has the dtype 'I64'"),
      ("{\"w\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", "its shape [-2] is not usable"),
      ("{\"w\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}", "is not usable"),
      ("{\"w\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,8]}}", "bad or too long number"),
      ("{\"w\":{\"dtype\":\"F32\",\"shape\":[2]}}", "dtype, shape or data_offsets is missing"),
      ("{\"w\":7}", "dtype, shape or data_offsets is missing"),
      (
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"v\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
        "overlaps the tensor before it"
      ),
      ("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "leaves bytes before it unused"),
      ("{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "4 bytes at its end belong to no tensor"),
      (
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
        "the key 'w' stands twice"
      ),
      ("{\"w\":" + String(repeating: "[", count: 5000) + "}", "nested too deeply"),
      ("{\"w\":\"\\ud800\"}", "a broken surrogate pair"), ("{\"w\":tru}", "unknown word"),
      ("{\"w\":1.2.3}", "bad number"),
      ("{\"w", "a text does not end"), ("{\"__metadata__\":{\"a\":1}}", "its metadata 'a' is no text"),
    ])
  func wrongHeader(header: String, expected: String) throws {
    try expectWeights(Safetensors.encode(header: header, data: [UInt8](repeating: 0, count: 8)), expected)
  }

  private func expectWeights(_ bytes: [UInt8], _ expected: String) throws {
    var builder = try Self.valid()
    try builder.add("weights.safetensors", bytes)
    let error = #expect(throws: PolicyError.self) { try builder.load() }
    #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    #expect(error?.description.contains("weights.safetensors: ") == true)
    #expect(error?.description.contains("\n") == false)
  }
}
