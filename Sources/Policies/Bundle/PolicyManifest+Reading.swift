import CSystem
import Configuration
import Networks

extension PolicyManifest {
  /// Reads a manifest. Unknown keys are refused with the nearest known one; nothing has a hidden default that changes
  /// what the arm does.
  static func read(text: String, file: String) throws(ConfigurationError) -> PolicyManifest {
    let root = try ConfigurationNode.parse(text: text, file: file)
    try root.allowOnly([
      "schema", "name", "robot", "joint_names", "rate_hz", "network", "observation", "action", "distribution",
      "exploration", "normaliser", "recurrent", "files", "training", "test_vectors",
    ])
    let schema = try root.child("schema")
    guard try schema.integer() == Self.schema else {
      throw schema.error(
        "this schema version is not known", suggestion: "version \(Self.schema) is read; update sinew or export again")
    }
    let joints = try root.child("joint_names")
    let jointNames = try joints.strings()
    guard !jointNames.isEmpty, Set(jointNames).count == jointNames.count else {
      throw joints.error("joint names must be given once each", suggestion: "list them in the order of the action")
    }
    var pairs: [RecurrentPair] = []
    if let list = try root.optional("recurrent") {
      for item in try list.list() {
        try item.allowOnly(["input", "output"])
        pairs.append(
          RecurrentPair(input: try item.child("input").string(), output: try item.child("output").string()))
      }
    }
    let distribution = try readDistribution(root.child("distribution"))
    let network = try readNetwork(root.child("network"), pairs: pairs, distribution: distribution)
    var exploration: Noise?
    if let node = try root.optional("exploration") {
      if case .gaussian = distribution {
        throw node.error(
          "a gaussian policy explores by itself", suggestion: "remove exploration, or use kind: deterministic")
      }
      exploration = try readNoise(node)
    }
    return PolicyManifest(
      file: file, text: text, name: try root.child("name").string(), robot: try root.optional("robot")?.string(),
      jointNames: jointNames, rateHz: try root.child("rate_hz").double(in: 0.01...100_000), network: network,
      terms: try readTerms(root.optional("observation")), action: try readAction(root.child("action")),
      distribution: distribution, exploration: exploration, normaliser: try readNormaliser(root.child("normaliser")),
      files: try readFiles(root.child("files")), training: try readTraining(root.optional("training")),
      testVectors: try root.child("test_vectors").string())
  }

  // MARK: Network

  private static func readNetwork(
    _ node: ConfigurationNode, pairs: [RecurrentPair], distribution: Distribution
  ) throws(ConfigurationError) -> Network {
    if let weights = try node.optional("safetensors") {
      try node.allowOnly(["safetensors", "layers", "value_layers"])
      guard pairs.isEmpty else {
        throw node.error(
          "recurrent pairs are for ONNX", suggestion: "begin the layers with {cell: gru, weight: …} instead")
      }
      let layers = try readLayers(node.child("layers"))
      let valueLayers = try node.optional("value_layers").map { node throws(ConfigurationError) in try readLayers(node)
      }
      if case .gaussian(.output, _) = distribution {
        throw node.error("a stack of layers has no outputs to name", suggestion: "use log_std: {second_half: true}")
      }
      return .safetensors(path: try weights.string(), layers: layers, valueLayers: valueLayers)
    }
    guard let model = try node.optional("onnx") else {
      throw node.error("needs the key onnx or safetensors", suggestion: "name the network's file")
    }
    try node.allowOnly(["onnx", "observation", "action", "value"])
    var choices = OnnxChoices(recurrent: pairs)
    choices.observation = try node.optional("observation")?.string()
    choices.action = try node.optional("action")?.string()
    choices.value = try node.optional("value")?.string()
    switch distribution {
    case .gaussian(.output(let name, let isLinear, _), _):
      choices.computesSpread = true
      if isLinear { choices.standardDeviation = name } else { choices.logStandardDeviation = name }
    case .gaussian(.tensor, _), .gaussian(.secondHalf, _):
      throw node.error(
        "an ONNX graph gives its log_std as an output or the bundle as numbers",
        suggestion: "use log_std: {output: NAME} or log_std: [..]")
    default: break
    }
    return .onnx(path: try model.string(), choices)
  }

  private static func readLayers(_ node: ConfigurationNode) throws(ConfigurationError) -> Layers {
    var layers: [Layer] = []
    var memory: Memory?
    for (index, item) in try node.list().enumerated() {
      if let cell = try item.optional("cell") {
        try item.allowOnly(["cell", "weight", "recurrent_weight", "bias", "recurrent_bias"])
        guard index == 0 else { throw item.error("a recurrent layer can only be the first one") }
        memory = Memory(
          cell: try cell.choice(RecurrentCell.self), weight: try item.child("weight").string(),
          recurrentWeight: try item.child("recurrent_weight").string(), bias: try item.child("bias").string(),
          recurrentBias: try item.child("recurrent_bias").string())
        continue
      }
      try item.allowOnly(["weight", "bias", "activation"])
      let activation = try item.optional("activation").map { node throws(ConfigurationError) in try readActivation(node)
      }
      layers.append(
        Layer(
          weight: try item.child("weight").string(), bias: try item.optional("bias")?.string(),
          activation: activation ?? .identity))
    }
    guard !layers.isEmpty, layers.count <= 256 else { throw node.error("needs 1 to 256 dense layers") }
    return Layers(memory: memory, dense: layers)
  }

  private enum ActivationName: String, CaseIterable {
    case identity, tanh, relu, elu, silu, sigmoid, leaky_relu, softplus, softsign, gelu, gelu_tanh, selu
  }

  private static func readActivation(_ node: ConfigurationNode) throws(ConfigurationError) -> Activation {
    var name = node
    var parameter: Double?
    if node.kind == .mapping {
      try node.allowOnly(["kind", "alpha"])
      name = try node.child("kind")
      parameter = try node.child("alpha").double(in: -1000...1000)
    }
    let kind = try name.choice(ActivationName.self)
    if parameter != nil, kind != .elu, kind != .leaky_relu {
      throw node.error("only elu and leaky_relu have an alpha", suggestion: "write activation: \(kind.rawValue)")
    }
    switch kind {
    case .identity: return .identity
    case .tanh: return .tanh
    case .relu: return .relu
    case .elu: return .elu(alpha: Float(parameter ?? 1))
    case .silu: return .silu
    case .sigmoid: return .sigmoid
    case .leaky_relu: return .leakyRelu(slope: Float(parameter ?? 0.01))
    case .softplus: return .softplus
    case .softsign: return .softsign
    case .gelu: return .gelu
    case .gelu_tanh: return .geluTanh
    case .selu: return .selu(alpha: 1.67326319, gamma: 1.05070102)
    }
  }

  // MARK: Observation and action

  private static func readTerms(_ node: ConfigurationNode?) throws(ConfigurationError) -> [ObservationTerm] {
    guard let node else { return [] }
    var terms: [ObservationTerm] = []
    for item in try node.list() {
      try item.allowOnly(["name", "kind", "dim", "scale", "offset", "clip", "history"])
      let count = try item.child("dim").integer(in: 1...1_000_000)
      if let history = try item.optional("history"), try history.integer(in: 1...1000) != 1 {
        throw history.error(
          "the policy keeps no history of observations",
          suggestion: "let the task build it, and give dim the length of the whole term")
      }
      func numbers(_ key: String, _ value: Double) throws(ConfigurationError) -> [Double] {
        guard let node = try item.optional(key) else { return [Double](repeating: value, count: count) }
        guard let values = try readNumbers(node).expanded(to: count) else {
          throw node.error("has not \(count) numbers, as dim says")
        }
        return values
      }
      let clip = try item.optional("clip").map { node throws(ConfigurationError) in try readRange(node) }
      terms.append(
        ObservationTerm(
          name: try item.child("name").string(), kind: try item.optional("kind")?.string(), count: count,
          scale: try numbers("scale", 1), offset: try numbers("offset", 0), clip: clip))
    }
    return terms
  }

  private static func readAction(_ node: ConfigurationNode) throws(ConfigurationError) -> Action {
    try node.allowOnly(["kind", "scale", "offset", "clip", "kp", "kd"])
    func numbers(_ key: String) throws(ConfigurationError) -> Numbers? {
      guard let node = try node.optional(key) else { return nil }
      return try readNumbers(node)
    }
    var clip: [ClosedRange<Double>]?
    if let node = try node.optional("clip"), !node.isNull {
      let items = try node.list()
      if items.first?.kind == .list {
        var ranges: [ClosedRange<Double>] = []
        for item in items { ranges.append(try readRange(item)) }
        clip = ranges
      } else {
        clip = [try readRange(node)]
      }
    }
    return Action(
      kind: try node.child("kind").choice(ActionTransform.Kind.self), scale: try numbers("scale") ?? .all(1),
      offset: try numbers("offset") ?? .all(0), clip: clip, positionGain: try numbers("kp"),
      dampingGain: try numbers("kd"))
  }

  private static func readNumbers(_ node: ConfigurationNode) throws(ConfigurationError) -> Numbers {
    node.kind == .list ? .each(try node.doubles()) : .all(try node.double())
  }

  private static func readRange(_ node: ConfigurationNode) throws(ConfigurationError) -> ClosedRange<Double> {
    let values = try node.doubles(count: 2)
    guard values[0] <= values[1] else { throw node.error("the lower limit is above the upper one") }
    return values[0]...values[1]
  }

  // MARK: Distribution and noise

  private enum DistributionKind: String, CaseIterable { case deterministic, gaussian }
  private enum Squash: String, CaseIterable { case none, tanh }

  private static func readDistribution(_ node: ConfigurationNode) throws(ConfigurationError) -> Distribution {
    if try node.child("kind").choice(DistributionKind.self) == .deterministic {
      try node.allowOnly(["kind"])
      return .deterministic
    }
    try node.allowOnly(["kind", "log_std", "std", "squash"])
    let squash = try node.optional("squash")?.choice(Squash.self) ?? .none
    let linear = try node.optional("std")
    let logarithm = try node.optional("log_std")
    guard let spread = linear ?? logarithm else {
      throw node.error(
        "a gaussian needs log_std or std", suggestion: "give numbers, {output: NAME} or {second_half: true}")
    }
    if linear != nil, logarithm != nil { throw node.error("log_std and std exclude each other") }
    return .gaussian(try readSpread(spread, isLinear: linear != nil), isSquashed: squash == .tanh)
  }

  private static func readSpread(
    _ node: ConfigurationNode, isLinear: Bool
  ) throws(ConfigurationError) -> Spread {
    guard node.kind == .mapping else {
      var values = try node.doubles()
      for index in values.indices {
        guard !isLinear || values[index] > 0 else { throw node.error("a standard deviation is not above 0") }
        if isLinear { values[index] = sinew_log(values[index]) }
        guard (-30...10).contains(values[index]) else {
          throw node.error("a log standard deviation of \(values[index]) is not plausible", suggestion: "use -30 to 10")
        }
      }
      return .constant(values)
    }
    try node.allowOnly(["output", "tensor", "second_half", "clamp"])
    let clamp = try node.optional("clamp").map { node throws(ConfigurationError) in try readRange(node) }
    if let output = try node.optional("output") {
      return .output(try output.string(), isLinear: isLinear, clamp: clamp)
    }
    guard !isLinear else { throw node.error("only an output can be a standard deviation", suggestion: "use log_std") }
    if let tensor = try node.optional("tensor") { return .tensor(try tensor.string()) }
    guard try node.optional("second_half")?.boolean() == true else {
      throw node.error("needs output, tensor or second_half: true")
    }
    return .secondHalf(clamp: clamp)
  }

  private enum NoiseKind: String, CaseIterable { case gaussian, ornstein_uhlenbeck }

  private static func readNoise(_ node: ConfigurationNode) throws(ConfigurationError) -> Noise {
    let kind = try node.child("kind").choice(NoiseKind.self)
    try node.allowOnly(kind == .gaussian ? ["kind", "sigma"] : ["kind", "sigma", "theta", "dt"])
    let sigmaNode = try node.child("sigma")
    let sigma = try readNumbers(sigmaNode)
    let values: [Double] =
      switch sigma {
      case .all(let value): [value]
      case .each(let list): list
      }
    guard values.allSatisfy({ $0 >= 0 }) else { throw sigmaNode.error("a standard deviation is below 0") }
    guard kind == .ornstein_uhlenbeck else { return .gaussian(sigma) }
    return .ornsteinUhlenbeck(
      sigma, theta: try node.child("theta").double(in: 0...1000), timeStep: try node.child("dt").double(in: 0...1000))
  }

  // MARK: Normaliser, files, provenance

  private enum NormaliserWord: String, CaseIterable { case in_graph, none }

  private static func readNormaliser(_ node: ConfigurationNode) throws(ConfigurationError) -> ObservationNormaliser {
    guard node.kind == .mapping else {
      return try node.choice(NormaliserWord.self) == .none ? .none : .inGraph
    }
    try node.allowOnly(["mean", "var", "epsilon", "clip"])
    let mean = try node.child("mean").doubles()
    let varianceNode = try node.child("var")
    let variance = try varianceNode.doubles(count: mean.count)
    let epsilon = try node.child("epsilon").double(in: 0...1)
    guard variance.allSatisfy({ $0 >= 0 && $0 + epsilon > 0 }) else {
      throw varianceNode.error("a variance is not above 0", suggestion: "check the statistics")
    }
    let clip = try node.child("clip").double(in: 1e-6...1e30)
    return .statistics(mean: mean, variance: variance, epsilon: epsilon, clip: clip)
  }

  private static func readFiles(_ node: ConfigurationNode) throws(ConfigurationError) -> [File] {
    var files: [File] = []
    for item in try node.list() {
      try item.allowOnly(["path", "sha256"])
      let hash = try item.child("sha256")
      let digits = try hash.string().lowercased()
      guard digits.utf8.count == 64, digits.allSatisfy(\.isHexDigit) else {
        throw hash.error("is not a SHA-256 of 64 hexadecimal digits", suggestion: "take the output of sha256sum")
      }
      let path = try item.child("path").string()
      guard !files.contains(where: { $0.path == path }) else { throw item.error("the file \(path) is listed twice") }
      files.append(File(path: path, hash: digits))
    }
    return files
  }

  private static func readTraining(_ node: ConfigurationNode?) throws(ConfigurationError) -> [(
    key: String, value: String
  )] {
    guard let node else { return [] }
    var pairs: [(key: String, value: String)] = []
    for (key, value) in try node.entries() { pairs.append((key, try value.string())) }
    return pairs
  }
}
