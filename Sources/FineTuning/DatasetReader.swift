import Policies
import Recording
import Tasks

/// What was read of one log.
public struct LogSummary: Sendable {
  public var path: String
  /// SHA-256 of the file.
  public var sha256: String
  public var task: String
  public var rows: Int
  public var episodes: Int
  /// Episodes that were left out because rows of them are missing.
  public var skippedEpisodes: Int
  /// Episodes that were left out because a person threw them away.
  public var discardedEpisodes = 0
  /// Largest difference between the recorded and the replayed log π, and what is allowed.
  public var largestDifference: Double
  public var tolerance: Double
  public var perturbations: String
}

/// Reads logs row by row into a data set; nothing but the compact rows is kept. Whatever is wrong with a row ends the
/// reading with an error that names it.
public struct DatasetReader: Sendable {
  /// Bytes that the data set may take.
  public var memoryLimit = 1 << 30
  /// Whether rows that safety altered count as the policy's own: the safety core is then part of the arm.
  public var keepsAltered = false
  /// Whether episodes of which rows are missing are left out, rather than refused.
  public var skipsLossy = false
  private let policy: LoadedPolicy

  public init(policy: LoadedPolicy) { self.policy = policy }

  /// Reads all logs.
  /// - Parameter progress: is told the fraction that was read.
  /// - Throws: `FineTuningError`, or the error of the file.
  public func read(
    _ paths: [String], progress: (Double) -> Void = { _ in }
  ) throws -> (data: TransitionDataset, logs: [LogSummary]) {
    let description = policy.description
    var data = TransitionDataset(
      observationCount: description.observationCount, actionCount: description.actionCount, limit: memoryLimit)
    var logs: [LogSummary] = []
    var task: TaskDefinition?
    for (index, path) in paths.enumerated() {
      let log = try LogProvenance(path: path, policy: description, allowsLoss: skipsLossy)
      if let same = logs.first(where: { $0.sha256 == log.hash }) {
        throw FineTuningError(
          .input, "\(path): is the same log as \(same.path), whose rows would count twice; name each log once")
      }
      if let task, task.sha256 != log.task.sha256 {
        throw FineTuningError(
          .layout, log: path, "its task '\(log.task.name)' is not that of \(logs[0].path)",
          "rewards of different tasks cannot be mixed; fine-tune on the logs of one")
      }
      task = log.task
      logs.append(try read(log, index, into: &data) { progress((Double(index) + $0) / Double(paths.count)) })
    }
    return (data, logs)
  }

  private func read(
    _ log: LogProvenance, _ index: Int, into data: inout TransitionDataset, progress: (Double) -> Void
  ) throws -> LogSummary {
    var examination = try RowExamination(log, policy: policy, keepsAltered: keepsAltered)
    var summary = LogSummary(
      path: log.path, sha256: log.hash, task: log.task.name, rows: 0, episodes: 0, skippedEpisodes: 0,
      largestDifference: 0, tolerance: 1e-5, perturbations: log.perturbations)
    var decoder: TransitionDecoder?
    var failure: (any Error)?
    var episode = OpenEpisode(start: data.count)
    // The callback of a log that was opened for it alone.
    try withoutActuallyEscaping(progress) { told in
      let problem = try LogReader(path: log.path, progress: told).forEachMessage(topics: ["/transition"]) {
        _, schema, message in
        do {
          if decoder == nil {
            guard let schema else { throw FineTuningError(.unreadable, log: log.path, "no schema", "record it again") }
            decoder = try TransitionDecoder(RosSchema(schema))
          }
          guard let row = try decoder?.decode(message.data) else { return true }
          try take(row, log, index, &examination, &episode, &data, &summary)
          return true
        } catch {
          failure = error
          return false
        }
      }
      if let problem { throw RecordingError(path: log.path, problem) }
    }
    if let failure { throw failure }
    if episode.isOpen {
      guard skipsLossy else {
        throw FineTuningError(
          .lossy,
          at: RowPlace(log: log.path, episode: episode.number, step: UInt32(max(0, data.count - episode.start - 1))),
          "the log ends in the middle of the episode", "leave broken episodes out with --skip-lossy")
      }
      data.truncate(to: episode.start)
      summary.skippedEpisodes += 1
    }
    try examination.finish()
    guard summary.rows > 0 else {
      throw FineTuningError(.unreadable, log: log.path, "it holds no whole episode", "see 'sinew log info'")
    }
    summary.largestDifference = examination.largestDifference
    summary.tolerance = examination.tolerance
    return summary
  }

  /// The episode that is being read.
  private struct OpenEpisode {
    var start: Int
    var number: UInt32 = 0
    var isOpen = false
    /// Rows of it are missing: it is passed over to its end.
    var isBroken = false
    var rewardSum = 0.0
    var smoothness = Smoothness()
  }

  private func take(
    _ row: Transition, _ log: LogProvenance, _ index: Int, _ examination: inout RowExamination,
    _ episode: inout OpenEpisode, _ data: inout TransitionDataset, _ summary: inout LogSummary
  ) throws {
    if let gap = examination.gap(before: row) {
      guard skipsLossy else { throw try isComplete(log.path) ? outOfOrder(gap, examination.place(row)) : gap }
      data.truncate(to: episode.start)
      summary.skippedEpisodes += 1
      let isLater = episode.isOpen && row.episode != episode.number
      episode = OpenEpisode(start: data.count, number: row.episode, isOpen: true, isBroken: row.stepInEpisode != 0)
      // Both the broken end of one episode and the broken beginning of the next are left out.
      if isLater, episode.isBroken { summary.skippedEpisodes += 1 }
      examination.resume(at: row)
    } else if !episode.isOpen {
      episode = OpenEpisode(start: data.count, number: row.episode, isOpen: true)
    }
    let kind = try examination.examine(row)
    let isLast = row.isTerminated || row.isTruncated
    guard !episode.isBroken else {
      if isLast { episode = OpenEpisode(start: data.count) }
      return
    }
    guard !data.isFull else {
      throw FineTuningError(
        .input,
        "\(log.path): the rows take more than \(memoryLimit >> 20) MiB of memory; give fewer logs, or allow more with "
          + "--memory")
    }
    append(row, kind, log, &examination, &episode, &data)
    guard isLast else { return }
    guard !log.discarded.contains(row.episode) else {
      data.truncate(to: episode.start)
      summary.discardedEpisodes += 1
      episode = OpenEpisode(start: data.count)
      return
    }
    try episode.smoothness.check(examination.place(row))
    var final = [Float](repeating: 0, count: data.stride)
    _ = examination.networkInput(row.finalObservation, into: &final)
    summary.rows += data.count - episode.start
    summary.episodes += 1
    data.closeEpisode(
      from: episode.start, final: final, log: index, number: row.episode, rewardSum: episode.rewardSum)
    episode = OpenEpisode(start: data.count)
  }

  /// Whether no row of the log is missing, wherever they stand.
  private func isComplete(_ path: String) throws -> Bool {
    var decoder: TransitionDecoder?
    var (count, highest) = (UInt64(0), UInt64(0))
    try LogReader(path: path).forEachMessage(topics: ["/transition"]) { _, schema, message in
      if decoder == nil { decoder = schema.flatMap { try? TransitionDecoder(RosSchema($0)) } }
      guard let row = try? decoder?.decode(message.data) else { return true }
      count += 1
      highest = max(highest, row.step)
      return true
    }
    return count == highest &+ 1
  }

  private func outOfOrder(_ gap: FineTuningError, _ place: RowPlace) -> FineTuningError {
    FineTuningError(
      .order, at: place, "rows that belong before it come later: all are there, in another order",
      "the rows were shuffled; take the log as it was recorded")
  }

  private func append(
    _ row: Transition, _ kind: RowKind, _ log: LogProvenance, _ examination: inout RowExamination,
    _ episode: inout OpenEpisode, _ data: inout TransitionDataset
  ) {
    var input = [Float](repeating: 0, count: data.stride)
    _ = examination.networkInput(row.observation, into: &input)
    data.inputs += input
    let absent = [Float](repeating: .nan, count: data.actionCount)
    data.actions += kind.isPolicys ? row.rawAction : absent
    data.means += kind == .ratio ? examination.mean : row.actionMean
    data.logDeviations += kind == .ratio ? examination.logDeviation : row.actionLogStandardDeviation
    data.logProbabilities.append(kind.isPolicys ? row.logProbability : .nan)
    var executed = absent
    if kind == .person, let before = episode.smoothness.lastCommand,
      let action = log.task.action(making: row.command, after: before, measured: row.position)
    {
      executed = action
    }
    data.executed += executed
    data.rewards.append(row.reward)
    data.kinds.append(kind)
    data.terminated.append(log.hasNoFuture(row))
    episode.rewardSum += Double(row.reward)
    episode.smoothness.add(row)
  }
}

/// Whether the joints of an episode move on from row to row, or jump about as in rows that were shuffled.
///
/// Von Neumann's ratio η = Σ (qₜ₊₁ − qₜ)² / (2·Σ (qₜ − q̄)²) is near 0 for a path and near 1 for the same numbers in random
/// order (J. von Neumann, Ann. Math. Statist. 12, 1941).
private struct Smoothness {
  private var path: [[Float]] = []
  private(set) var lastCommand: [Float]?

  mutating func add(_ row: Transition) {
    lastCommand = row.command
    if row.position.allSatisfy(\.isFinite) { path.append(row.position) }
  }

  /// - Throws: names the row with the largest jump. Joints that hardly move, or too short episodes, prove nothing.
  func check(_ end: RowPlace) throws(FineTuningError) {
    guard path.count >= 20, let width = path.first?.count else { return }
    for joint in 0..<width {
      let values = path.map { Double($0[joint]) }
      let mean = values.reduce(0, +) / Double(values.count)
      guard let low = values.min(), let high = values.max(), high - low > 0.1 else { continue }
      let spread = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      var (jumps, largest, place) = (0.0, 0.0, 0)
      for index in 1..<values.count {
        let jump = values[index] - values[index - 1]
        jumps += jump * jump
        if jump.magnitude > largest { (largest, place) = (jump.magnitude, index) }
      }
      guard jumps > 0.5 * 2 * spread else { continue }
      throw FineTuningError(
        .order, at: RowPlace(log: end.log, episode: end.episode, step: UInt32(place)),
        "a joint jumps by \(decimal(largest, 3)) rad, and the whole episode jumps about as rows in random order do",
        "the rows were shuffled; take the log as it was recorded")
    }
  }
}
