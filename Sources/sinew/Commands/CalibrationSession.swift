import ArmModel
import ArmProfiles
import CSystem
import Calibration
import Foundation
import ServoBus

/// A guided calibration at the terminal: questions and a live table out, answers and samples in. What to do next is the
/// procedure's.
struct CalibrationSession {
  let profile: ArmProfile
  /// The calibration's file.
  let path: String
  /// Whether nothing is asked that the profile answers.
  let isBrief: Bool

  private var answers = AnswerReader()
  private var table = SweepTable()
  private var saved: CalibrationProgress?

  init(profile: ArmProfile, path: String, isBrief: Bool) {
    self.profile = profile
    self.path = path
    self.isBrief = isBrief
  }

  private var progressPath: String { CalibrationProgress.path(besides: path) }

  // MARK: Calibrating

  /// Guides through the whole, writes the servos, and returns the calibrations of the bench's joints.
  mutating func calibrate(
    _ bench: inout CalibrationBench, _ master: inout BusMaster, progress: CalibrationProgress?
  ) throws -> [JointCalibration] {
    guard sinew_install_stop_signals() == 0 else { throw RunFailure("stop signals could not be installed") }
    try release(&bench, &master)
    let prepared = try onBench { () throws(CalibrationFailure) in try bench.prepare(on: &master) }
    for change in prepared { printError(change) }
    var procedure = CalibrationProcedure(
      bench.subjects, ranges: bench.subjects.map { progress?.ranges[$0.name] }, takesProfile: isBrief)
    announce(procedure)
    do {
      while procedure.stage != .complete {
        procedure.add(try onBench { () throws(CalibrationFailure) in try bench.sample(on: &master) })
        if procedure.stage == .sweep { table.show(procedure.rows) }
        try save(procedure)
        guard let answer = try nextAnswer() else { continue }
        table.finish()
        procedure.answer(answer)
        for problem in procedure.problems { printError("not yet: \(problem)") }
        announce(procedure)
      }
    } catch {
      table.finish()
      throw interrupted(error, procedure)
    }
    return try write(procedure, &bench, &master)
  }

  private mutating func release(_ bench: inout CalibrationBench, _ master: inout BusMaster) throws {
    let holding = try onBench { () throws(CalibrationFailure) in try bench.energised(on: &master) }
    if !holding.isEmpty, !isBrief {
      let ids = holding.map { "\($0)" }.joined(separator: ", ")
      printError("Servos \(ids) hold the arm and will let go: support it, then press Enter.")
      while try nextAnswer() == nil {}
    }
    try onBench { () throws(CalibrationFailure) in try bench.release(on: &master) }
  }

  private mutating func write(
    _ procedure: CalibrationProcedure, _ bench: inout CalibrationBench, _ master: inout BusMaster
  ) throws -> [JointCalibration] {
    var procedure = procedure
    do {
      let changes = try onBench { () throws(CalibrationFailure) in
        try bench.write(procedure.result, on: &master)
      }
      for change in changes { printError(change) }
      if changes.isEmpty { printError("the servos hold all of it already") }
      // A servo may need a moment to count anew, and a hand moves the arm.
      var wrong: [String] = []
      for _ in 0..<10 {
        procedure.add(try onBench { () throws(CalibrationFailure) in try bench.sample(on: &master) })
        wrong = try onBench { () throws(CalibrationFailure) in try bench.check(procedure, on: &master) }
        if wrong.isEmpty { return procedure.result }
        usleep(50_000)
      }
      throw RunFailure(
        wrong.joined(separator: "; ")
          + "; hold the arm still and go on with --resume, or power the servos off and on first"
      )
    } catch {
      throw interrupted(error, procedure)
    }
  }

  // MARK: Verifying

  /// Checks that the servos are the calibration's and that every joint turns the way it says.
  mutating func verify(
    _ calibration: ArmCalibration, _ bench: inout CalibrationBench, _ master: inout BusMaster
  ) throws {
    let differences = calibration.differences(from: bench.identities)
    guard differences.isEmpty else {
      throw RunFailure(
        "\(path): these are not the servos that were calibrated: \(differences.joined(separator: "; ")); calibrate again"
      )
    }
    guard !isBrief else { return }
    guard sinew_install_stop_signals() == 0 else { throw RunFailure("stop signals could not be installed") }
    try release(&bench, &master)
    var verification = CalibrationVerification(calibration, bench.subjects)
    announce(verification)
    while verification.joint != nil {
      verification.add(try onBench { () throws(CalibrationFailure) in try bench.sample(on: &master) })
      guard try nextAnswer() != nil else { continue }
      verification.next()
      if let problem = verification.problem { printError("not yet: \(problem)") }
      announce(verification)
    }
    guard verification.failures.isEmpty else {
      throw RunFailure("\(path): " + verification.failures.map { "\($0)" }.joined(separator: "; "))
    }
  }

  // MARK: Files

  /// Writes the calibration; one that was there is kept beside it.
  mutating func keep(_ calibration: ArmCalibration) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    if FileManager.default.fileExists(atPath: path) {
      let previous = String(path.dropLast(5)) + ".previous.yaml"
      guard rename(path, previous) == 0 else {
        throw RunFailure("\(path): cannot be kept as \(previous): \(String(cString: strerror(errno)))")
      }
      printError("the calibration that was there is now \(previous)")
    }
    try NewFile.write(calibration.text, to: path, replacing: false)
    unlink(progressPath)
  }

  private mutating func save(_ procedure: CalibrationProcedure) throws {
    let progress = CalibrationProgress(profile: profile.name, procedure)
    guard progress != saved, progress.isWorthKeeping else { return }
    // Every new extreme counts, but not every tick of it is worth a file.
    if let saved, procedure.stage == .sweep, !grew(progress, since: saved) { return }
    try FileManager.default.createDirectory(
      at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
    try NewFile.write(progress.text, to: progressPath, replacing: true)
    saved = progress
  }

  private func grew(_ progress: CalibrationProgress, since last: CalibrationProgress) -> Bool {
    progress.ranges.contains { joint, range in
      guard let old = last.ranges[joint] else { return true }
      return range.count > old.count + 100
    }
  }

  private mutating func interrupted(_ error: any Error, _ procedure: CalibrationProcedure) -> any Error {
    let progress = CalibrationProgress(profile: profile.name, procedure)
    guard progress.isWorthKeeping,
      (try? NewFile.write(progress.text, to: progressPath, replacing: true)) != nil
    else { return error }
    return RunFailure("\(error); what was swept is kept in \(progressPath): go on with --resume")
  }

  // MARK: Asking

  /// An answer, or nil when none came within a sampling period.
  private mutating func nextAnswer() throws -> CalibrationProcedure.Answer? {
    guard sinew_stop_requests() == 0 else { throw RunFailure("interrupted") }
    switch answers.next(within: 10) {
    case .next: return .next
    case .yes: return .yes
    case .no: return .no
    case .quit: throw RunFailure("ended on request")
    case .ended: throw RunFailure("standard input ended before the calibration did")
    case .unknown(let text): printError("'\(text)' is no answer: press Enter, or type yes, no or quit")
    case .nothing: break
    }
    return nil
  }

  private func announce(_ procedure: CalibrationProcedure) {
    switch procedure.stage {
    case .continuous(let joint):
      printError("\(procedure.subjects[joint].name): does it turn without an end on this arm? [yes]/no")
    case .sweep:
      printError("Turn every joint slowly from stop to stop, both ways; press Enter when all are 'ok'.")
    case .pose:
      let joints = procedure.subjects.filter { $0.servo.zero == .pose }.map(\.name).joined(separator: ", ")
      printError("Hold \(joints) where the angle is 0 (calibration/README.md shows the pose); press Enter.")
    case .direction(let joint):
      let subject = procedure.subjects[joint]
      printError("\(subject.name): turn it so that \(subject.servo.direction ?? "its angle grows"); press Enter.")
    case .reversed(let joint):
      let subject = procedure.subjects[joint]
      printError(
        "\(subject.name): its servo counted the other way. Is it mounted the other way round on this arm? yes/[no: turn again]"
      )
    case .complete: break
    }
  }

  private func announce(_ verification: CalibrationVerification) {
    guard let joint = verification.joint else { return }
    let subject = verification.subjects[joint]
    printError("\(subject.name): turn it so that \(subject.servo.direction ?? "its angle grows"); press Enter.")
  }

  /// The calibration as a table.
  static func summary(_ calibration: ArmCalibration, _ profile: ArmProfile) -> String {
    var table = TextTable(header: ["joint", "servo", "zero", "sign", "range", "from", "to", "offset", "mode"])
    for (joint, servo) in zip(calibration.joints, profile.bus?.servos ?? []) {
      let steps = Double(ServoModel.named(joint.model)?.stepsPerTurn ?? 4096)
      let angle = { (ticks: Int) in
        Double(joint.sign) * (Double(ticks) - joint.zero) * 360 / steps / servo.gear
      }
      let ends = [angle(joint.lower), angle(joint.upper)].sorted()
      table.add([
        joint.joint, "\(joint.servo)", Format.short(joint.zero), joint.sign > 0 ? "+" : "-",
        joint.isContinuous ? "no end" : "\(joint.lower) to \(joint.upper)", Format.fixed(ends[0], 1) + "°",
        Format.fixed(ends[1], 1) + "°", joint.homingOffset.map { "\($0)" } ?? "none", joint.mode.rawValue,
      ])
    }
    return table.text
  }
}

/// The live table of a sweep on standard error; where that is no terminal, a line for each joint that is done.
private struct SweepTable {
  private var shownLines = 0
  private var lastShown: Int64 = 0
  private var done: Set<String> = []

  mutating func show(_ rows: [CalibrationProcedure.Row]) {
    guard Terminal.isInteractive else {
      for row in rows where row.problem == nil && done.insert(row.joint).inserted { printError(Self.line(row)) }
      return
    }
    let now = sinew_now_ns()
    guard now - lastShown > 100_000_000 else { return }
    lastShown = now
    var table = TextTable(header: ["joint", "servo", "min", "now", "max", "swept", "of", ""])
    for row in rows {
      table.add([
        row.joint, "\(row.servo)", row.range.map { "\($0.lowerBound)" } ?? "-", row.position.map { "\($0)" } ?? "-",
        row.range.map { "\($0.upperBound)" } ?? "-", Format.fixed(row.swept, 0) + "°",
        Format.fixed(row.expected, 0) + "°", row.problem == nil ? "ok" : "…",
      ])
    }
    let lines = table.text.split(separator: "\n").map { "\r\u{1b}[2K\($0)\n" }
    let up = shownLines > 0 ? "\u{1b}[\(shownLines)A" : ""
    _ = writeFully(Array((up + lines.joined()).utf8), to: 2)
    shownLines = lines.count
  }

  /// What comes next goes below.
  mutating func finish() { shownLines = 0 }

  private static func line(_ row: CalibrationProcedure.Row) -> String {
    row.isContinuous
      ? "\(row.joint): no end"
      : "\(row.joint): swept \(Format.fixed(row.swept, 0))° of about \(Format.fixed(row.expected, 0))°: ok"
  }
}
