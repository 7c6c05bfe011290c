import Foundation
import Policies
import Testing

/// LSTM and GRU against the ONNX equations written out, over several steps.
@Suite("Recurrent operators")
struct RecurrentTests {
  typealias Node = OnnxEncoder.Node
  private static let size = 3
  private static let inputs = 2

  private static func numbers(_ count: Int, _ seed: Int) -> [Float] {
    (0..<count).map { Float(sin(Double(($0 + 1) * seed)) * 0.8) }
  }
  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  private static func product(_ matrix: [Float], row: Int, _ x: [Double]) -> Double {
    x.indices.reduce(0) { $0 + Double(matrix[row * x.count + $1]) * x[$1] }
  }

  private static let sequence: [[Double]] = [[0.5, -1], [2, 0.25], [-0.75, 1.5], [0, 0], [1, 1]]

  private static func model(
    _ operation: String, gates: Int, states: [(String, String)], attributes: [(String, OnnxEncoder.Attribute)] = []
  ) -> OnnxEncoder {
    var encoder = OnnxEncoder(
      observations: Int64(inputs),
      nodes: [
        Node(operation: "Unsqueeze", inputs: ["obs", "zero"], outputs: ["x"]),
        Node(
          operation: operation, inputs: ["x", "W", "R", "B", ""] + states.map(\.0), outputs: ["Y"] + states.map(\.1),
          attributes: [("hidden_size", .integer(Int64(size)))] + attributes, name: "cell"),
        Node(operation: "Squeeze", inputs: ["Y", "both"], outputs: ["action"]),
      ],
      weights: [
        ("zero", .integers([0])), ("both", .integers([0, 1])),
        ("W", .floats(numbers(gates * size * inputs, 3), [1, Int64(gates * size), Int64(inputs)])),
        ("R", .floats(numbers(gates * size * size, 5), [1, Int64(gates * size), Int64(size)])),
        ("B", .floats(numbers(2 * gates * size, 7), [1, Int64(2 * gates * size)])),
      ])
    for (input, output) in states {
      encoder.inputs.append(.init(name: input, shape: [1, 1, Int64(size)]))
      encoder.outputs.append(.init(name: output, shape: [1, 1, Int64(size)]))
    }
    return encoder
  }

  private static func load(_ encoder: OnnxEncoder, options: PolicyOptions = PolicyOptions()) throws -> LoadedPolicy {
    let folder = try TemporaryFolder()
    return try PolicyLoader.load(path: folder.write("recurrent.onnx", encoder.bytes), options: options)
  }

  @Test("a GRU follows its equations, the reset gate before or after the product", arguments: [0, 1] as [Int64])
  func gru(linearBeforeReset: Int64) throws {
    let w = Self.numbers(3 * Self.size * Self.inputs, 3)
    let r = Self.numbers(3 * Self.size * Self.size, 5)
    let b = Self.numbers(6 * Self.size, 7).map { Double($0) }
    var h = [Double](repeating: 0, count: Self.size)
    var expected: [[Double]] = []
    for x in Self.sequence {
      let n = Self.size
      let z = (0..<n).map {
        Self.sigmoid(Self.product(w, row: $0, x) + Self.product(r, row: $0, h) + b[$0] + b[3 * n + $0])
      }
      let reset = (0..<n).map {
        Self.sigmoid(Self.product(w, row: n + $0, x) + Self.product(r, row: n + $0, h) + b[n + $0] + b[4 * n + $0])
      }
      let gated = (0..<n).map { reset[$0] * h[$0] }
      let c = (0..<n).map { i in
        linearBeforeReset == 1
          ? tanh(
            Self.product(w, row: 2 * n + i, x) + reset[i] * (Self.product(r, row: 2 * n + i, h) + b[5 * n + i])
              + b[2 * n + i])
          : tanh(
            Self.product(w, row: 2 * n + i, x) + Self.product(r, row: 2 * n + i, gated) + b[5 * n + i] + b[2 * n + i])
      }
      h = (0..<n).map { (1 - z[$0]) * c[$0] + z[$0] * h[$0] }
      expected.append(h)
    }
    let policy = try Self.load(
      Self.model(
        "GRU", gates: 3, states: [("h_in", "h_out")], attributes: [("linear_before_reset", .integer(linearBeforeReset))]
      ))
    #expect(policy.description.isRecurrent)
    let got = try policy.run(Self.sequence, sequence: true)
    #expect(largestDifference(got.map(\.action), expected) < 1e-5)
  }

  @Test("an LSTM follows its equations with hidden and cell state")
  func lstm() throws {
    let w = Self.numbers(4 * Self.size * Self.inputs, 3)
    let r = Self.numbers(4 * Self.size * Self.size, 5)
    let b = Self.numbers(8 * Self.size, 7).map { Double($0) }
    let n = Self.size
    var h = [Double](repeating: 0, count: n)
    var c = h
    var expected: [[Double]] = []
    for x in Self.sequence {
      func gate(_ index: Int, _ i: Int) -> Double {
        Self.product(w, row: index * n + i, x) + Self.product(r, row: index * n + i, h) + b[index * n + i]
          + b[(4 + index) * n + i]
      }
      let next = (0..<n).map { Self.sigmoid(gate(2, $0)) * c[$0] + Self.sigmoid(gate(0, $0)) * tanh(gate(3, $0)) }
      h = (0..<n).map { Self.sigmoid(gate(1, $0)) * tanh(next[$0]) }
      c = next
      expected.append(h)
    }
    let policy = try Self.load(Self.model("LSTM", gates: 4, states: [("h_in", "h_out"), ("c_in", "c_out")]))
    #expect(policy.description.recurrentPairs.count == 2)
    let got = try policy.run(Self.sequence, sequence: true)
    #expect(largestDifference(got.map(\.action), expected) < 1e-5)
  }

  @Test(
    "state is recognised under the names that exporters use",
    arguments: [
      ("h_in", "h_out"), ("hidden_in", "hidden_out"), ("h0", "hn"), ("state_in_0", "state_out_0"), ("h", "h_out"),
      ("prev_hidden", "next_hidden"), ("hidden", "new_hidden"), ("hidden_state", "hidden_state_out"),
    ])
  func names(input: String, output: String) throws {
    let policy = try Self.load(Self.model("GRU", gates: 3, states: [(input, output)]))
    #expect(policy.description.recurrentPairs == [RecurrentPair(input: input, output: output)])
  }

  @Test("a name that proves nothing is not guessed, and an explicit pair settles it")
  func explicitPair() throws {
    let encoder = Self.model("GRU", gates: 3, states: [("memory", "result")])
    let error = #expect(throws: PolicyError.self) { try Self.load(encoder) }
    #expect(error?.code == .ambiguous)
    #expect(error?.description.contains("'memory' [1, 1, 3]") == true)
    #expect(error?.description.contains("recurrent: [{input: …, output: …}]") == true)
    let pair = RecurrentPair(input: "memory", output: "result")
    let policy = try Self.load(encoder, options: PolicyOptions(recurrentPairs: [pair]))
    #expect(policy.description.recurrentPairs == [pair])
  }

  @Test("two candidates for one state are an error that names both")
  func ambiguousPair() throws {
    var encoder = Self.model("GRU", gates: 3, states: [("h_in", "h_out")])
    encoder.nodes.append(Node(operation: "Identity", inputs: ["h_out"], outputs: ["new_h"]))
    encoder.outputs.append(.init(name: "new_h", shape: [1, 1, 3]))
    let error = #expect(throws: PolicyError.self) { try Self.load(encoder) }
    #expect(error?.description.contains("'h_out' or 'new_h'") == true)
  }

  @Test("last_action_in is not fed by the action unless the user says so")
  func lastAction() throws {
    var encoder = OnnxEncoder(
      observations: 2, nodes: [Node(operation: "Add", inputs: ["obs", "last_action_in"], outputs: ["action"])])
    encoder.inputs.append(.init(name: "last_action_in", shape: [1, 2]))
    let error = #expect(throws: PolicyError.self) { try Self.load(encoder) }
    #expect(error?.code == .ambiguous)
    let policy = try Self.load(
      encoder,
      options: PolicyOptions(actionOutput: "action", recurrentPairs: [.init(input: "last_action_in", output: "action")])
    )
    let got = try policy.run([[1, 2], [1, 2], [1, 2]], sequence: true)
    #expect(got.map(\.action) == [[1, 2], [2, 4], [3, 6]])
  }
}
