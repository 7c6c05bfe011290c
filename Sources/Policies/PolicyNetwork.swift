import CSystem
import Networks

/// A compiled network with the places of its ports.
struct PolicyNetwork: ~Copyable {
  /// Where the logarithm of the standard deviation comes from.
  enum Spread {
    case none
    /// Known when the policy was loaded.
    case constant([Float])
    /// An output; `isLinear` when it is the standard deviation itself.
    case output(Int, isLinear: Bool)
  }
  var program: Program
  /// Numbers in an observation; input 0 of the program.
  var observationCount: Int
  /// Numbers in an action.
  var actionCount: Int
  /// Where the action or mean starts in output 0 of the program.
  var spread: Spread
  /// The output with the critic's value.
  var valueOutput: Int?
}

/// What a network is built from: anything that can make any number of equal programs.
enum NetworkSource: Sendable {
  case onnx(OnnxPlan)
  case layers(LayerStack)

  func build() throws(PolicyError) -> PolicyNetwork {
    switch self {
    case .onnx(let plan): try plan.build()
    case .layers(let stack): try stack.build()
    }
  }
}

extension OnnxPlan {
  /// Builds the program: nodes in order, recurrent outputs fed back, memory allocated.
  func build() throws(PolicyError) -> PolicyNetwork {
    var lowering = OnnxLowering(file: file, opset: opset)
    var folding = OnnxFolding(file: file, opset: opset)
    for tensor in constants.values { folding.know(tensor) }
    var operands: [String: Operand] = constants.mapValues { .known($0) }
    let observation = try lowering.input(ports.observation, shape: ports.observationShape)
    operands[ports.observation] = .running(observation, .float)
    for state in ports.states {
      operands[state.input] = .running(try lowering.input(state.input, shape: state.shape), .float)
    }
    for node in nodes {
      let results = try evaluate(node, operands, &lowering, &folding)
      guard results.count >= node.outputs.count else {
        throw node.error(.unsupported, "its output \(node.outputs[results.count].quoted) is not supported", file: file)
      }
      for (name, result) in zip(node.outputs, results) where !name.isEmpty { operands[name] = result }
    }

    let action = try running(ports.action, operands, role: "action")
    var outputs: [(name: String, value: Value)] = [(ports.action, action)]
    var spread = PolicyNetwork.Spread.none
    if let port = ports.spread, ports.computesSpread {
      guard let operand = operands[port.name], operand.shape.reduce(1, *) == action.count else {
        throw wrong(
          port.name, "has the shape \(operands[port.name]?.shape ?? []), but the action has \(action.count) numbers")
      }
      switch operand {
      case .known(let tensor):
        spread = .constant(try logarithms(tensor.asFloats, isLinear: port.isLinear, name: port.name))
      case .running(let value, _):
        spread = .output(outputs.count, isLinear: port.isLinear)
        outputs.append((port.name, value))
      }
    }
    var valueOutput: Int?
    if let name = ports.value, case .running(let value, _)? = operands[name] {
      guard value.count == 1 else { throw wrong(name, "has the shape \(value.shape), but a value is one number") }
      valueOutput = outputs.count
      outputs.append((name, value))
    }
    var feedback: [(from: Value, to: String)] = []
    for state in ports.states {
      let next = try running(state.output, operands, role: "recurrent state")
      guard next.count == state.shape.reduce(1, *) else {
        throw wrong(
          state.output, "has the shape \(next.shape), but it is fed back into \(state.input.quoted) \(state.shape)")
      }
      feedback.append((next, state.input))
    }
    let program = try lowering.build(outputs: outputs, feedback: feedback, place: "graph")
    return PolicyNetwork(
      program: program, observationCount: observation.count, actionCount: action.count, spread: spread,
      valueOutput: valueOutput)
  }

  private func evaluate(
    _ node: OnnxNode, _ operands: [String: Operand], _ lowering: inout OnnxLowering, _ folding: inout OnnxFolding
  ) throws(PolicyError) -> [Operand] {
    let inputs = node.inputs.map { $0.isEmpty ? nil : operands[$0] }
    // All shapes are static, so a shape is known even when the numbers are not.
    if node.operation == "Shape" || node.operation == "Size", case .running(let value, _)?? = inputs.first {
      guard node.operation == "Shape" else {
        return [.known(HostTensor(integers: [Int64(value.count)], shape: []))]
      }
      return [.known(try OnnxFolding.shape(of: value.shape, node, opset: opset, file: file))]
    }
    let known = inputs.map { operand in
      if case .known(let tensor)? = operand { tensor } else { nil as HostTensor? }
    }
    if zip(inputs, known).allSatisfy({ $0 == nil || $1 != nil }) {
      return try folding.evaluate(node, known).map { .known($0) }
    }
    return try lowering.lower(node, inputs)
  }

  private func running(_ name: String, _ operands: [String: Operand], role: String) throws(PolicyError) -> Value {
    guard case .running(let value, let kind)? = operands[name], kind == .float else {
      throw wrong(name, "is used as \(role), but it does not depend on the observation")
    }
    return value
  }

  private func logarithms(_ values: [Float], isLinear: Bool, name: String) throws(PolicyError) -> [Float] {
    guard isLinear else { return values }
    guard values.allSatisfy({ $0 > 0 }) else { throw wrong(name, "is a standard deviation that is not above 0") }
    return values.map { Float(sinew_log(Double($0))) }
  }

  private func wrong(_ name: String, _ message: String) -> PolicyError {
    PolicyError(.shape, file: file, place: "tensor \(name.quoted)", message)
  }
}
