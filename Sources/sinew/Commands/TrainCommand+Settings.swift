import Configuration
import Foundation
import Training

/// A new run's settings, from a file and from options, which win.
extension TrainCommand {
  private typealias Line = (key: String, value: String)

  /// One YAML text of file and options, which is also what the run keeps. Each part is checked by itself before: the text's
  /// lines are nobody's.
  func mergedSettings() throws -> String {
    let file = try config.map { try ConfigurationNode.load(path: $0) }
    guard let task = try task ?? file?.optional("task")?.string() else {
      throw InputError(
        "no task: give --task (reacher-v5, reach, reach-hobby6, pendulum-v1, or a YAML file) or --config")
    }
    if let file { try TrainingPlan.check(file, task: task, algorithm: algorithm) }
    let chosen = try algorithm ?? file?.optional("algorithm")?.choice(AlgorithmName.self) ?? .ppo

    var (top, parameters) = try Self.lines(of: file)
    for option in try options(task: task, algorithm: chosen) {
      if option.isParameter { Self.put(&parameters, option.line) } else { Self.put(&top, option.line) }
    }
    if !perturbations.isEmpty { Self.put(&top, ("perturbations", try mergedPerturbations(file))) }
    let head = top.map { "\($0.key): \($0.value)" }
    let rest = parameters.isEmpty ? [] : ["parameters:"] + parameters.map { "  \($0.key): \($0.value)" }
    return (head + rest).joined(separator: "\n") + "\n"
  }

  private static func put(_ list: inout [Line], _ line: Line) {
    list.removeAll { $0.key == line.key }
    list.append(line)
  }

  private static func lines(of file: ConfigurationNode?) throws -> (top: [Line], parameters: [Line]) {
    var (top, parameters): ([Line], [Line]) = ([], [])
    for (key, value) in try file?.entries() ?? [] {
      if key == "parameters" {
        for (name, setting) in try value.entries() { put(&parameters, (name, try scalar(setting))) }
      } else {
        put(&top, (key, try scalar(value)))
      }
    }
    return (top, parameters)
  }

  /// What options set, each checked by itself, so that an error names the option.
  private func options(task: String, algorithm: AlgorithmName) throws -> [(line: Line, isParameter: Bool)] {
    var lines: [(line: Line, isParameter: Bool)] = []
    func add(_ option: String, _ key: String, _ value: String) throws {
      try Self.naming(option) {
        let part = try ConfigurationNode.parse(text: "\(key): \(value)\n", file: option)
        try TrainingPlan.check(part, task: task, algorithm: algorithm)
      }
      lines.append(((key, value), false))
    }
    if let task = self.task { try add("--task \(task)", "task", Self.quoted(task)) }
    if let name = self.algorithm { try add("--algorithm \(name.rawValue)", "algorithm", name.rawValue) }
    if let steps { try add("--steps \(steps)", "total_timesteps", "\(steps)") }
    if let envs { try add("--envs \(envs)", "n_envs", "\(envs)") }
    if let seed { try add("--seed \(seed)", "seed", "\(seed)") }
    for text in settings {
      guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
        throw InputError("--set '\(text)' is not NAME=VALUE, such as learning_rate=0.001")
      }
      let (key, value) = (String(text[..<equals]), String(text[text.index(after: equals)...]))
      if let option = Self.ownOptions[key] {
        throw InputError("--set \(text): '\(key)' has an option of its own: give \(option) instead")
      }
      if TrainingPlan.settingsOfRun.contains(key) {
        try add("--set \(text)", key, value)
        continue
      }
      try Self.naming("--set \(text)") {
        try TrainingPlan.check(
          ConfigurationNode.parse(text: "{}", file: "--set"), options: [text], task: task, algorithm: algorithm)
      }
      lines.append(((key, value), true))
    }
    return lines
  }

  /// Settings with an option of their own.
  private static let ownOptions = [
    "task": "--task", "algorithm": "--algorithm", "total_timesteps": "--steps", "n_envs": "--envs", "seed": "--seed",
    "perturbations": "--perturb",
  ]

  /// An option's mistake has no line and column.
  private static func naming(_ option: String, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as ConfigurationError {
      throw ConfigurationError(file: option, message: error.message, suggestion: error.suggestion)
    }
  }

  /// A text in YAML's quotes.
  private static func quoted(_ text: String) -> String {
    "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
  }

  /// A value as one line of YAML.
  private static func scalar(_ node: ConfigurationNode) throws -> String {
    if node.kind == .list { return "[\(try node.list().map { try scalar($0) }.joined(separator: ", "))]" }
    if node.isNull { return "null" }
    if let whole = try? node.integer() { return "\(whole)" }
    if node.isNumber { return "\(try node.double())" }
    if let flag = try? node.boolean() { return "\(flag)" }
    return quoted(try node.string())
  }

  // MARK: Perturbations

  /// The file's perturbations but for those that options name, then the options'.
  private func mergedPerturbations(_ file: ConfigurationNode?) throws -> String {
    let names = Set(perturbations.map(Self.name))
    let kept = try file?.optional("perturbations")?.strings().filter { !names.contains(Self.name($0)) } ?? []
    return "[\((kept.map(Self.quoted) + perturbations.map(Self.item)).joined(separator: ", "))]"
  }

  /// The part in front of '='.
  private static func name(_ text: String) -> String { String(text.prefix { $0 != "=" }) }

  /// An item of a list in YAML; quoted where it would not be read as it stands.
  private static func item(_ text: String) -> String {
    let isPlain =
      text.first?.isLetter == true
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_.=@+-/".contains($0)) }
    return isPlain ? text : quoted(text)
  }

  /// Sets the run up; a perturbation that is refused is named by its option or by its place in the file.
  func makeSession(_ plan: TrainingPlan, _ folder: String) throws -> TrainingSession {
    do {
      return try TrainingSession(plan, folder: folder)
    } catch {
      try nameRefusedPerturbation(of: plan)
      throw error
    }
  }

  private func nameRefusedPerturbation(of plan: TrainingPlan) throws {
    var part = plan
    part.perturbations = []
    // Where the plan is refused without any, they are not the cause.
    guard !plan.perturbations.isEmpty, (try? TrainingSession(part, folder: nil)) != nil else { return }
    let items = try config.map { try ConfigurationNode.load(path: $0) }?.optional("perturbations")?.list() ?? []
    for text in plan.perturbations {
      part.perturbations = [text]
      do {
        _ = try TrainingSession(part, folder: nil)
      } catch {
        if perturbations.contains(text) { throw InputError("--perturb '\(text)': \(error)") }
        if let item = items.first(where: { (try? $0.string()) == text }) { throw item.error("\(error)") }
      }
    }
  }
}
