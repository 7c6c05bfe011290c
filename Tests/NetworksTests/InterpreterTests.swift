import Glibc
import Networks
import Testing

/// A dense array of doubles with NumPy's indexing, the naive reference of the interpreter.
struct Tensor {
  var shape: [Int]
  var values: [Double]

  init(_ shape: [Int], _ values: [Double]) {
    self.shape = shape
    self.values = values
  }

  /// Every element computed from its multi-index.
  init(_ shape: [Int], _ element: ([Int]) -> Double) {
    self.shape = shape
    values = Tensor.indices(shape).map(element)
  }

  /// All multi-indices of a shape in row-major order.
  static func indices(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { prefixes, size in prefixes.flatMap { prefix in (0..<size).map { prefix + [$0] } } }
  }

  subscript(index: [Int]) -> Double {
    var flat = 0
    for (size, position) in zip(shape, index) { flat = flat * size + position }
    return values[flat]
  }

  /// The element that broadcasting to a larger shape puts at `index`.
  func broadcast(_ index: [Int]) -> Double {
    self[zip(shape, index.suffix(shape.count)).map { $0 == 1 ? 0 : $1 }]
  }

  static func broadcastShape(_ shapes: [[Int]]) -> [Int] {
    let rank = shapes.map(\.count).max() ?? 0
    return (0..<rank).map { axis in
      shapes.map { axis < rank - $0.count ? 1 : $0[axis - (rank - $0.count)] }.max() ?? 1
    }
  }
}

extension Noise {
  mutating func shape(rank: ClosedRange<Int> = 0...4) -> [Int] {
    (0..<integer(rank)).map { _ in integer(1...4) }
  }

  /// A shape that broadcasts with `shape`: some dimensions 1, some leading ones missing.
  mutating func partner(of shape: [Int]) -> [Int] {
    shape.dropFirst(integer(0...shape.count)).map { integer(0...2) == 0 ? 1 : $0 }
  }

  mutating func tensor(_ shape: [Int]) -> Tensor {
    // Quarters: sums and products of them are exact, equal pairs and zeros occur.
    Tensor(shape, (0..<shape.reduce(1, *)).map { _ in Double(integer(-8...8)) / 4 })
  }
}

@Suite("Interpreter") struct InterpreterTests {
  static let rounds = 150

  /// Builds a program of the given inputs with `operation`, runs it and compares shape and numbers.
  static func check(
    _ inputs: [Tensor], tolerance: Double = 0, _ operation: (inout ProgramBuilder, [Value]) throws -> Value,
    _ expected: Tensor, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var builder = ProgramBuilder()
    var values: [Value] = []
    for (index, input) in inputs.enumerated() { values.append(try builder.input("x\(index)", shape: input.shape)) }
    let y = try operation(&builder, values)
    var program = try builder.build(outputs: [("y", y)])
    for (index, input) in inputs.enumerated() {
      _ = program.input(index).update(fromContentsOf: input.values.map { Float($0) })
    }
    program.run()
    let shape = program.outputs[0].shape
    let got = Array(program.output(0))
    #expect(shape == expected.shape, comment, sourceLocation: sourceLocation)
    #expect(got.count == expected.values.count, comment, sourceLocation: sourceLocation)
    #expect(largestError(got, expected.values) <= tolerance, comment, sourceLocation: sourceLocation)
  }

  static func exact(_ operation: BinaryOperation) -> (Double, Double) -> Double {
    switch operation {
    case .add: { $0 + $1 }
    case .subtract: { $0 - $1 }
    case .multiply: { $0 * $1 }
    case .divide: { $0 / $1 }
    case .power: { pow($0, $1) }
    case .minimum: { $0.isNaN || $1.isNaN ? .nan : Swift.min($0, $1) }
    case .maximum: { $0.isNaN || $1.isNaN ? .nan : Swift.max($0, $1) }
    case .greater: { $0 > $1 ? 1 : 0 }
    case .less: { $0 < $1 ? 1 : 0 }
    case .equal: { $0 == $1 ? 1 : 0 }
    case .greaterOrEqual: { $0 >= $1 ? 1 : 0 }
    case .lessOrEqual: { $0 <= $1 ? 1 : 0 }
    case .and: { $0 != 0 && $1 != 0 ? 1 : 0 }
    case .or: { $0 != 0 || $1 != 0 ? 1 : 0 }
    }
  }

  @Test("every binary operation broadcasts as NumPy does", arguments: BinaryOperation.allCases)
  func binary(_ operation: BinaryOperation) throws {
    var noise = Noise(UInt64(operation.rawValue))
    let exact = Self.exact(operation)
    for round in 0..<Self.rounds {
      let whole = noise.shape()
      var a = noise.tensor(round.isMultiple(of: 2) ? whole : noise.partner(of: whole))
      let b = noise.tensor(round.isMultiple(of: 2) ? noise.partner(of: whole) : whole)
      if operation == .minimum || operation == .maximum, round % 5 == 0 { a.values[0] = .nan }
      let shape = Tensor.broadcastShape([a.shape, b.shape])
      let expected = Tensor(shape) { exact(a.broadcast($0), b.broadcast($0)) }
      let tolerance = operation == .power || operation == .divide ? 1e-3 : 0
      try Self.check(
        [a, b], tolerance: tolerance, { try $0.binary(operation, $1[0], $1[1]) }, expected, "\(a.shape) \(b.shape)")
    }
  }

  @Test("select broadcasts its three operands") func select() throws {
    var noise = Noise(20)
    for _ in 0..<Self.rounds {
      let whole = noise.shape()
      let c = noise.tensor(noise.partner(of: whole))
      let a = noise.tensor(noise.partner(of: whole))
      let b = noise.tensor(whole)
      let expected = Tensor(Tensor.broadcastShape([c.shape, a.shape, b.shape])) {
        c.broadcast($0) != 0 ? a.broadcast($0) : b.broadcast($0)
      }
      try Self.check([c, a, b], { try $0.select($1[0], $1[1], $1[2]) }, expected)
    }
  }

  static func exact(_ operation: UnaryOperation) -> (Double) -> Double {
    switch operation {
    case .negate: { -$0 }
    case .abs: { Swift.abs($0) }
    case .exp: { exp($0) }
    case .log: { log($0) }
    case .sqrt: { $0.squareRoot() }
    case .tanh: { tanh($0) }
    case .sigmoid: Reference.sigmoid
    case .relu: { Swift.max(0, $0) }
    case .softplus: { log1p(exp($0)) }
    case .softsign: { $0 / (1 + Swift.abs($0)) }
    case .erf: { erf($0) }
    case .gelu: { $0 / 2 * (1 + erf($0 / 2.0.squareRoot())) }
    case .geluTanh: { $0 / 2 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
    case .silu: Reference.silu
    case .floor: { $0.rounded(.down) }
    case .ceil: { $0.rounded(.up) }
    case .round: { $0.rounded(.toNearestOrEven) }
    case .reciprocal: { 1 / $0 }
    case .not: { $0 == 0 ? 1 : 0 }
    case .sign: { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }
    case .sin: { sin($0) }
    case .cos: { cos($0) }
    case .identity: { $0 }
    }
  }

  @Test("every unary operation agrees with double precision and keeps NaN", arguments: UnaryOperation.allCases)
  func unary(_ operation: UnaryOperation) throws {
    let exact = Self.exact(operation)
    // Quarters are exact in float; logarithm and root give NaN below zero on both sides.
    let x = Tensor([7, 7], (0..<49).map { Double($0 - 24) / 4 })
    try Self.check([x], tolerance: 4e-5, { try $0.unary(operation, $1[0]) }, Tensor([7, 7], x.values.map(exact)))
    try Self.check(
      [Tensor([3], [0.5, .nan, 0.5])], tolerance: 1e-6, { try $0.unary(operation, $1[0]) },
      Tensor([3], [exact(0.5), .nan, exact(0.5)]))
  }

  @Test("softplus neither overflows nor loses small values") func softplus() throws {
    try Self.check(
      [Tensor([4], [1000, -1000, -20, 0])], tolerance: 1e-7, { try $0.unary(.softplus, $1[0]) },
      Tensor([4], [1000, 0, exp(-20), log(2)]))
  }

  @Test("the parametrised activations follow their formulas", arguments: [-3.0, -0.5, 0, 0.25, 2, 6])
  func activations(_ x: Double) throws {
    let cases: [(Activation, Double)] = [
      (.selu(alpha: 1.6732632, gamma: 1.050701), 1.050701 * (x > 0 ? x : 1.6732632 * expm1(x))),
      (.hardSigmoid(alpha: 0.2, beta: 0.5), Swift.min(1, Swift.max(0, 0.2 * x + 0.5))),
      (.softplus, log1p(exp(x))), (.softsign, x / (1 + abs(x))), (.gelu, x / 2 * (1 + erf(x / 2.0.squareRoot()))),
      (.elu(alpha: 2), Reference.elu(x, 2)), (.leakyRelu(slope: 0.25), x > 0 ? x : x / 4),
    ]
    for (activation, expected) in cases {
      try Self.check(
        [Tensor([2], [x, .nan])], tolerance: 1e-6, { try $0.activation(activation, $1[0]) },
        Tensor([2], [expected, .nan]), "\(activation)")
    }
  }

  @Test("matmul follows NumPy's rules for vectors, matrices and batches") func matmul() throws {
    var noise = Noise(21)
    for _ in 0..<Self.rounds {
      let (m, k, n) = (noise.integer(1...4), noise.integer(1...5), noise.integer(1...4))
      let batch = noise.shape(rank: 0...2)
      let a = noise.tensor(noise.integer(0...3) == 0 ? [k] : noise.partner(of: batch) + [m, k])
      let b = noise.tensor(noise.integer(0...3) == 0 ? [k] : batch + [k, n])
      let left = a.shape.count == 1 ? Tensor([1, k], a.values) : a
      let right = b.shape.count == 1 ? Tensor([k, 1], b.values) : b
      let outer = Tensor.broadcastShape([Array(left.shape.dropLast(2)), Array(right.shape.dropLast(2))])
      let wide = Tensor(outer + [left.shape[left.shape.count - 2], right.shape[right.shape.count - 1]]) { index in
        let front = Array(index.dropLast(2))
        return (0..<k).reduce(0) {
          $0 + left.broadcast(front + [index[index.count - 2], $1])
            * right.broadcast(front + [$1, index[index.count - 1]])
        }
      }
      var shape = outer
      if a.shape.count > 1 { shape.append(wide.shape[wide.shape.count - 2]) }
      if b.shape.count > 1 { shape.append(wide.shape[wide.shape.count - 1]) }
      try Self.check(
        [a, b], { try $0.matmul($1[0], $1[1]) }, Tensor(shape, wide.values), "\(a.shape) \(b.shape)")
    }
  }

  @Test("transpose, reshape and expand move every element to its place") func movement() throws {
    var noise = Noise(22)
    for _ in 0..<Self.rounds {
      let x = noise.tensor(noise.shape(rank: 1...4))
      var order = Array(x.shape.indices)
      for index in order.indices { order.swapAt(index, noise.integer(0...(order.count - 1))) }
      let transposed = Tensor(order.map { x.shape[$0] }) { index in
        var source = index
        for (position, axis) in order.enumerated() { source[axis] = index[position] }
        return x[source]
      }
      try Self.check([x], { try $0.transpose($1[0], permutation: order) }, transposed)
      try Self.check(
        [x], { try $0.reshape($1[0], to: [-1, x.shape[0]]) },
        Tensor([x.values.count / x.shape[0], x.shape[0]], x.values))

      let whole = noise.shape(rank: 1...4)
      let small = noise.tensor(noise.partner(of: whole))
      try Self.check([small], { try $0.expand($1[0], to: whole) }, Tensor(whole) { small.broadcast($0) })
    }
  }

  @Test("slices walk forwards and backwards with ONNX's clamping") func slices() throws {
    var noise = Noise(23)
    var compared = 0
    for _ in 0..<(4 * Self.rounds) {
      let x = noise.tensor(noise.shape(rank: 1...3))
      let axis = noise.integer(0...(x.shape.count - 1))
      let size = x.shape[axis]
      let start = noise.integer(-6...6)
      let end = [Int.min, -9, -2, -1, 0, 1, 2, 3, 4, 9, Int.max][noise.integer(0...10)]
      let step = [-3, -2, -1, 1, 2, 3][noise.integer(0...5)]
      // Python's rule, which ONNX shares.
      let low = step > 0 ? 0 : -1
      let high = step > 0 ? size : size - 1
      func place(_ value: Int) -> Int {
        Swift.min(Swift.max(value < 0 ? value + (value == .min ? 0 : size) : value, low), high)
      }
      let kept = Array(stride(from: place(start), to: place(end), by: step))
      let operation: (inout ProgramBuilder, [Value]) throws -> Value = {
        try $0.slice($1[0], starts: [start], ends: [end], axes: [axis - x.shape.count], steps: [step])
      }
      if kept.isEmpty {
        var builder = ProgramBuilder()
        let input = try builder.input("x", shape: x.shape)
        #expect(throws: NetworkError.self) { try operation(&builder, [input]) }
        continue
      }
      var shape = x.shape
      shape[axis] = kept.count
      let expected = Tensor(shape) { index in
        var source = index
        source[axis] = kept[index[axis]]
        return x[source]
      }
      try Self.check([x], operation, expected, "\(x.shape)[\(start):\(end):\(step)] along \(axis)")
      compared += 1
    }
    #expect(compared > Self.rounds)
  }

  @Test("gather and concat pick and join along any axis") func gatherAndConcat() throws {
    var noise = Noise(24)
    for _ in 0..<Self.rounds {
      let x = noise.tensor(noise.shape(rank: 1...4))
      let axis = noise.integer(0...(x.shape.count - 1))
      let size = x.shape[axis]
      let rows = (0..<noise.integer(1...5)).map { _ in noise.integer(-size...(size - 1)) }
      var shape = x.shape
      shape[axis] = rows.count
      let gathered = Tensor(shape) { index in
        var source = index
        source[axis] = (rows[index[axis]] + size) % size
        return x[source]
      }
      try Self.check([x], { try $0.gather($1[0], indices: rows, axis: axis) }, gathered)

      shape[axis] = noise.integer(1...3)
      let other = noise.tensor(shape)
      shape[axis] += 2 * size
      let joined = Tensor(shape) { index in
        var source = index
        if index[axis] < size { return x[source] }
        source[axis] -= size
        if source[axis] < other.shape[axis] { return other[source] }
        source[axis] -= other.shape[axis]
        return x[source]
      }
      try Self.check([x, other], { try $0.concat([$1[0], $1[1], $1[0]], axis: axis) }, joined)
    }
  }

  @Test("reductions over any axes", arguments: Reduction.allCases) func reductions(_ reduction: Reduction) throws {
    var noise = Noise(25)
    for round in 0..<Self.rounds {
      let x = noise.tensor(noise.shape(rank: 1...4))
      let axes = x.shape.indices.filter { _ in noise.integer(0...1) == 0 }
      let reduced = axes.isEmpty ? Array(x.shape.indices) : axes
      let kept = x.shape.indices.map { reduced.contains($0) ? 1 : x.shape[$0] }
      let inner = Tensor.indices(x.shape.indices.map { reduced.contains($0) ? x.shape[$0] : 1 })
      let expected = Tensor(kept) { index in
        let elements = inner.map { offset in x[zip(index, offset).map { $0 + $1 }] }
        switch reduction {
        case .sum: return elements.reduce(0, +)
        case .mean: return elements.reduce(0, +) / Double(elements.count)
        case .max: return elements.max() ?? 0
        case .min: return elements.min() ?? 0
        }
      }
      let keep = round.isMultiple(of: 2)
      let shape = keep ? kept : x.shape.indices.filter { !reduced.contains($0) }.map { x.shape[$0] }
      try Self.check(
        [x], tolerance: 1e-6, { try $0.reduce(reduction, $1[0], axes: axes, keepDimensions: keep) },
        Tensor(shape, expected.values))
    }
  }

  @Test("softmax sums to one along its axis, for large numbers too") func softmax() throws {
    var noise = Noise(26)
    for round in 0..<Self.rounds {
      var x = noise.tensor(noise.shape(rank: 1...4))
      if round % 3 == 0 { x.values = x.values.map { $0 * 400 } }
      let axis = noise.integer(0...(x.shape.count - 1))
      let expected = Tensor(x.shape) { index in
        let line = (0..<x.shape[axis]).map { position in
          var source = index
          source[axis] = position
          return x[source]
        }
        let largest = line.max() ?? 0
        return exp(x[index] - largest) / line.reduce(0) { $0 + exp($1 - largest) }
      }
      try Self.check([x], tolerance: 2e-7, { try $0.softmax($1[0], axis: axis) }, expected)
    }
  }

  @Test("layer normalisation over the trailing dimensions") func layerNormalization() throws {
    var noise = Noise(27)
    for round in 0..<Self.rounds {
      let x = noise.tensor(noise.shape(rank: 1...3))
      let axis = noise.integer(0...(x.shape.count - 1))
      let trailing = Array(x.shape[axis...])
      let scale = noise.tensor(trailing)
      let bias = noise.tensor(trailing)
      let (hasScale, hasBias) = (round % 2 == 0, round % 3 != 0)
      let inner = Tensor.indices(trailing)
      let expected = Tensor(x.shape) { index in
        let front = Array(index[..<axis])
        let back = Array(index[axis...])
        let elements = inner.map { x[front + $0] }
        let mean = elements.reduce(0, +) / Double(elements.count)
        let variance = elements.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(elements.count)
        let normal = (x[index] - mean) / (variance + Double(Float(1e-3))).squareRoot()
        return normal * (hasScale ? scale[back] : 1) + (hasBias ? bias[back] : 0)
      }
      try Self.check(
        [x, scale, bias], tolerance: 1e-5,
        {
          try $0.layerNormalization(
            $1[0], axis: axis, scale: hasScale ? $1[1] : nil, bias: hasBias ? $1[2] : nil, epsilon: 1e-3)
        }, expected)
    }
  }
}
