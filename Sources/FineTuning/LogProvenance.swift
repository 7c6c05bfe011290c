import Configuration
import Policies
import Recording
import Tasks

/// What a log says of itself before its first row: who drove which joints at which rate on which task.
struct LogProvenance {
  let path: String
  /// SHA-256 of the file.
  let hash: String
  let task: TaskDefinition
  /// Steps after which an episode of this run was cut, which in a person's run are not the task's; nil without a limit.
  let timeLimitSteps: Int?
  let isLinear: Bool
  /// Whether a person could end its episodes.
  let isSupervised: Bool
  /// Changes of the command's source: from `stamp` (ns) on, `source` commanded.
  private(set) var sources: [(stamp: Int64, source: UInt8)] = []
  /// When interventions began and ended, ns.
  private(set) var interventions: [ClosedRange<Int64>] = []
  /// Episodes that a person ended: as a success, as a failure, or to be thrown away.
  private(set) var succeeded: Set<UInt32> = []
  private(set) var failed: Set<UInt32> = []
  private(set) var discarded: Set<UInt32> = []
  let perturbations: String

  /// Reads it and compares it with the policy. `allowsLoss` lets lossy logs pass, for callers that leave episodes out.
  init(path: String, policy: PolicyDescription, allowsLoss: Bool) throws {
    self.path = path
    func refuse(_ code: FineTuningError.Code, _ what: String, _ remedy: String) -> FineTuningError {
      FineTuningError(code, log: path, what, remedy)
    }
    let info = try LogInfo.read(path: path)
    if let problem = info.problem {
      throw refuse(
        .unreadable, "the log was not closed or is damaged (\(problem))",
        "mend it with 'sinew log recover', which says what is lost, and use --skip-lossy for the rest")
    }
    var records: [String: [String: String]] = [:]
    for record in info.metadata { records[record.name, default: [:]].merge(record.metadata) { $1 } }
    func entry(_ record: String, _ key: String) -> String? { records[record]?[key] }

    guard let recorded = entry("policy", "sha256") else {
      throw refuse(.policy, "it does not say which policy made it", "take a log of 'sinew run' or 'sinew evaluate'")
    }
    guard recorded == policy.hash else {
      let attached = try Self.attachment("policy.yaml", of: path)
      throw refuse(
        .policy, Self.difference(of: attached, from: policy, recorded: recorded),
        "give the policy that made the log with --policy, or record with this one")
    }
    guard entry("session", "selection") == "sample" else {
      throw refuse(
        .deterministic, "it was recorded with the policy's mean action, which has no density",
        "record again with --sample")
    }
    guard let text = try Self.attachment("task.yaml", of: path) else {
      throw refuse(.layout, "it does not hold its task", "take a log of 'sinew run' or 'sinew evaluate'")
    }
    let task = try TaskDefinition.parse(text: text, file: "\(path):task.yaml")
    guard task.sha256 == entry("task", "sha256") else {
      throw refuse(.layout, "the task that it holds is not the one that it names", "record it again")
    }
    let joints = entry("session", "joints")?.split(separator: " ").map(String.init) ?? []
    guard joints == task.joints else {
      throw refuse(
        .layout,
        "its numbers are of the joints \(joints.joined(separator: ", ")), its task's are \(task.joints.joined(separator: ", "))",
        "record with the joints in the task's order")
    }
    try Self.checkSays(records, policy: policy, task: task, path: path)
    if let names = policy.jointNames, names != task.actionNames {
      throw refuse(
        .layout,
        "its actions are for \(task.actionNames.joined(separator: ", ")), the policy's for \(names.joined(separator: ", "))",
        "record with the policy's joint order")
    }
    let names = policy.observationTerms.map(\.name)
    if policy.observationTerms.allSatisfy({ $0.count == 1 }), !names.isEmpty, names != task.observationNames,
      Set(names) == Set(task.observationNames)
    {
      throw refuse(
        .layout, "its observations are those of the policy in another order", "record with the policy's own task")
    }
    guard task.observationCount == policy.observationCount, task.actionCount == policy.actionCount else {
      throw refuse(
        .layout,
        "\(task.observationCount) observations and \(task.actionCount) actions for a policy with "
          + "\(policy.observationCount) and \(policy.actionCount)", "give the policy that made the log")
    }
    if let rate = policy.rateHz, (rate * task.stepDuration - 1).magnitude > 1e-6 {
      throw refuse(
        .layout, "its task steps at \(1 / task.stepDuration) Hz, the policy was trained at \(rate) Hz",
        "record at the policy's rate")
    }
    guard allowsLoss || !info.isLossy else {
      throw try Self.loss(path: path, dropped: info.droppedCount, recovery: records["recovery"])
    }
    self.task = task
    timeLimitSteps = entry("task", "time_limit_steps").map { Int($0) } ?? task.timeLimitSteps
    isSupervised = records["operator"] != nil
    isLinear = entry("session", "interpolation") == "linear"
    perturbations = (records["perturbations"] ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
      .joined(separator: " ")
    hash = try ContentHash.sha256(contentsOf: path)
    try readEvents()
  }

  /// What the metadata say of actions, observations and rates, against the task in the log and the policy. The rows are read
  /// by the task; metadata that say otherwise were written of other rows, or the task was.
  private static func checkSays(
    _ records: [String: [String: String]], policy: PolicyDescription, task: TaskDefinition, path: String
  ) throws(FineTuningError) {
    let terms = policy.observationTerms
    let observations = terms.allSatisfy { $0.count == 1 } ? terms.map(\.name) : []
    let lists = [
      ("action_names", "actions", task.actionNames, policy.jointNames ?? []),
      ("observation_names", "observations", task.observationNames, observations),
    ]
    let remedy = "one of them was changed afterwards: take the log as it was recorded, or record it again"
    for (key, things, own, policys) in lists {
      guard let text = records["task"]?[key] else { continue }
      let said = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard said != own else { continue }
      let place = zip(said, own).enumerated().first { $1.0 != $1.1 }?.offset ?? min(said.count, own.count)
      func name(_ names: [String]) -> String { place < names.count ? "'\(names[place])'" : "missing" }
      var found = "\(name(said)) in its metadata (task.\(key)), \(name(own)) in its task"
      if !policys.isEmpty { found += ", \(name(policys)) in the policy" }
      throw FineTuningError(
        .layout, log: path, "the names of its \(things) do not agree: number \(place + 1) of \(own.count) is \(found)",
        remedy)
    }
    let rate = 1 / task.stepDuration
    let policys = policy.rateHz.map { ", the policy's is \(short($0))" } ?? ""
    if let text = records["session"]?["policy_rate_hz"] {
      guard let said = Double(text), (said / rate - 1).magnitude < 1e-6 else {
        throw FineTuningError(
          .layout, log: path,
          "by its metadata (session.policy_rate_hz) the policy ran at \(text) Hz, by its task at \(short(rate))\(policys)",
          remedy)
      }
    }
    if let text = records["session"]?["control_rate_hz"] {
      let ticks = (Double(text) ?? .nan) / rate
      guard ticks >= 1 - 1e-6, (ticks / ticks.rounded() - 1).magnitude < 1e-6 else {
        throw FineTuningError(
          .layout, log: path,
          "by its metadata (session.control_rate_hz) the loop ran at \(text) Hz, which is no multiple of its task's "
            + "\(short(rate)) Hz\(policys)", remedy)
      }
    }
  }

  private static func short(_ rate: Double) -> String { "\((rate * 1e6).rounded() / 1e6)" }

  /// Whether a person's word ended the episode of a row.
  func isPersonsEnd(_ row: Transition) -> Bool {
    isSupervised && (succeeded.contains(row.episode) || failed.contains(row.episode))
  }

  /// Whether nothing is to be earned behind a row. A person's word says so only where the task has such an end: in a task
  /// that goes on for ever the person cuts the episode off, as a time limit does.
  func hasNoFuture(_ row: Transition) -> Bool {
    guard row.isTerminated, isPersonsEnd(row) else { return row.isTerminated }
    return failed.contains(row.episode) ? task.canFail : task.endsWithSuccess
  }

  /// Names the row before the first loss; of a log that was recovered, what became of it and what is left.
  private static func loss(path: String, dropped: Int, recovery: [String: String]?) throws -> FineTuningError {
    var decoder: TransitionDecoder?
    var last: Transition?
    var gap: Transition?
    var ends = 0
    try LogReader(path: path).forEachMessage(topics: ["/transition"]) { _, schema, message in
      if decoder == nil { decoder = schema.flatMap { try? TransitionDecoder(RosSchema($0)) } }
      guard let row = try? decoder?.decode(message.data) else { return true }
      if row.step != (last?.step ?? UInt64.max) &+ 1 {
        gap = last ?? row
        return false
      }
      if row.isTerminated || row.isTruncated { ends += 1 }
      last = row
      return true
    }
    var what = "records were lost (\(dropped))"
    var remedy = "record again with a larger ring or a faster disk, or leave broken episodes out with --skip-lossy"
    if let recovery {
      what = "the log was recovered after it was \(recovery["closed"] == "false" ? "cut off" : "damaged")"
      remedy = "what was lost cannot be had again: leave broken episodes out with --skip-lossy, or record again"
    }
    if let gap {
      return FineTuningError(
        .lossy, at: RowPlace(log: path, episode: gap.episode, step: gap.stepInEpisode),
        what + ", transitions are missing beside this one", remedy)
    }
    guard recovery != nil else {
      let count = dropped > 0 ? "\(dropped) records are missing" : "it does not say how many records are missing"
      return FineTuningError(.lossy, log: path, "the log is lossy: \(count), though no transition is", remedy)
    }
    let isOpen = last.map { !$0.isTerminated && !$0.isTruncated } ?? false
    what += isOpen ? ", within an episode" : ", and its end is lost"
    guard ends > 0 else {
      return FineTuningError(.lossy, log: path, what + "; no whole episode is left", "record again")
    }
    return FineTuningError(
      .lossy, log: path, what,
      "its \(ends) whole episode\(ends == 1 ? "" : "s") can be used: --skip-lossy takes "
        + (ends == 1 ? "it" : "them") + " and leaves the rest out")
  }

  private static func attachment(_ name: String, of path: String) throws -> String? {
    let reader = try McapIndexedReader(source: FileSource(path: path))
    guard let index = reader.attachmentIndexes.first(where: { $0.name == name }), index.dataSize < 1 << 24 else {
      return nil
    }
    return String(validating: try reader.attachment(index).data, as: UTF8.self)
  }

  /// What of a policy is not what it was when the log was made.
  private static func difference(of attached: String?, from policy: PolicyDescription, recorded: String) -> String {
    let hashes = "SHA-256 \(recorded.prefix(12))…, this one's is \(policy.hash.prefix(12))…"
    guard let attached, let present = policy.sourceText else { return "another policy made it (\(hashes))" }
    func weights(_ text: String) -> [Substring] {
      let lines = text.split(separator: "\n")
      return lines.indices.filter { lines[$0].contains("path: weights") || lines[$0].contains(".onnx") }
        .compactMap { $0 + 1 < lines.endIndex ? lines[$0 + 1] : nil }
    }
    func block(_ name: String, _ text: String) -> [Substring] {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      guard let start = lines.firstIndex(where: { $0.hasPrefix(name + ":") }) else { return [] }
      return [lines[start]] + lines[(start + 1)...].prefix { $0.hasPrefix(" ") || $0.hasPrefix("-") }
    }
    guard weights(attached) == weights(present) else { return "another policy made it (\(hashes))" }
    for name in ["normaliser", "action", "distribution", "observation", "joint_names"]
    where block(name, attached) != block(name, present) {
      return "the same weights with another \(name.replacing("_", with: " ")) made it (\(hashes))"
    }
    return "another version of this policy made it (\(hashes))"
  }

  /// Who commanded when, as the events tell it: what the rows say is held against it.
  private mutating func readEvents() throws {
    var schema: RosSchema?
    var found: [(stamp: Int64, source: UInt8)] = []
    var spans: [ClosedRange<Int64>] = []
    var began: Int64?
    try LogReader(path: path).forEachMessage(topics: ["/events"]) { _, definition, message in
      if schema == nil { schema = definition.flatMap { try? RosSchema($0) } }
      guard let members = try? schema?.decode(message.data) else { return true }
      let values = Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
      guard case .unsigned(let code)? = values["code"], case .integer(let first)? = values["first"],
        case .integer(let stamp)? = values["stamp_ns"]
      else { return true }
      switch UInt16(exactly: code).flatMap({ LogEvent(rawValue: $0) }) {
      case .sourceChanged: found.append((stamp, UInt8(clamping: first)))
      case .interventionStarted: began = stamp
      case .interventionEnded:
        if let start = began, start <= stamp { spans.append(start...stamp) }
        began = nil
      case .success: succeeded.insert(UInt32(truncatingIfNeeded: first))
      case .failure: failed.insert(UInt32(truncatingIfNeeded: first))
      case .rerecordEpisode: discarded.insert(UInt32(truncatingIfNeeded: first))
      default: break
      }
      return true
    }
    if let began { spans.append(began...Int64.max) }
    sources = found.sorted { $0.stamp < $1.stamp }
    interventions = spans
  }
}
