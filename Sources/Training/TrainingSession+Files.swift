import Configuration
import Learning
import Policies

/// What a run keeps in its folder.
extension TrainingSession {
  /// What the curve's picture is called.
  var title: String { "\(plan.task), \(plan.algorithm.rawValue), seed \(plan.options.seed)" }

  private var fingerprint: String { "\(plan.text)\n\(setup?.task.sha256 ?? plan.task)" }

  /// Keeps the run's state, its curve and its picture.
  func store<Loop: BundledTraining & ~Copyable>(
    _ training: borrowing Loop, _ curve: LearningCurve, _ files: RunFiles
  ) throws {
    var encoder = StateEncoder()
    encoder.begin("run")
    let digest = Array(ContentHash.sha256(fingerprint).utf8)
    encoder.put(digest, count: digest.count)
    encoder.put(Int64(training.stepCount))
    let set = Array(training.instructionSet.rawValue.utf8)
    encoder.put(Int64(set.count))
    encoder.put(set, count: set.count)
    training.encode(into: &encoder)
    // The curve first: a checkpoint never knows more than it.
    try RunFiles.write(Array(curve.csv.utf8), to: files.curve)
    try RunFiles.write(Array(curve.drawing(title: title).svg.utf8), to: files.picture)
    try Checkpoint.write(encoder.bytes, to: files.checkpoint)
  }

  /// Continues from the folder's checkpoint; gives the curve up to it.
  func resume<Loop: BundledTraining & ~Copyable>(
    _ training: inout Loop, _ files: RunFiles
  ) throws -> LearningCurve {
    var decoder = StateDecoder(try Checkpoint.read(files.checkpoint))
    do {
      try decoder.begin("run")
      var digest = [UInt8](repeating: 0, count: 64)
      try decoder.take(into: &digest, count: 64)
      guard digest.elementsEqual(ContentHash.sha256(fingerprint).utf8) else {
        throw LearningError(.state, "its settings or its task are not those of this run: restore them, or train anew")
      }
      let steps = Int(try decoder.take(Int64.self))
      var set = [UInt8](repeating: 0, count: Int(max(0, min(64, try decoder.take(Int64.self)))))
      try decoder.take(into: &set, count: set.count)
      let name = String(decoding: set, as: UTF8.self)
      guard name == training.instructionSet.rawValue else {
        throw LearningError(
          .state, "it was made with the instruction set \(name), which rounds differently: set SINEW_ISA=\(name)")
      }
      try training.decode(from: &decoder)
      let curve = String(decoding: try RunFiles.read(files.curve), as: UTF8.self)
      return LearningCurve(csv: curve, upTo: steps)
    } catch let error as LearningError {
      throw TrainingError("\(files.checkpoint): \(error.description)")
    }
  }

  /// Writes the bundle beside its place, loads it, which reproduces its golden vectors, and gives it its name: whoever
  /// finds the folder finds all of it.
  func writePolicy<Loop: BundledTraining & ~Copyable>(
    _ training: borrowing Loop, evaluation: EvaluationFigures, _ curve: LearningCurve, _ files: RunFiles
  ) throws -> String {
    let parts = BundleWriter.files(bundle(training, evaluation: evaluation))
    let names = parts.map(\.name)
    let temporary = files.policy + ".new"
    try RunFiles.makeFolder(temporary)
    do {
      for part in parts { try RunFiles.write(part.bytes, to: temporary + "/" + part.name) }
      _ = try PolicyLoader.load(path: temporary)
    } catch let error as PolicyError where error.code == .golden || error.code == .notFinite {
      RunFiles.removeFolder(temporary, holding: names)
      throw LearningError(.diverged, diverged(error, curve, files))
    } catch {
      RunFiles.removeFolder(temporary, holding: names)
      throw error
    }
    // What a version before this one left under the name, though it had refused it.
    RunFiles.removeFolder(files.policy, holding: names)
    try RunFiles.rename(temporary, to: files.policy)
    return files.policy
  }

  /// Why there is no bundle. The same weights give another action in another order of sums only where numbers have grown
  /// beyond what single precision can tell apart.
  private func diverged(_ error: PolicyError, _ curve: LearningCurve, _ files: RunFiles) -> String {
    let figures = [("KL", curve.last("kl")), ("clip fraction", curve.last("clip_fraction"))]
      .compactMap { name, value in value.map { "\(name) \($0)" } }.joined(separator: ", ")
    let remedy =
      switch plan.algorithm {
      case .ppo: "lower learning_rate, or set target_kl"
      case .trpo: "lower target_kl or learning_rate"
      default: "lower learning_rate"
      }
    let place = error.place.map { "\($0): " } ?? ""
    return "the trained policy cannot be reproduced from its bundle (\(place)\(error.message)) because training has "
      + "diverged\(figures.isEmpty ? "" : " (last update: \(figures))"): \(remedy), and train anew with another --output; "
      + "no policy is written, the checkpoint is \(files.checkpoint)"
  }
}
