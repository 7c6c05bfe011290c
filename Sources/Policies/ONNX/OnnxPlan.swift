import Networks

/// A model ready to be built: live nodes in execution order, constants folded, every port with its role.
struct OnnxPlan: Sendable {
  /// Versions of the default operator set whose semantics are implemented.
  static let opsets: ClosedRange<Int64> = 11...20
  var file: String
  var opset: Int64
  var ports: OnnxPorts
  /// Nodes that run, or whose result depends on shapes only known while building.
  var nodes: [OnnxNode]
  /// Every tensor known at load that a live node or port uses.
  var constants: [String: HostTensor]
  /// Files with external data that were read.
  var externalFiles: [String]
  /// Nodes of the file that no wanted output needs.
  var prunedNodes: Int

  /// Plans a parsed model.
  static func make(_ model: OnnxModel, choices: OnnxChoices = OnnxChoices()) throws(PolicyError) -> OnnxPlan {
    guard opsets.contains(model.opset) else {
      throw PolicyError(
        .unsupported, file: model.file, place: "opset",
        model.opset == 0
          ? "the model does not say which operator set it uses" : "the operator set \(model.opset) is not supported",
        suggestion: "export with an opset from \(opsets.lowerBound) to \(opsets.upperBound)")
    }
    let producers = try producers(model)
    let inputs = Set(model.graph.inputs.map(\.name))
    let initializers = Dictionary(uniqueKeysWithValues: model.graph.initializers.enumerated().map { ($1.name, $0) })
    let ports = try model.ports(
      choices, produced: Set(producers.keys).union(inputs).union(initializers.keys))
    let order = try liveOrder(model, wanted: ports.wanted, producers: producers)

    var plan = OnnxPlan(
      file: model.file, opset: model.opset, ports: ports, nodes: [], constants: [:], externalFiles: [],
      prunedNodes: model.graph.nodes.count - order.count)
    let runtime = Set([ports.observation] + ports.states.map(\.input))
    var decoder = TensorDecoder(model: model)
    var folding = OnnxFolding(file: model.file, opset: model.opset)
    for index in order {
      var node = model.graph.nodes[index]
      for (name, attribute) in node.attributes {
        guard case .tensor(let tensor) = attribute else { continue }
        let known = try decoder.decode(tensor, place: node.place)
        folding.know(known)
        node.attributes[name] = .known(known)
      }
      for name in node.inputs where !name.isEmpty && plan.constants[name] == nil && !runtime.contains(name) {
        if let position = initializers[name] {
          let known = try decoder.decode(model.graph.initializers[position])
          folding.know(known)
          plan.constants[name] = known
        } else if producers[name] == nil {
          throw PolicyError(
            .malformed, file: model.file, place: node.place, "reads the tensor \(name.quoted), which nothing produces",
            suggestion: "export the model again")
        }
      }
      let inputs = node.inputs.map { $0.isEmpty ? nil : plan.constants[$0] }
      let isKnown = zip(node.inputs, inputs).allSatisfy { $0.isEmpty || $1 != nil }
      if isKnown {
        let results = try folding.evaluate(node, inputs)
        for (name, tensor) in zip(node.outputs, results) where !name.isEmpty { plan.constants[name] = tensor }
      } else {
        plan.nodes.append(node)
      }
    }
    // A wanted output may itself be a weight (a constant log standard deviation).
    for name in ports.wanted where plan.constants[name] == nil {
      if let position = initializers[name] {
        plan.constants[name] = try decoder.decode(model.graph.initializers[position])
      }
    }
    let used = Set(plan.nodes.flatMap(\.inputs) + ports.wanted)
    plan.constants = plan.constants.filter { used.contains($0.key) }
    plan.externalFiles = decoder.externalFiles
    return plan
  }

  /// Which node makes each tensor. Every tensor has one origin.
  private static func producers(_ model: OnnxModel) throws(PolicyError) -> [String: Int] {
    var origins: [String: String] = [:]
    func claim(_ name: String, _ place: String) throws(PolicyError) {
      if let other = origins.updateValue(place, forKey: name) {
        throw PolicyError(
          .malformed, file: model.file, place: place, "the name \(name.quoted) is already used by \(other)",
          suggestion: "export the model again")
      }
    }
    var weights = Set<String>()
    for tensor in model.graph.initializers {
      try claim(tensor.name, "tensor \(tensor.name.quoted)")
      weights.insert(tensor.name)
    }
    for input in model.graph.inputs where weights.remove(input.name) == nil {
      try claim(input.name, "input \(input.name.quoted)")
    }
    var producers: [String: Int] = [:]
    for (index, node) in model.graph.nodes.enumerated() {
      for name in node.outputs where !name.isEmpty {
        try claim(name, node.place)
        producers[name] = index
      }
    }
    return producers
  }

  /// The nodes that the wanted tensors need, each after those it needs.
  private static func liveOrder(
    _ model: OnnxModel, wanted: [String], producers: [String: Int]
  ) throws(PolicyError) -> [Int] {
    enum Mark { case open, done }
    var marks: [Int: Mark] = [:]
    var order: [Int] = []
    // An explicit stack: a chain of nodes may be longer than the thread's stack allows.
    var stack: [(node: Int, next: Int)] = []
    for name in wanted {
      guard let root = producers[name], marks[root] == nil else { continue }
      marks[root] = .open
      stack.append((root, 0))
      while let top = stack.last {
        let node = model.graph.nodes[top.node]
        guard top.next < node.inputs.count else {
          marks[top.node] = .done
          order.append(top.node)
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].next += 1
        guard let child = producers[node.inputs[top.next]] else { continue }
        switch marks[child] {
        case .done?: break
        case .open?:
          throw PolicyError(
            .malformed, file: model.file, place: node.place, "is part of a cycle: it needs its own result",
            suggestion: "export recurrent state as an input and an output")
        case nil:
          marks[child] = .open
          stack.append((child, 0))
        }
      }
    }
    return order
  }
}
