import Networks
import Testing

/// A mistake, the call that makes it and what the error must name.
struct Mistake: CustomTestStringConvertible, Sendable {
  var name: String
  var mentions: [String]
  var make: @Sendable (inout ProgramBuilder) throws -> Void
  var testDescription: String { name }

  init(_ name: String, _ mentions: String..., make: @escaping @Sendable (inout ProgramBuilder) throws -> Void) {
    self.name = name
    self.mentions = mentions
    self.make = make
  }

  static let shapes: [Mistake] = [
    Mistake("zero dimension", "input \"x\"", "[2, 0]") { _ = try $0.input("x", shape: [2, 0]) },
    Mistake("negative dimension", "[-3]") { _ = try $0.input("x", shape: [-3]) },
    Mistake("overflowing product", "elements") { _ = try $0.input("x", shape: [1 << 40, 1 << 40]) },
    Mistake("largest integer", "elements") { _ = try $0.input("x", shape: [.max, .max, .max]) },
    Mistake("too many elements", "67108864") { _ = try $0.input("x", shape: [1 << 27]) },
    Mistake("too many dimensions", "8 dimensions") { _ = try $0.input("x", shape: [1, 1, 1, 1, 1, 1, 1, 1, 1]) },
    Mistake("input twice", "\"x\"", "twice") {
      _ = try $0.input("x", shape: [1])
      _ = try $0.input("x", shape: [1])
    },
    Mistake("constant of wrong size", "constant \"table\"", "3 numbers", "[2, 2]") {
      _ = try $0.constant([1, 2, 3], shape: [2, 2], name: "table")
    },
    Mistake("dense with too few weights", "dense \"actor.0\"", "5 weights", "[2, 3]") {
      let x = try $0.input("x", shape: [1, 3])
      _ = try $0.dense(x, weights: [1, 2, 3, 4, 5], bias: nil, outputs: 2, activation: .tanh, name: "actor.0")
    },
    Mistake("dense with a wrong bias", "dense", "1 bias", "2 outputs") {
      let x = try $0.input("x", shape: [1, 3])
      _ = try $0.dense(x, weights: [1, 2, 3, 4, 5, 6], bias: [1], outputs: 2, activation: .tanh)
    },
    Mistake("dense on several rows", "dense", "[2, 3]") {
      let x = try $0.input("x", shape: [2, 3])
      _ = try $0.dense(x, weights: [1, 2, 3], bias: nil, outputs: 1, activation: .tanh)
    },
    Mistake("dense with no outputs", "dense", "below 1") {
      let x = try $0.input("x", shape: [3])
      _ = try $0.dense(x, weights: [], bias: nil, outputs: 0, activation: .tanh)
    },
    Mistake("dense with negative outputs", "below 1") {
      let x = try $0.input("x", shape: [3])
      _ = try $0.dense(x, weights: [], bias: nil, outputs: .min, activation: .tanh)
    },
    Mistake("shapes that do not broadcast", "add", "[2, 3]", "[2]") {
      _ = try $0.binary(.add, $0.input("a", shape: [2, 3]), $0.input("b", shape: [2]))
    },
    Mistake("broadcast beyond the limit", "multiply", "elements") {
      _ = try $0.binary(.multiply, $0.input("a", shape: [1 << 20, 1]), $0.input("b", shape: [1, 1 << 20]))
    },
    Mistake("matmul of unequal inner dimensions", "matmul", "[2, 3]", "[2, 4]") {
      _ = try $0.matmul($0.input("a", shape: [2, 3]), $0.input("b", shape: [2, 4]))
    },
    Mistake("matmul of a scalar", "matmul", "scalar") {
      _ = try $0.matmul($0.input("a", shape: []), $0.input("b", shape: [2]))
    },
    Mistake("matmul beyond the limit", "matmul", "elements") {
      _ = try $0.matmul($0.input("a", shape: [1 << 16, 1]), $0.input("b", shape: [1, 1 << 16]))
    },
    Mistake("reshape to another size", "reshape", "[2, 3]", "[4]") {
      _ = try $0.reshape($0.input("a", shape: [2, 3]), to: [4])
    },
    Mistake("reshape with two open dimensions", "reshape", "[-1, -1]") {
      _ = try $0.reshape($0.input("a", shape: [4]), to: [-1, -1])
    },
    Mistake("reshape that does not divide", "reshape", "divide") {
      _ = try $0.reshape($0.input("a", shape: [5]), to: [2, -1])
    },
    Mistake("transpose with a repeated axis", "transpose", "[0, 0]") {
      _ = try $0.transpose($0.input("a", shape: [2, 3]), permutation: [0, 0])
    },
    Mistake("concat of unequal shapes", "concat", "[2, 3]", "[3, 3]") {
      _ = try $0.concat([$0.input("a", shape: [2, 3]), $0.input("b", shape: [3, 3])], axis: 1)
    },
    Mistake("concat of nothing", "concat") { _ = try $0.concat([], axis: 0) },
    Mistake("concat of scalars", "concat", "axis 0") {
      let a = try $0.input("a", shape: [])
      _ = try $0.concat([a, a], axis: 0)
    },
    Mistake("slice with a step of 0", "slice", "step 0") {
      _ = try $0.slice($0.input("a", shape: [4]), starts: [0], ends: [4], axes: nil, steps: [0])
    },
    Mistake("empty slice", "slice", "nothing") { _ = try $0.slice($0.input("a", shape: [4]), starts: [3], ends: [1]) },
    Mistake("slice of a missing axis", "slice", "axis 1") {
      _ = try $0.slice($0.input("a", shape: [4]), starts: [0], ends: [1], axes: [1])
    },
    Mistake("slice of an axis twice", "slice", "twice") {
      _ = try $0.slice($0.input("a", shape: [4]), starts: [0, 0], ends: [1, 1], axes: [0, -1])
    },
    Mistake("slice with unequal lists", "slice", "differ") {
      _ = try $0.slice($0.input("a", shape: [4]), starts: [0], ends: [1, 2])
    },
    Mistake("gather outside", "gather", "4") { _ = try $0.gather($0.input("a", shape: [4]), indices: [4], axis: 0) },
    Mistake("gather of nothing", "gather", "below 1") {
      _ = try $0.gather($0.input("a", shape: [4]), indices: [], axis: 0)
    },
    Mistake("expand that shrinks", "expand", "[3]", "[2]") { _ = try $0.expand($0.input("a", shape: [3]), to: [2]) },
    Mistake("softmax of a missing axis", "softmax", "axis 2") {
      _ = try $0.softmax($0.input("a", shape: [3]), axis: 2)
    },
    Mistake("reduce of the smallest integer", "reduce", "axis") {
      _ = try $0.reduce(.sum, $0.input("a", shape: [3]), axes: [.min], keepDimensions: true)
    },
    Mistake("layer normalisation with a wrong scale", "layerNormalization", "scale", "[2]") {
      let x = try $0.input("a", shape: [3])
      _ = try $0.layerNormalization(x, axis: 0, scale: $0.input("s", shape: [2]))
    },
    Mistake("clip upside down", "clip", "2.0", "1.0") { _ = try $0.clip($0.input("a", shape: [3]), low: 2, high: 1) },
    Mistake("clip to NaN", "not a number") { _ = try $0.clip($0.input("a", shape: [3]), low: .nan, high: 1) },
    Mistake("gru with too few weights", "gru", "recurrent weights", "[6, 2]") {
      let x = try $0.input("x", shape: [1])
      let h = try $0.input("h", shape: [2])
      _ = try $0.gru(
        x, hidden: h, inputWeights: [1, 2, 3, 4, 5, 6], recurrentWeights: [1], bias: nil, size: 2,
        linearBeforeReset: true)
    },
    Mistake("gru of a huge size", "gru", "out of range") {
      let x = try $0.input("x", shape: [1])
      _ = try $0.gru(
        x, hidden: x, inputWeights: [], recurrentWeights: [], bias: nil, size: .max, linearBeforeReset: false)
    },
    Mistake("lstm with a wrong cell", "lstm", "cell", "[3]") {
      let x = try $0.input("x", shape: [1])
      let h = try $0.input("h", shape: [1])
      let c = try $0.input("c", shape: [3])
      _ = try $0.lstm(
        x, hidden: h, cell: c, inputWeights: [1, 2, 3, 4], recurrentWeights: [1, 2, 3, 4], bias: nil, size: 1)
    },
    Mistake("a value of another builder", "does not belong") {
      var other = ProgramBuilder()
      for index in 0..<5 { _ = try other.input("\(index)", shape: [index + 1]) }
      _ = try $0.unary(.tanh, other.input("foreign", shape: [9]))
    },
  ]

  static let builds: [Mistake] = [
    Mistake("NaN weight", "dense \"critic\"", "[1, 0]", "nan") {
      let x = try $0.input("x", shape: [2])
      let y = try $0.dense(x, weights: [1, 2, .nan, 4], bias: nil, outputs: 2, activation: .tanh, name: "critic")
      _ = try $0.build(outputs: [("y", y)])
    },
    Mistake("infinite bias", "dense", "bias [0]", "inf") {
      let x = try $0.input("x", shape: [2])
      let y = try $0.dense(x, weights: [1, 2], bias: [.infinity], outputs: 1, activation: .tanh)
      _ = try $0.build(outputs: [("y", y)])
    },
    Mistake("NaN constant", "constant \"mean\"", "number 1") {
      let x = try $0.input("x", shape: [2])
      let y = try $0.binary(.subtract, x, $0.constant([0, .nan], shape: [2], name: "mean"))
      _ = try $0.build(outputs: [("y", y)])
    },
    Mistake("NaN in a recurrent layer", "gru \"memory\" input", "[1, 0]") {
      let x = try $0.input("x", shape: [1])
      let h = try $0.input("h", shape: [1])
      let y = try $0.gru(
        x, hidden: h, inputWeights: [1, .nan, 3], recurrentWeights: [1, 2, 3], bias: nil, size: 1,
        linearBeforeReset: true, name: "memory")
      _ = try $0.build(outputs: [("y", y)])
    },
    Mistake("no outputs", "output") { _ = try $0.build(outputs: []) },
    Mistake("feedback to nowhere", "\"h\"") {
      let x = try $0.input("x", shape: [2])
      _ = try $0.build(outputs: [("x", x)], feedback: [(from: x, to: "h")])
    },
    Mistake("feedback of another size", "\"h\"", "[2]", "[3]") {
      let x = try $0.input("x", shape: [2])
      _ = try $0.input("h", shape: [3])
      _ = try $0.build(outputs: [("x", x)], feedback: [(from: x, to: "h")])
    },
    Mistake("feedback twice to one input", "\"x\"", "twice") {
      let x = try $0.input("x", shape: [2])
      _ = try $0.build(outputs: [("x", x)], feedback: [(from: x, to: "x"), (from: x, to: "x")])
    },
    Mistake("more memory than the limit", "MiB") {
      var x = try $0.input("x", shape: [1 << 26])
      for _ in 0..<3 { x = try $0.unary(.tanh, x) }
      _ = try $0.build(outputs: [("x", x)])
    },
    Mistake("constants whose product takes for ever", "multiply-accumulates") {
      let x = try $0.expand($0.constant([1], shape: [1, 1]), to: [4096, 4096])
      let y = try $0.matmul(x, x)
      _ = try $0.build(outputs: [("y", y)])
    },
    Mistake("a constant that folds beyond the limit", "MiB") {
      var x = try $0.expand($0.constant([1], shape: [1]), to: [1 << 26])
      for _ in 0..<3 { x = try $0.unary(.tanh, x) }
      _ = try $0.build(outputs: [("x", x)])
    },
  ]
}

@Suite("Network errors") struct NetworkErrorTests {
  @Test("hostile sizes end in an error or a value, never in a trap") func hostileSizes() {
    var noise = Noise(40)
    let sizes = [Int.min, .max, -1, 0, 1, 2, 3, 1 << 26, 1 << 31, 1 << 32, 1 << 62, -(1 << 62), .max - 1, .min + 1]
    func size() -> Int { sizes[noise.integer(0...(sizes.count - 1))] }
    func list() -> [Int] { (0..<noise.integer(0...3)).map { _ in size() } }
    var refused = 0
    for round in 0..<20_000 {
      var builder = ProgramBuilder()
      do {
        let shape = round.isMultiple(of: 2) ? [2, 3, 4] : list()
        let x = try builder.input("x", shape: shape)
        let weights = [Float](repeating: 1, count: 12)
        switch noise.integer(0...12) {
        case 0: _ = try builder.reshape(x, to: list())
        case 1: _ = try builder.transpose(x, permutation: list())
        case 2: _ = try builder.slice(x, starts: list(), ends: list(), axes: list(), steps: list())
        case 3: _ = try builder.slice(x, starts: [size()], ends: [size()], axes: [size() & 1], steps: [size()])
        case 4: _ = try builder.gather(x, indices: list(), axis: size())
        case 5: _ = try builder.expand(x, to: list())
        case 6: _ = try builder.concat([x, builder.input("y", shape: list())], axis: size())
        case 7: _ = try builder.matmul(x, builder.input("y", shape: list()))
        case 8: _ = try builder.binary(.add, x, builder.input("y", shape: list()))
        case 9: _ = try builder.reduce(.sum, x, axes: list(), keepDimensions: false)
        case 10: _ = try builder.dense(x, weights: weights, bias: nil, outputs: size(), activation: .tanh)
        case 11:
          _ = try builder.gru(
            x, hidden: x, inputWeights: weights, recurrentWeights: weights, bias: weights, size: size(),
            linearBeforeReset: false)
        default: _ = try builder.layerNormalization(x, axis: size())
        }
      } catch { refused += 1 }
    }
    #expect(refused > 10_000)
  }

  @Test("a mistake is refused in one line that names it", arguments: Mistake.shapes + Mistake.builds)
  func refused(_ mistake: Mistake) throws {
    var builder = ProgramBuilder()
    let error = #expect(throws: NetworkError.self) { try mistake.make(&builder) }
    let text = try #require(error).description
    for word in mistake.mentions { #expect(text.contains(word), "\(text)") }
    #expect(!text.contains("\n"))
  }
}
