/// A value of a network under construction: a handle made by a `ProgramBuilder`, with its static row-major shape.
public struct Value: Sendable, Hashable {
  let index: Int
  /// Dimensions; empty for a scalar.
  public let shape: [Int]

  /// Number of elements.
  public var count: Int { shape.reduce(1, *) }
}

/// Collects a network's operations and compiles them into a `Program`.
///
/// All shapes are static. Every call checks its operands and throws a `NetworkError` that names the operation and the
/// shapes; nothing traps on sizes from a file. Not for the control thread: builders allocate.
public struct ProgramBuilder {
  var graph = Graph()
  private var inputNames: Set<String> = []

  /// An empty network.
  public init() {}

  /// A named input; its memory is `Program.input(_:)`, zeros at first. Inputs are numbered in the order of these calls.
  public mutating func input(_ name: String, shape: [Int]) throws(NetworkError) -> Value {
    _ = try Shape.count(shape, "input \"\(name)\"")
    guard inputNames.insert(name).inserted else { throw NetworkError("input \"\(name)\" is declared twice") }
    return try add(.input(name: name), [], shape, "input \"\(name)\"")
  }

  /// Numbers known now, row-major.
  public mutating func constant(
    _ values: [Float], shape: [Int], name: String? = nil
  ) throws(NetworkError) -> Value {
    let label = "constant" + (name.map { " \"\($0)\"" } ?? "")
    let count = try Shape.count(shape, label)
    guard values.count == count else {
      throw NetworkError("\(label): \(values.count) numbers do not fill shape \(shape), which takes \(count)")
    }
    return try add(.constant(values), [], shape, label)
  }

  /// y = activation(x·Wᵀ + b).
  ///
  /// - Parameters:
  ///   - x: `inputs` numbers as its last dimension, 1 for all others.
  ///   - weights: row-major [outputs][inputs]; NaN and infinity are refused when the program is built.
  ///   - bias: `outputs` numbers.
  ///   - name: what errors call the layer.
  public mutating func dense(
    _ x: Value, weights: [Float], bias: [Float]?, outputs: Int, activation: Activation, name: String? = nil
  ) throws(NetworkError) -> Value {
    let input = try node(x, "dense")
    let label = self.label("dense", name)
    let inputs = input.shape.last ?? 1
    guard input.count == inputs else {
      throw NetworkError("\(label): x has shape \(x.shape); only its last dimension may be above 1")
    }
    let layer = DenseLayer(
      weights: weights, bias: bias, inputs: inputs, outputs: outputs, function: activation.function)
    let shape = (input.shape.isEmpty ? [] : input.shape.dropLast()) + [outputs]
    try check(layer, label)
    try check(activation, label)
    return try add(.dense(layer), [x.index], shape, label)
  }

  /// The network's program: dead values dropped, constants folded, layers fused, all memory allocated and touched.
  ///
  /// - Parameters:
  ///   - outputs: names and values in the order of `Program.output(_:)`.
  ///   - feedback: after each run, the value `from` is copied to the input called `to` (recurrent state, last action).
  ///   - instructionSet: the kernels to run on; nil for `InstructionSet.current`.
  public consuming func build(
    outputs: [(name: String, value: Value)], feedback: [(from: Value, to: String)] = [],
    instructionSet: InstructionSet? = nil
  ) throws(NetworkError) -> Program {
    var ports: [(name: String, index: Int)] = []
    for output in outputs {
      _ = try node(output.value, "output \"\(output.name)\"")
      ports.append((output.name, output.value.index))
    }
    guard !ports.isEmpty else { throw NetworkError("build: a program needs at least one output") }
    var edges: [(from: Int, to: Int)] = []
    for edge in feedback {
      let from = try node(edge.from, "feedback to \"\(edge.to)\"")
      let target = graph.nodes.firstIndex { if case .input(name: edge.to) = $0.operation { true } else { false } }
      guard let target else { throw NetworkError("feedback: there is no input \"\(edge.to)\"") }
      guard from.count == graph.nodes[target].count else {
        throw NetworkError(
          "feedback to \"\(edge.to)\": shape \(from.shape) does not fill shape \(graph.nodes[target].shape)")
      }
      guard !edges.contains(where: { $0.to == target }) else {
        throw NetworkError("feedback: input \"\(edge.to)\" is fed twice")
      }
      edges.append((edge.from.index, target))
    }
    let set: InstructionSet
    if let instructionSet { set = instructionSet } else { set = try InstructionSet.chosen() }
    try set.requireSupport("build")
    return try Lowering.program(graph, outputs: ports, feedback: edges, instructionSet: set)
  }

  // MARK: Checks shared by the operations

  /// Appends a node after checking its shape and the size of the network.
  mutating func add(
    _ operation: Operation, _ operands: [Int], _ shape: [Int], _ label: String
  ) throws(NetworkError) -> Value {
    _ = try Shape.count(shape, label)
    guard graph.nodes.count < Limits.nodes else {
      throw NetworkError("\(label): a network has at most \(Limits.nodes) values")
    }
    graph.nodes.append(Node(operation: operation, operands: operands, shape: shape, label: label))
    return Value(index: graph.nodes.count - 1, shape: shape)
  }

  /// What errors call a layer: its name, or else its place.
  func label(_ kind: String, _ name: String?) -> String {
    kind + (name.map { " \"\($0)\"" } ?? " (value \(graph.nodes.count))")
  }

  /// The node of a handle; a handle from another builder is an error.
  func node(_ value: Value, _ operation: String) throws(NetworkError) -> Node {
    guard graph.nodes.indices.contains(value.index), graph.nodes[value.index].shape == value.shape else {
      throw NetworkError("\(operation): a value of shape \(value.shape) does not belong to this builder")
    }
    return graph.nodes[value.index]
  }

  func check(_ layer: DenseLayer, _ label: String) throws(NetworkError) {
    let expected = try Shape.count([layer.outputs, layer.inputs], label)
    guard layer.weights.count == expected else {
      throw NetworkError(
        "\(label): \(layer.weights.count) weights do not fill [\(layer.outputs), \(layer.inputs)], which takes \(expected)"
      )
    }
    if let bias = layer.bias, bias.count != layer.outputs {
      throw NetworkError("\(label): \(bias.count) bias numbers for \(layer.outputs) outputs")
    }
  }

  func check(_ activation: Activation, _ label: String) throws(NetworkError) {
    for parameter in activation.parameters where parameter.isNaN {
      throw NetworkError("\(label): a parameter of \(activation) is not a number")
    }
    if case .clip(let low, let high) = activation, low > high {
      throw NetworkError("\(label): clip from \(low) to \(high) leaves nothing")
    }
  }
}
