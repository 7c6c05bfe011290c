import Configuration
import Networks

/// Loads a policy folder: manifest, hashes, network, golden vectors; refuses what does not agree.
struct BundleLoader {
  /// The manifest's name in the folder.
  static let manifestName = "policy.yaml"

  private let folder: ClosedFolder
  private let manifest: PolicyManifest

  /// Loads the bundle in a folder.
  static func load(folder: ClosedFolder) throws(PolicyError) -> LoadedPolicy {
    let path = folder.path + "/" + manifestName
    guard FileBytes.isFolder(folder.path) else {
      throw PolicyError(.unreadable, file: folder.path, "is not a folder", suggestion: "name a bundle's folder")
    }
    let text = try FileBytes.read(path, limit: 1 << 20)
    guard let text = String(validating: text, as: UTF8.self) else {
      throw PolicyError(.malformed, file: path, "is not UTF-8 text")
    }
    let manifest: PolicyManifest
    do throws(ConfigurationError) {
      manifest = try PolicyManifest.read(text: text, file: path)
    } catch {
      throw PolicyError(error)
    }
    return try BundleLoader(folder: folder, manifest: manifest).load()
  }

  private func load() throws(PolicyError) -> LoadedPolicy {
    let hashes = try checkHashes()
    var head = HeadDesign(distribution: .deterministic, action: .identity(count: 0))
    let source: NetworkSource
    var model: OnnxModel?
    switch manifest.network {
    case .onnx(let name, let choices):
      let path = try used(name, hashes, key: "network.onnx")
      let parsed = try OnnxParser.parse(FileBytes.read(path), file: path)
      let plan = try OnnxPlan.make(parsed, choices: choices)
      for twin in plan.externalFiles { _ = try used(twin, hashes, key: "network.onnx") }
      source = .onnx(plan)
      model = parsed
    case .safetensors(let name, let layers, let valueLayers):
      let path = try used(name, hashes, key: "network.safetensors")
      let weights = try SafetensorsFile(FileBytes.read(path), file: path)
      source = .layers(try stack(weights, layers, valueLayers))
    }
    let network = try source.build()
    head.action = try action(count: network.actionCount)
    head.exploration = try exploration(count: network.actionCount)
    if case .output(_, true) = network.spread { head.isLinearSpread = true }
    head.distribution = try distribution(source, spread: network.spread, count: network.actionCount)
    try checkObservation(count: network.observationCount)

    var description = PolicyDescription(
      name: manifest.name, path: folder.path, format: .bundle, hash: ContentHash.sha256(manifest.text),
      sourceText: manifest.text, observationCount: network.observationCount, actionCount: network.actionCount,
      robot: manifest.robot, jointNames: manifest.jointNames, rateHz: manifest.rateHz,
      observationTerms: manifest.terms, action: head.action, distribution: head.distribution,
      exploration: head.exploration, normaliser: manifest.normaliser, recurrentPairs: [],
      hasValue: network.valueOutput != nil, parameterCount: network.program.summary.parameterCount, goldenRows: 0,
      provenance: manifest.training)
    switch source {
    case .onnx(let plan): description.recurrentPairs = plan.pairs
    case .layers(let stack): description.recurrentPairs = stack.recurrentPairs
    }
    let summary = network.program.summary
    let vectors = try GoldenVectors(
      path: used(manifest.testVectors, hashes, key: "test_vectors"), observationCount: network.observationCount,
      actionCount: network.actionCount)
    // The golden check runs the very policy that the loaded value will make.
    let draft = LoadedPolicy(
      description: description, inspection: PolicyInspection(description, summary: summary), source: source, head: head)
    var policy = try draft.makePolicy()
    description.goldenRows = try vectors.check(&policy, isSequence: description.isRecurrent)
    var inspection = PolicyInspection(description, summary: summary)
    if let model, case .onnx(let plan) = source {
      inspection.describe(model, plan)
    } else if case .layers(let stack) = source {
      inspection.describe(stack)
    }
    return LoadedPolicy(description: description, inspection: inspection, source: source, head: head)
  }

  // MARK: Files

  /// Hashes every listed file.
  private func checkHashes() throws(PolicyError) -> [String: String] {
    var paths: [String: String] = [:]
    for entry in manifest.files {
      let path = try folder.resolve(entry.path, namedBy: manifest.file, place: "files")
      let got = PolicyLoader.digest(try FileBytes.read(path))
      guard got == entry.hash else {
        throw PolicyError(
          .hash, file: path, "its SHA-256 is \(got), but \(Self.manifestName) says \(entry.hash)",
          suggestion: "the file was changed or swapped: restore it, or make the bundle again")
      }
      paths[entry.path] = path
    }
    return paths
  }

  /// The path of a file that is used: it must be among the hashed ones.
  private func used(_ name: String, _ hashed: [String: String], key: String) throws(PolicyError) -> String {
    if let path = hashed[name] { return path }
    // The path is judged first, so that an escape is called one.
    _ = try folder.resolve(name, namedBy: manifest.file, place: key)
    throw PolicyError(
      .hash, file: manifest.file, place: key, "uses \(name.quoted), which is not listed under files",
      suggestion: "add it with its sha256")
  }

  // MARK: Network of layers

  private func stack(
    _ weights: SafetensorsFile, _ layers: PolicyManifest.Layers, _ valueLayers: PolicyManifest.Layers?
  ) throws(PolicyError) -> LayerStack {
    var stack = LayerStack(file: manifest.file, layers: [])
    for layer in layers.dense { stack.layers.append(try self.layer(layer, weights)) }
    for layer in valueLayers?.dense ?? [] { stack.valueLayers.append(try self.layer(layer, weights)) }
    if let memory = layers.memory { stack.memory = try self.memory(memory, weights) }
    if let memory = valueLayers?.memory { stack.valueMemory = try self.memory(memory, weights) }
    switch manifest.distribution {
    case .gaussian(.secondHalf, _): stack.isSpreadInOutput = true
    case .gaussian(.tensor(let name), _): stack.constantSpread = try weights.tensor(name).floats
    default: break
    }
    return stack
  }

  private func layer(_ layer: PolicyManifest.Layer, _ weights: SafetensorsFile) throws(PolicyError) -> LayerStack.Layer
  {
    let matrix = try weights.tensor(layer.weight)
    guard matrix.shape.count == 2, matrix.count > 0 else {
      throw PolicyError(
        .shape, file: manifest.file, place: layer.weight.quoted, "has the shape \(matrix.shape), not [outputs, inputs]")
    }
    var bias: [Float]?
    if let name = layer.bias {
      let tensor = try weights.tensor(name)
      guard tensor.shape == [matrix.shape[0]] else {
        throw PolicyError(
          .shape, file: manifest.file, place: name.quoted,
          "has the shape \(tensor.shape), but \(layer.weight.quoted) has \(matrix.shape[0]) outputs")
      }
      bias = tensor.floats
    }
    return LayerStack.Layer(
      name: layer.weight, weights: matrix.floats, bias: bias, inputs: matrix.shape[1], outputs: matrix.shape[0],
      activation: layer.activation)
  }

  private func memory(
    _ memory: PolicyManifest.Memory, _ weights: SafetensorsFile
  ) throws(PolicyError) -> LayerStack.Memory {
    let matrix = try weights.tensor(memory.weight)
    let gates = memory.cell == .gru ? 3 : 4
    guard matrix.shape.count == 2, matrix.count > 0, matrix.shape[0] % gates == 0 else {
      throw PolicyError(
        .shape, file: manifest.file, place: memory.weight.quoted,
        "has the shape \(matrix.shape), not [\(gates)·units, inputs]")
    }
    let size = matrix.shape[0] / gates
    func tensor(_ name: String, _ shape: [Int]) throws(PolicyError) -> [Float] {
      let tensor = try weights.tensor(name)
      guard tensor.shape == shape else {
        throw PolicyError(
          .shape, file: manifest.file, place: name.quoted,
          "has the shape \(tensor.shape), but \(memory.weight.quoted) has \(size) units, which take \(shape)")
      }
      return tensor.floats
    }
    return LayerStack.Memory(
      name: memory.weight, cell: memory.cell, weights: matrix.floats,
      recurrentWeights: try tensor(memory.recurrentWeight, [gates * size, size]),
      bias: try tensor(memory.bias, [gates * size]) + tensor(memory.recurrentBias, [gates * size]),
      inputs: matrix.shape[1], size: size)
  }

  // MARK: Head

  private func wrong(_ key: String, _ message: String) -> PolicyError {
    PolicyError(.configuration, file: manifest.file, place: key, message, suggestion: "check it against the network")
  }

  private func action(count: Int) throws(PolicyError) -> ActionTransform {
    guard manifest.jointNames.count == count else {
      throw wrong("joint_names", "has \(manifest.jointNames.count) names, but the network gives \(count) actions")
    }
    let action = manifest.action
    func numbers(_ value: PolicyManifest.Numbers, _ key: String) throws(PolicyError) -> [Double] {
      guard let list = value.expanded(to: count) else { throw wrong("action.\(key)", "has not \(count) numbers") }
      return list
    }
    var ranges = action.clip ?? [-Double.infinity...Double.infinity]
    if ranges.count == 1, count > 1 { ranges = .init(repeating: ranges[0], count: count) }
    guard ranges.count == count else { throw wrong("action.clip", "has \(ranges.count) ranges, not \(count)") }
    let scale = try numbers(action.scale, "scale")
    guard scale.allSatisfy({ $0 != 0 }) else { throw wrong("action.scale", "has a 0, which forgets the action") }
    var transform = ActionTransform(
      kind: action.kind, scale: scale, offset: try numbers(action.offset, "offset"), low: ranges.map(\.lowerBound),
      high: ranges.map(\.upperBound))
    if let gain = action.positionGain { transform.positionGain = try numbers(gain, "kp") }
    if let gain = action.dampingGain { transform.dampingGain = try numbers(gain, "kd") }
    return transform
  }

  private func exploration(count: Int) throws(PolicyError) -> ExplorationNoise? {
    func numbers(_ value: PolicyManifest.Numbers) throws(PolicyError) -> [Double] {
      guard let list = value.expanded(to: count) else { throw wrong("exploration.sigma", "has not \(count) numbers") }
      return list
    }
    switch manifest.exploration {
    case nil: return nil
    case .gaussian(let sigma)?: return .gaussian(sigma: try numbers(sigma))
    case .ornsteinUhlenbeck(let sigma, let theta, let step)?:
      return .ornsteinUhlenbeck(sigma: try numbers(sigma), theta: theta, timeStep: step)
    }
  }

  private func distribution(
    _ source: NetworkSource, spread: PolicyNetwork.Spread, count: Int
  ) throws(PolicyError) -> PolicyDistribution {
    guard case .gaussian(let wish, let isSquashed) = manifest.distribution else { return .deterministic }
    switch (wish, spread) {
    case (.constant(let values), _):
      guard values.count == count else {
        throw wrong("distribution", "has \(values.count) standard deviations for \(count) actions")
      }
      return .gaussian(.constant(values), isSquashed: isSquashed)
    case (.tensor, .constant(let values)), (.output, .constant(let values)):
      guard values.count == count else {
        throw wrong("distribution", "the tensor has \(values.count) standard deviations for \(count) actions")
      }
      return .gaussian(.constant(values.map { Double($0) }), isSquashed: isSquashed)
    case (.output(_, _, let clamp), .output), (.secondHalf(let clamp), .output):
      return .gaussian(.stateDependent(clamp), isSquashed: isSquashed)
    default: throw wrong("distribution", "the network gives no standard deviation")
    }
  }

  private func checkObservation(count: Int) throws(PolicyError) {
    if !manifest.terms.isEmpty {
      let sum = manifest.terms.reduce(0) { $0 + $1.count }
      guard sum == count else {
        throw wrong("observation", "its terms have \(sum) numbers, but the network takes \(count)")
      }
    }
    if case .statistics(let mean, _, _, _) = manifest.normaliser, mean.count != count {
      throw wrong("normaliser", "has statistics for \(mean.count) numbers, but the network takes \(count)")
    }
  }
}

extension PolicyError {
  /// The same failure, found while a manifest was read.
  init(_ error: ConfigurationError) {
    var place = ""
    if let line = error.line { place = "\(line)" }
    if let column = error.column { place += ":\(column)" }
    self.init(
      .configuration, file: place.isEmpty ? error.file : "\(error.file):\(place)", error.message,
      suggestion: error.suggestion)
  }
}
