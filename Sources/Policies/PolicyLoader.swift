import Configuration
import Glibc
import Networks

/// What a caller may say about a bare model file; a bundle says it itself.
public struct PolicyOptions: Sendable, Equatable {
  /// The tensor that is the action (or the mean of its distribution); nil finds it by name.
  public var actionOutput: String?
  /// The tensor with the critic's value.
  public var valueOutput: String?
  /// Recurrent pairs; when given, they are the only ones.
  public var recurrentPairs: [RecurrentPair]

  /// Options; the defaults find everything by name.
  public init(actionOutput: String? = nil, valueOutput: String? = nil, recurrentPairs: [RecurrentPair] = []) {
    self.actionOutput = actionOutput
    self.valueOutput = valueOutput
    self.recurrentPairs = recurrentPairs
  }
}

/// A policy in memory, checked: makes any number of independent, equal `Policy` values.
public struct LoadedPolicy: Sendable {
  /// What the policy is.
  public let description: PolicyDescription
  /// What was found while loading, for people.
  public let inspection: PolicyInspection
  let source: NetworkSource
  let head: HeadDesign

  /// A policy with its own memory. Not for the control thread: it allocates.
  public func makePolicy() throws(PolicyError) -> Policy {
    let network = try source.build()
    let observationCount = network.observationCount
    let actionCount = network.actionCount
    return try Policy(
      network: network, head: Head(head, count: actionCount),
      transform: ObservationTransform(
        terms: description.observationTerms, normaliser: description.normaliser, count: observationCount))
  }
}

/// Loads policies from files.
public enum PolicyLoader {
  /// Loads a bundle (a folder with `policy.yaml`, or that file) or a bare ONNX model.
  ///
  /// A bundle's hashes are checked and its golden vectors must reproduce. A bare model acts deterministically: its
  /// action output is the action.
  /// - Throws: one line that names the file and the cause.
  public static func load(path: String, options: PolicyOptions = PolicyOptions()) throws(PolicyError) -> LoadedPolicy {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    if name == BundleLoader.manifestName { return try BundleLoader.load(folder: ClosedFolder.holding(path)) }
    if FileBytes.isFolder(path) {
      let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
      return try BundleLoader.load(folder: ClosedFolder(path: folder))
    }
    let lower = name.lowercased()
    if lower.hasSuffix(".safetensors") {
      throw PolicyError(
        .configuration, file: path, "holds weights but no network",
        suggestion: "put it into a folder with a policy.yaml that lists its layers, and load the folder")
    }
    if lower.hasSuffix(".zip") || lower.hasSuffix(".pt") || lower.hasSuffix(".pth") {
      throw PolicyError(
        .unsupported, file: path, "is not loaded directly", suggestion: "unpack a bundle, or export the policy to ONNX")
    }
    return try loadModel(path: path, options: options)
  }

  /// The names of the policies that ship with Sinew, sorted.
  public static var shipped: [String] {
    guard let root = shippedFolder, let directory = opendir(root) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix("."), FileBytes.isFolder("\(root)/\(name)") { names.append(name) }
    }
    return names.sorted()
  }

  /// Loads a shipped policy by name, or what stands at a path. A shipped name goes before a file of the same name;
  /// `./NAME` means the file.
  public static func named(_ nameOrPath: String) throws(PolicyError) -> LoadedPolicy {
    guard !nameOrPath.contains("/") else { return try load(path: nameOrPath) }
    let known = shipped
    if let root = shippedFolder, known.contains(nameOrPath) { return try load(path: "\(root)/\(nameOrPath)") }
    guard !nameOrPath.contains("."), access(nameOrPath, F_OK) != 0 else { return try load(path: nameOrPath) }
    guard !known.isEmpty else {
      throw PolicyError(
        .unreadable, file: nameOrPath, "the policies that ship with sinew are not beside the program",
        suggestion: "set SINEW_RESOURCES to the folder that holds sinew_Policies.resources")
    }
    throw PolicyError(
      .unreadable, file: nameOrPath, "is neither a file nor a shipped policy",
      suggestion: (Suggestion.nearest(to: nameOrPath, in: known).map { "did you mean '\($0)'? " } ?? "")
        + "shipped: \(known.joined(separator: ", "))")
  }

  private static var shippedFolder: String? { ShippedFiles.folder("policies", ofModule: "Policies") }

  // MARK: Bare models

  private static func loadModel(path: String, options: PolicyOptions) throws(PolicyError) -> LoadedPolicy {
    let bytes = try FileBytes.read(path)
    let model = try OnnxParser.parse(bytes, file: path)
    let plan = try OnnxPlan.make(
      model,
      choices: OnnxChoices(
        action: options.actionOutput, value: options.valueOutput, recurrent: options.recurrentPairs))
    let source = NetworkSource.onnx(plan)
    let network = try source.build()
    var lines = ["\(fileName(path)) \(digest(bytes))"]
    let folder = ClosedFolder.holding(path)
    for name in plan.externalFiles {
      lines.append("\(name) \(digest(try FileBytes.read(folder.path + "/" + name)))")
    }
    let hash = lines.count == 1 ? digest(bytes) : ContentHash.sha256(lines.joined(separator: "\n") + "\n")
    let action = ActionTransform.identity(count: network.actionCount)
    let description = PolicyDescription(
      name: fileName(path), path: path, format: .onnx, hash: hash, observationCount: network.observationCount,
      actionCount: network.actionCount, action: action, distribution: .deterministic, normaliser: .inGraph,
      recurrentPairs: plan.pairs, hasValue: network.valueOutput != nil,
      parameterCount: network.program.summary.parameterCount, goldenRows: 0, provenance: model.metadata)
    var inspection = PolicyInspection(description, summary: network.program.summary)
    inspection.describe(model, plan)
    inspection.warnings.append(
      "no golden vectors: nothing proves that it acts here as in its trainer; a bundle is recommended")
    if let spread = plan.ports.spread {
      inspection.warnings.append(
        "the output \(spread.name.quoted) looks like a standard deviation, but a bare model acts deterministically: a bundle can say distribution"
      )
    }
    return LoadedPolicy(
      description: description, inspection: inspection, source: source,
      head: HeadDesign(distribution: .deterministic, action: action))
  }

  static func fileName(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

  static func digest(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { ContentHash.sha256($0) } }
}

extension OnnxPlan {
  /// The recurrent pairs by name.
  var pairs: [RecurrentPair] { ports.states.map { RecurrentPair(input: $0.input, output: $0.output) } }
}
