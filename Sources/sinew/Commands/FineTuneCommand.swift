import ArgumentParser
import FineTuning
import Foundation

/// `sinew finetune`: a better policy from the logs of a policy's own runs.
struct FineTuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "finetune",
    abstract: "Improve a policy from the logs of its own runs (offline PPO).",
    discussion: """
      The logs must be of this very policy, sampled (run or evaluate with --sample). Every row is examined first: policy and \
      normaliser by hash, joint order, log-probabilities by asking the policy again, terminations, executed commands, lost \
      or shuffled rows. A row that fails is named, with the remedy, and nothing is written.

      Then the critic is fitted, the policy updated within limits of KL and effective sample size, and the result judged on \
      episodes that were left out. The new bundle is written only when the interval of the estimated improvement lies above \
      0. Equations and sources: docs/fine-tuning.md.

      Rows that safety altered or a person drove have no importance ratio: they serve the critic. Where the safety core's \
      limits are part of the arm that the policy was trained on, --altered keep lets altered rows count. Let the first run \
      of a new policy be supervised and slow.

      Settings (--set NAME=VALUE):
      \(Self.settingsText)

      Examples:
        sinew evaluate --task reach --policy base --sample --episodes 99 --log 1.mcap
        sinew finetune --policy base --log 1.mcap --check
        sinew finetune --policy base --log 1.mcap -o better
        sinew finetune --policy base --log *.mcap -o better --set target_kl=0.01
        sinew evaluate --task reach --policy better

      Exit codes: 0 the new policy was written (--check: the logs are sound); 1 the gate refused it, or numbers were not \
      finite, and no policy was written; 2 wrong input: a log, a row, a setting, a path, too little data; 3 the new policy \
      was written, but its report could not be.
      """)

  private static var settingsText: String {
    FineTuningOptions.names.map { "  \($0.name): \($0.meaning)" }.joined(separator: "\n")
  }

  @Option(help: "The policy that made the logs: a bundle of 'sinew train' or 'sinew finetune'.")
  var policy: String

  @Option(
    name: .customLong("log"), parsing: .upToNextOption,
    help: ArgumentHelp("Logs of its runs; one or more.", valueName: "log"))
  var logs: [String]

  @Option(name: [.customShort("o"), .long], help: "Folder of the new bundle; must not exist.")
  var output: String?

  @Option(help: "Page with the report. Default: OUTPUT.report.html.")
  var report: String?

  @Option(help: "Rows that the safety core altered: mask (critic only) or keep (safety is part of the arm).")
  var altered = AlteredRows.mask

  @Flag(
    name: .customLong("skip-lossy"), help: "Leave out episodes of which rows are missing, instead of refusing the log.")
  var skipLossy = false

  @Flag(help: "Examine the logs and end.")
  var check = false

  @Option(name: .customLong("set"), help: ArgumentHelp("A setting; may be repeated.", valueName: "name=value"))
  var settings: [String] = []

  @Option(help: "Seed of everything random; the same logs and seed give the same policy.")
  var seed: UInt32 = 0

  @Option(help: "Memory that the rows may take, MiB.")
  var memory = 1024

  @Flag(help: "Print one JSON object.")
  var json = false

  enum AlteredRows: String, CaseIterable, ExpressibleByArgument { case mask, keep }

  func validate() throws {
    try refuseEmpty(["policy": policy, "output": output, "report": report])
    guard check || output != nil else {
      throw ValidationError("name the new bundle with -o, or only --check the logs.")
    }
    guard (1...1 << 20).contains(memory) else { throw ValidationError("--memory must be between 1 and 1048576 MiB.") }
  }

  mutating func run() throws {
    var plan = FineTuningPlan(policy: policy, logs: logs, output: check ? nil : output)
    plan.keepsAltered = altered == .keep
    plan.skipsLossy = skipLossy
    plan.memoryLimit = memory << 20
    plan.options.seed = UInt64(seed)
    for text in settings {
      guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
        throw InputError("--set '\(text)' is not NAME=VALUE, such as target_kl=0.01")
      }
      try checkingInput {
        try plan.options.set(String(text[..<equals]), String(text[text.index(after: equals)...]))
      }
    }
    let folder = output.map { $0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
    let page = report ?? folder.map { $0 + ".report.html" }
    let session = try checkingInput { try FineTuningSession(plan) }
    if !check, let page {
      if let folder, page == folder || page.hasPrefix(folder + "/") {
        throw InputError(
          "\(page): the folder of the new policy appears only if the gate accepts it; name a --report outside of it")
      }
      try NewFile.check(page)
    }
    var progress = ProgressLine()
    defer { progress.finish() }
    if check {
      let examined = try checkingInput { try session.examine { progress.show($0, "examining the logs") } }
      progress.finish()
      let summary = ExaminationOutput(examined)
      if json { try printJSON(summary) } else { print(summary.text) }
      return
    }
    let result: FineTuningResult
    do {
      result = try session.run { progress.show($0, $1) }
    } catch let error as FineTuningError where error.code == .notFinite && error.place == nil {
      throw RunFailure(error.description)
    } catch {
      throw InputError("\(error)")
    }
    progress.finish()
    let text = FineTuningReport(result)
    let failure = page.flatMap { write(text, to: $0) }
    let written = failure == nil ? page : nil
    if json {
      try printJSON(FineTuningOutput(result, report: written))
    } else {
      print(text.text)
      if let written { print("report: \(written)") }
    }
    guard let bundle = result.bundle else {
      let verdict = "the gate " + result.verdict.text + "; no policy was written"
      throw RunFailure(failure.map { verdict + ", nor its report: \($0)" } ?? verdict)
    }
    if let failure {
      printError("error: \(failure); the new policy is written all the same, to \(bundle); only its report is missing")
      throw ExitStatus.loss
    }
  }
}

extension FineTuneCommand {
  /// Writes the page; why it could not be written, or nil. What was computed and written before is not lost with it.
  private func write(_ report: FineTuningReport, to page: String) -> String? {
    do {
      NewFile.makeFolder(of: page)
      try NewFile.write(report.html, to: page, replacing: false)
      return nil
    } catch {
      return "\(error)"
    }
  }
}

/// What the examination of logs found, as JSON and as text.
struct ExaminationOutput: Encodable {
  struct Log: Encodable {
    let path: String
    let sha256: String
    let rows: Int
    let episodes: Int
    let skipped_episodes: Int
    /// By the person who supervised.
    let discarded_episodes: Int
    let largest_log_probability_difference: Double
    let tolerance: Double
  }
  let logs: [Log]
  let rows: Int
  let episodes: Int
  let mean_return: Double
  let rows_by_kind: [String: Int]

  init(_ examined: ExaminedData) {
    logs = examined.logs.map {
      Log(
        path: $0.path, sha256: $0.sha256, rows: $0.rows, episodes: $0.episodes, skipped_episodes: $0.skippedEpisodes,
        discarded_episodes: $0.discardedEpisodes, largest_log_probability_difference: $0.largestDifference,
        tolerance: $0.tolerance)
    }
    rows = examined.data.count
    episodes = examined.data.episodes.count
    mean_return = examined.meanReturn
    rows_by_kind = Dictionary(uniqueKeysWithValues: RowKind.allCases.map { ("\($0)", examined.data.count(of: $0)) })
  }

  var text: String {
    var lines = logs.map { log in
      "\(log.path): sound, \(log.rows) rows in \(Format.count(log.episodes, "episode")), log-probabilities within "
        + "\(Format.short(log.largest_log_probability_difference)) (allowed \(Format.short(log.tolerance)))"
        + (log.skipped_episodes > 0 ? ", \(Format.count(log.skipped_episodes, "episode")) left out" : "")
        + (log.discarded_episodes > 0 ? ", \(Format.count(log.discarded_episodes, "episode")) thrown away" : "")
    }
    let kinds = RowKind.allCases.compactMap { kind in
      rows_by_kind["\(kind)"].flatMap { $0 > 0 ? "\($0) \(kind.text)" : nil }
    }
    lines.append("\(rows) rows: \(kinds.joined(separator: ", ")); mean return \(Format.fixed(mean_return, 3))")
    return lines.joined(separator: "\n")
  }
}

/// What fine-tuning came to, as JSON.
struct FineTuningOutput: Encodable {
  let accepted: Bool
  let verdict: String
  let policy: String?
  let report: String?
  let rows: Int
  let episodes: Int
  let rows_by_kind: [String: Int]
  let mean_return: Double
  let kl: Double?
  let effective_sample_size: Double?
  let clip_fraction: Double?
  let explained_variance: Double?
  let ending: String
  let gradient_steps: Int
  /// Mean log π of what a person executed; left out without such rows.
  let person_log_likelihood: Double?
  let improvement: Double
  let improvement_low: Double
  let improvement_high: Double
  let first_order: Double
  let first_order_low: Double
  let first_order_high: Double
  let calibrated: Bool

  init(_ result: FineTuningResult, report: String?) {
    accepted = result.verdict.isAccepted
    verdict = result.verdict.text
    policy = result.bundle
    self.report = report
    let examination = ExaminationOutput(result.examined)
    rows = examination.rows
    episodes = examination.episodes
    rows_by_kind = examination.rows_by_kind
    mean_return = examination.mean_return
    kl = result.final?.kl
    effective_sample_size = result.final?.sampleSize
    clip_fraction = result.final?.clipFraction
    explained_variance = result.record.explained.last
    ending = result.record.ending
    gradient_steps = result.record.steps
    person_log_likelihood = result.record.personLikelihood
    improvement = result.verdict.improvement.mean
    improvement_low = result.verdict.improvement.low
    improvement_high = result.verdict.improvement.high
    first_order = result.verdict.surrogate.mean
    first_order_low = result.verdict.surrogate.low
    first_order_high = result.verdict.surrogate.high
    calibrated = result.verdict.isCalibrated
  }
}
