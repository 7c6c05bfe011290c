import Networks

/// What a policy file holds and how it will run: for `sinew policy inspect`, as text or JSON.
public struct PolicyInspection: Sendable, Equatable, Codable {
  /// A named tensor with its shape.
  public struct Port: Sendable, Equatable, Codable {
    /// The tensor's name.
    public var name: String
    /// Its shape as the file states it, `[1, 10]` or `[batch, 10]`.
    public var shape: String
    /// What it is used as: observation, action, value, log_std, std, recurrent, unused.
    public var role: String
  }
  /// The policy's name.
  public var name: String
  /// `onnx` or `bundle`.
  public var format: String
  /// SHA-256, see `PolicyDescription.hash`.
  public var hash: String
  /// Who wrote the model file.
  public var producer: String?
  /// Version of the operator set.
  public var opset: Int?
  /// Inputs of the graph.
  public var inputs: [Port] = []
  /// Outputs of the graph.
  public var outputs: [Port] = []
  /// Numbers in an observation.
  public var observationCount: Int
  /// Numbers in an action.
  public var actionCount: Int
  /// Joints in the order of the action.
  public var jointNames: [String]?
  /// Policy steps per second.
  public var rateHz: Double?
  /// Layers as they run, in order.
  public var layers: [String]
  /// Steps that run on vector kernels.
  public var kernelSteps: Int
  /// Steps that run on the interpreter.
  public var interpreterSteps: Int
  /// The vector instructions in use.
  public var instructionSet: String
  /// Numbers in weights, biases and constants.
  public var parameterCount: Int
  /// Multiply-accumulates of one step.
  public var multiplyAccumulates: Int
  /// Bytes of memory of one policy's network.
  public var arenaBytes: Int
  /// Nodes of the file that nothing needs.
  public var prunedNodes = 0
  /// Recurrent pairs, `input <- output`.
  public var recurrent: [String]
  /// How actions are drawn.
  public var distribution: String
  /// How observations are normalised.
  public var normaliser: String
  /// Golden rows that reproduced.
  public var goldenRows: Int
  /// Where it comes from, `key: value`.
  public var provenance: [String]
  /// What deserves attention.
  public var warnings: [String] = []

  init(_ description: PolicyDescription, summary: ProgramSummary) {
    name = description.name
    format = description.format.rawValue
    hash = description.hash
    observationCount = description.observationCount
    actionCount = description.actionCount
    jointNames = description.jointNames
    rateHz = description.rateHz
    layers = summary.layers
    kernelSteps = summary.kernelSteps
    interpreterSteps = summary.interpreterSteps
    instructionSet = summary.instructionSet.rawValue
    parameterCount = summary.parameterCount
    multiplyAccumulates = summary.multiplyAccumulates
    arenaBytes = summary.arenaBytes
    recurrent = description.recurrentPairs.map { "\($0.input.singleLine()) <- \($0.output.singleLine())" }
    distribution = description.distribution.text
    normaliser = description.normaliser.text
    goldenRows = description.goldenRows
    provenance = description.provenance.map { "\($0.key.singleLine()): \($0.value.singleLine(limit: 200))" }
  }

  /// Adds what the model file says.
  mutating func describe(_ model: OnnxModel, _ plan: OnnxPlan) {
    let parts = [model.producer, model.producerVersion].filter { !$0.isEmpty }
    producer = parts.isEmpty ? nil : parts.joined(separator: " ").singleLine()
    opset = Int(plan.opset)
    prunedNodes = plan.prunedNodes
    let ports = plan.ports
    let weights = Set(model.graph.initializers.map(\.name))
    inputs = model.graph.inputs.filter { !weights.contains($0.name) }.map { input in
      let role = input.name == ports.observation ? "observation" : "recurrent"
      return Port(name: input.name.singleLine(), shape: input.shapeText, role: role)
    }
    outputs = model.graph.outputs.map { output in
      let role: String
      if output.name == ports.action {
        role = "action"
      } else if output.name == ports.value {
        role = "value"
      } else if output.name == ports.spread?.name {
        role = ports.spread?.isLinear == true ? "std" : "log_std"
      } else {
        role = ports.states.contains { $0.output == output.name } ? "recurrent" : "unused"
      }
      return Port(name: output.name.singleLine(), shape: output.shapeText, role: role)
    }
    if !outputs.contains(where: { $0.role == "action" }) {
      outputs.append(Port(name: ports.action.singleLine(), shape: "[inner]", role: "action"))
    }
    if ports.isActionGuessed {
      warnings.append("the action output was taken by position, not by name: \(ports.action.quoted)")
    }
    if interpreterSteps > kernelSteps {
      warnings.append(
        "most steps run on the interpreter: measure with 'sinew bench inference' before use at a high rate")
    }
  }

  /// Adds what a network of layers says.
  mutating func describe(_ stack: LayerStack) {
    producer = "safetensors"
    inputs = [Port(name: "observation", shape: "[1, \(stack.inputs)]", role: "observation")]
    outputs = [Port(name: "action", shape: "[1, \(actionCount)]", role: "action")]
    if !stack.valueLayers.isEmpty { outputs.append(Port(name: "value", shape: "[1, 1]", role: "value")) }
  }

  /// The inspection for people, one fact a line.
  public var text: String {
    var lines = ["\(name) (\(format))", "  sha256        \(hash)"]
    if let producer { lines.append("  producer      \(producer)") }
    if let opset { lines.append("  opset         \(opset)") }
    for port in inputs { lines.append("  input         \(port.name) \(port.shape) (\(port.role))") }
    for port in outputs { lines.append("  output        \(port.name) \(port.shape) (\(port.role))") }
    lines.append("  observation   \(observationCount) numbers, normaliser: \(normaliser)")
    lines.append(
      "  action        \(actionCount) numbers" + (jointNames.map { ": \($0.joined(separator: ", "))" } ?? ""))
    if let rateHz { lines.append("  rate          \(Decimal.text(rateHz)) Hz") }
    lines.append("  distribution  \(distribution)")
    for pair in recurrent { lines.append("  recurrent     \(pair)") }
    for layer in layers { lines.append("  layer         \(layer)") }
    lines.append("  parameters    \(parameterCount), \(multiplyAccumulates) multiply-adds a step, \(arenaBytes) bytes")
    lines.append("  runs on       \(kernelSteps) kernel and \(interpreterSteps) interpreter steps, \(instructionSet)")
    if prunedNodes > 0 { lines.append("  pruned        \(prunedNodes) nodes that the action does not need") }
    lines.append("  golden        \(goldenRows == 0 ? "none" : "\(goldenRows) rows reproduce")")
    for fact in provenance { lines.append("  provenance    \(fact)") }
    for warning in warnings { lines.append("  warning       \(warning)") }
    return lines.joined(separator: "\n")
  }
}
