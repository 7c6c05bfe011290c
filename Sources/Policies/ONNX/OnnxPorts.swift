/// What a user may say about a graph's inputs and outputs; whatever is nil is found by name.
struct OnnxChoices: Sendable, Equatable {
  /// The observation input.
  var observation: String?
  /// The tensor that is the action, or the mean of its distribution. Any tensor of the graph may be named.
  var action: String?
  /// The critic's value.
  var value: String?
  /// The logarithm of the standard deviation.
  var logStandardDeviation: String?
  /// The standard deviation itself.
  var standardDeviation: String?
  /// Whether the standard deviation is computed at all; a deterministic policy has no use for it.
  var computesSpread = false
  /// Recurrent pairs; when given, they are the only ones.
  var recurrent: [RecurrentPair] = []
}

/// An output that is fed back into an input.
public struct RecurrentPair: Sendable, Equatable {
  /// The input that holds the state.
  public var input: String
  /// The output with the state's next value.
  public var output: String

  /// A pair by names.
  public init(input: String, output: String) {
    self.input = input
    self.output = output
  }
}

/// A graph's inputs and outputs with their roles.
struct OnnxPorts: Sendable {
  struct State: Sendable {
    var input: String
    var output: String
    var shape: [Int]
  }
  var observation: String
  var observationShape: [Int]
  var states: [State]
  var action: String
  /// Whether the action is the first output for want of a known name.
  var isActionGuessed: Bool
  var value: String?
  /// Name, and whether it is the standard deviation itself and not its logarithm.
  var spread: (name: String, isLinear: Bool)?
  /// Whether the standard deviation is computed.
  var computesSpread: Bool

  /// Everything that must be computed.
  var wanted: [String] {
    var names = [action] + states.map(\.output)
    if let value { names.append(value) }
    if let spread, computesSpread { names.append(spread.name) }
    return names
  }

  /// Names under which exporters write the action, best first. Source: exporters of rsl_rl, IsaacLab, CleanRL, SAC,
  /// tf2onnx for Brax, Stable-Baselines3's documentation.
  static let actionNames = [
    "action", "actions", "continuous_actions", "scaled_action", "deterministic_continuous_actions", "mean",
    "action_mean", "mu", "output",
  ]
  static let observationNames = ["obs", "observation", "observations", "input", "state", "x"]
  static let valueNames = ["value", "values", "state_value", "v"]
  static let logNames = ["log_std", "logstd", "log_stds", "log_sigma", "action_log_std"]
  static let linearNames = ["std", "sigma", "stddev", "action_std"]
}

extension OnnxModel {
  /// Gives every input and output its role; what is not clear is an error that asks.
  /// - Parameter produced: all tensors that nodes produce.
  func ports(_ choices: OnnxChoices, produced: Set<String>) throws(PolicyError) -> OnnxPorts {
    let weights = Set(graph.initializers.map(\.name))
    // Before IR version 4 every weight was listed among the inputs too.
    let inputs = graph.inputs.filter { !weights.contains($0.name) }
    let states = try pairs(inputs, choices)
    let free = inputs.filter { input in !states.contains { $0.input == input.name } }
    let observation = try observation(free, choices)
    let others = free.filter { $0.name != observation.name }
    guard others.isEmpty else {
      throw PolicyError(
        .ambiguous, file: file, place: "graph",
        "the inputs \(others.map { "\($0.name.quoted) \($0.shapeText)" }.joined(separator: ", ")) are neither the observation nor clearly recurrent",
        suggestion: "write a policy.yaml that names each pair: recurrent: [{input: …, output: …}]")
    }
    let observationShape = try shape(of: observation, role: "observation")
    let plain = graph.outputs.filter { output in !states.contains { $0.output == output.name } }
    func find(_ explicit: String?, _ names: [String], _ role: String) throws(PolicyError) -> String? {
      if let explicit {
        guard produced.contains(explicit) else { throw unknown(explicit, role: role) }
        return explicit
      }
      for name in names {
        if let output = plain.first(where: { $0.name.lowercased() == name }) { return output.name }
      }
      return nil
    }
    let named = try find(choices.action, OnnxPorts.actionNames, "action")
    guard let action = named ?? plain.first?.name else {
      throw PolicyError(.malformed, file: file, place: "graph", "has no output that could be the action")
    }
    var spread: (String, Bool)?
    if let name = choices.standardDeviation {
      spread = try find(name, [], "standard deviation").map { ($0, true) }
    } else if let name = try find(choices.logStandardDeviation, OnnxPorts.logNames, "log standard deviation") {
      spread = (name, false)
    } else if let name = try find(nil, OnnxPorts.linearNames, "standard deviation") {
      spread = (name, true)
    }
    return OnnxPorts(
      observation: observation.name, observationShape: observationShape, states: states, action: action,
      isActionGuessed: named == nil, value: try find(choices.value, OnnxPorts.valueNames, "value"), spread: spread,
      computesSpread: choices.computesSpread)
  }

  private func unknown(_ name: String, role: String) -> PolicyError {
    PolicyError(
      .configuration, file: file, place: "graph", "there is no tensor \(name.quoted) to use as \(role)",
      suggestion: "its outputs are \(graph.outputs.map { $0.name.quoted }.joined(separator: ", "))")
  }

  private func observation(_ free: [OnnxValueInfo], _ choices: OnnxChoices) throws(PolicyError) -> OnnxValueInfo {
    if let name = choices.observation {
      guard let input = free.first(where: { $0.name == name }) else {
        throw PolicyError(
          .configuration, file: file, place: "graph", "there is no input \(name.quoted) to use as observation",
          suggestion: "its inputs are \(free.map { $0.name.quoted }.joined(separator: ", "))")
      }
      return input
    }
    if free.count == 1 { return free[0] }
    for name in OnnxPorts.observationNames {
      if let input = free.first(where: { $0.name.lowercased() == name }) { return input }
    }
    guard free.isEmpty else {
      throw PolicyError(
        .ambiguous, file: file, place: "graph",
        "which input is the observation: \(free.map { $0.name.quoted }.joined(separator: ", "))?",
        suggestion: "write a policy.yaml with outputs: {observation: NAME} and the recurrent pairs")
    }
    throw PolicyError(.malformed, file: file, place: "graph", "has no input for the observation")
  }

  /// The shape of an input for one observation: free dimensions are 1, except the last one, which must be known.
  private func shape(of input: OnnxValueInfo, role: String) throws(PolicyError) -> [Int] {
    let place = "input \(input.name.quoted)"
    switch input.type {
    case OnnxElementType.float, OnnxElementType.double, OnnxElementType.float16, OnnxElementType.bfloat16: break
    default:
      throw PolicyError(
        .unsupported, file: file, place: place,
        "takes \(input.type == 0 ? "no tensor" : OnnxElementType.name(input.type)); the \(role) must be floating point")
    }
    guard let dimensions = input.shape, let last = dimensions.last else {
      throw PolicyError(
        .shape, file: file, place: place, "has no shape", suggestion: "export with a fixed shape such as [1, 10]")
    }
    guard case .fixed = last else {
      throw PolicyError(
        .shape, file: file, place: place, "has the shape \(input.shapeText), whose last size is free",
        suggestion: "export with a fixed shape such as [1, 10]")
    }
    var shape: [Int] = []
    for dimension in dimensions {
      guard case .fixed(let size) = dimension else {
        shape.append(1)
        continue
      }
      guard size >= 1, size <= HostTensor.elementLimit else {
        throw PolicyError(.shape, file: file, place: place, "has the shape \(input.shapeText)")
      }
      shape.append(Int(size))
    }
    guard shape.dropLast().allSatisfy({ $0 == 1 }) else {
      throw PolicyError(
        .shape, file: file, place: place, "has the shape \(input.shapeText), which is a batch of more than one",
        suggestion: "export with a batch of 1")
    }
    return shape
  }

  // MARK: Recurrent state

  private func pairs(_ inputs: [OnnxValueInfo], _ choices: OnnxChoices) throws(PolicyError) -> [OnnxPorts.State] {
    var found: [(OnnxValueInfo, OnnxValueInfo)] = []
    if !choices.recurrent.isEmpty {
      for pair in choices.recurrent {
        guard let input = inputs.first(where: { $0.name == pair.input }),
          let output = graph.outputs.first(where: { $0.name == pair.output })
        else {
          throw PolicyError(
            .configuration, file: file, place: "graph",
            "there is no recurrent pair \(pair.input.quoted) and \(pair.output.quoted)",
            suggestion:
              "inputs: \(inputs.map { $0.name.quoted }.joined(separator: ", ")); outputs: \(graph.outputs.map { $0.name.quoted }.joined(separator: ", "))"
          )
        }
        found.append((input, output))
      }
    } else {
      for input in inputs {
        guard let stem = RecurrentName.input(input.name), input.name != choices.observation else { continue }
        let partners = graph.outputs.filter { RecurrentName.output($0.name) == stem && Self.fit(input, $0) }
        guard partners.count <= 1 else {
          throw PolicyError(
            .ambiguous, file: file, place: "graph",
            "the input \(input.name.quoted) could be fed by \(partners.map { $0.name.quoted }.joined(separator: " or "))",
            suggestion: "write a policy.yaml that names the pair: recurrent: [{input: …, output: …}]")
        }
        if let partner = partners.first { found.append((input, partner)) }
      }
    }
    var states: [OnnxPorts.State] = []
    for (input, output) in found {
      guard !states.contains(where: { $0.input == input.name || $0.output == output.name }) else {
        throw PolicyError(
          .ambiguous, file: file, place: "graph",
          "the recurrent pair \(input.name.quoted) and \(output.name.quoted) uses a name twice",
          suggestion: "write a policy.yaml that names each pair once: recurrent: [{input: …, output: …}]")
      }
      states.append(.init(input: input.name, output: output.name, shape: try stateShape(input)))
    }
    return states
  }

  private func stateShape(_ input: OnnxValueInfo) throws(PolicyError) -> [Int] {
    // Layers come first in [layers, batch, size], so only free dimensions are one.
    let place = "input \(input.name.quoted)"
    guard input.type == OnnxElementType.float, let dimensions = input.shape, case .fixed? = dimensions.last else {
      throw PolicyError(
        .shape, file: file, place: place,
        "recurrent state has the type \(OnnxElementType.name(input.type)) and the shape \(input.shapeText)",
        suggestion: "export it as float with fixed sizes such as [1, 1, 64]")
    }
    let shape = dimensions.map { if case .fixed(let size) = $0 { Int(clamping: size) } else { 1 } }
    guard let count = Shape.count(shape), count > 0 else {
      throw PolicyError(.shape, file: file, place: place, "recurrent state has the shape \(input.shapeText)")
    }
    return shape
  }

  private static func fit(_ a: OnnxValueInfo, _ b: OnnxValueInfo) -> Bool {
    guard let left = a.shape, let right = b.shape else { return true }
    guard left.count == right.count else { return false }
    for (x, y) in zip(left, right) {
      if case .fixed(let m) = x, case .fixed(let n) = y, m != n { return false }
    }
    return true
  }
}

/// How exporters name recurrent state: `h_in` and `h_out`, `hidden_in` and `hidden_out`, `h0` and `hn`,
/// `state_in_0` and `state_out_0`, `prev_hidden` and `next_hidden`, `hidden` and `new_hidden`.
enum RecurrentName {
  private static let inputMarks: Set<String> = ["in", "input", "prev", "previous", "old"]
  private static let outputMarks: Set<String> = ["out", "output", "next", "new"]
  private static let bare: Set<String> = [
    "h", "c", "hidden", "cell", "hidden_state", "cell_state", "rnn_state", "hx", "cx",
  ]

  /// What is left of an input's name without its mark, or nil when it does not look like state.
  static func input(_ name: String) -> String? {
    let name = name.lowercased()
    if name == "h0" || name == "c0" { return String(name.prefix(1)) }
    if bare.contains(name) { return name }
    return stem(name, without: inputMarks)
  }

  /// What is left of an output's name without its mark.
  static func output(_ name: String) -> String? {
    let name = name.lowercased()
    if name == "hn" || name == "cn" { return String(name.prefix(1)) }
    return stem(name, without: outputMarks)
  }

  private static func stem(_ name: String, without marks: Set<String>) -> String? {
    let parts = name.split(whereSeparator: { "_.-:/".contains($0) }).map(String.init)
    let rest = parts.filter { !marks.contains($0) }
    return rest.count < parts.count && !rest.isEmpty ? rest.joined(separator: "_") : nil
  }
}
