import ArmModel
import ArmProfiles
import Configuration
import Control
import Glibc
import Recording
import Safety
import Simulation
import Tasks

/// What the log says of a physical arm: the one that the run commands, or the leader in a person's hand.
struct LoggedArm {
  /// The metadata record `arm`, or `leader`.
  var metadata: [String: String]
  var attachments: [LogAttachment]
  /// The joints in the task's order with their servos, for the words of events.
  var jointLabels: [String] = []
}

extension SessionParts {
  /// Opens the log: dimensions, provenance, and the files that explain the numbers.
  func startRecorder(_ arm: LoggedArm?) throws -> Recorder? {
    guard let path = plan.log else { return nil }
    try makeFolder(of: path)
    let task = plan.task
    var options = plan.recorderOptions
    options.clock = plan.clock == .monotonic ? .monotonic : .virtual
    options.vocabulary = LogVocabulary(
      conditions: Dictionary(uniqueKeysWithValues: Condition.allCases.map { (Int64($0.rawValue), $0.name) }),
      states: Dictionary(uniqueKeysWithValues: SafetyState.allCases.map { (Int64($0.rawValue), $0.name) }),
      joints: arm.map(\.jointLabels) ?? task.joints)
    options.recordsBus = arm != nil
    let layout = TransitionLayout(
      observationCount: task.observationCount, actionCount: task.actionCount, jointCount: task.joints.count,
      rewardTermCount: rewardTermNames.count)
    return try Recorder.start(
      path: path, options: options, layout: layout, jointNames: task.joints, metadata: metadata(arm),
      attachments: try attachments() + (arm?.attachments ?? []) + (leader?.attachments ?? []),
      robotDescription: model.robotDescription)
  }

  /// Makes the folder of the log when it is missing, but none above it: a wrong path should not become a tree.
  private func makeFolder(of path: String) throws {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
    let folder = String(path[..<slash])
    guard access(folder, F_OK) != 0, mkdir(folder, 0o777) != 0, errno != EEXIST else { return }
    throw RecordingError(
      path: path, operation: "the folder '\(folder)' cannot be made", code: errno,
      suggestion: "make it first with 'mkdir -p', or name another place")
  }

  private func metadata(_ arm: LoggedArm?) -> [String: [String: String]] {
    let task = plan.task
    var session: [String: String] = [
      "program_version": plan.programVersion, "git_revision": plan.gitRevision,
      "clock": plan.clock == .monotonic ? "real" : "virtual", "control_rate_hz": "\(controlRate)",
      "policy_rate_hz": "\(policyRate)", "seed": "\(plan.seed)",
      "selection": plan.selection == .mean ? "mean" : "sample",
      "interpolation": plan.interpolation.rawValue, "allows_non_realtime": "\(plan.allowsNonRealTime)",
    ]
    if let priority = plan.realTime.priority { session["requested_priority"] = "\(priority)" }
    var records = [
      "session": session,
      "task": [
        "name": task.name, "sha256": task.sha256, "observation_names": task.observationNames.joined(separator: ","),
        "action_names": task.actionNames.joined(separator: ","),
        "reward_terms": rewardTermNames.joined(separator: ","),
        "step_duration_s": "\(task.stepDuration)",
        // A person's run has another limit than its task, or none.
        "time_limit_steps": task.timeLimitSteps.map { "\($0)" } ?? "none",
      ],
      "policy": policyText,
      "simulation": [
        "model": model.name, "sha256": model.sha256, "timestep_s": "\(model.timestep)",
        "mujoco": PhysicsModel.libraryVersion,
      ],
      "perturbations": Dictionary(uniqueKeysWithValues: plan.perturbations.entries.map { ($0.name, $0.value) }),
      "limits": limitsText,
    ]
    if let operation = plan.operation { records["operator"] = operation.metadata }
    if let leader { records["leader"] = leader.metadata }
    if let arm {
      // The model is what the twin reckons with; nothing is simulated.
      records["arm"] = arm.metadata
      records["twin"] = records.removeValue(forKey: "simulation")
      records["perturbations"] = nil
    }
    return records
  }

  private var policyText: [String: String] {
    if let replay = plan.replay { return ["replay": replay.path, "episode": "\(replay.episode)"] }
    guard let description = policy?.description else { return [:] }
    return [
      "name": description.name, "path": description.path, "format": description.format.rawValue,
      "sha256": description.hash, "distribution": description.distribution.text,
      "normaliser": description.normaliser.text,
    ]
  }

  private var limitsText: [String: String] {
    func text(_ values: [Double]) -> String { values.map { "\($0)" }.joined(separator: ",") }
    return [
      "lower": text(limits.lower.array), "upper": text(limits.upper.array), "velocity": text(limits.velocity.array),
      "acceleration": text(limits.acceleration.array), "jerk": text(limits.jerk.array),
      "effort": text(limits.effort.array),
    ]
  }

  private func attachments() throws -> [LogAttachment] {
    var files = [
      LogAttachment(name: "task.yaml", mediaType: "application/yaml", data: Array(plan.task.sourceText.utf8))
    ]
    if let text = policy?.description.sourceText {
      files.append(LogAttachment(name: "policy.yaml", mediaType: "application/yaml", data: Array(text.utf8)))
    }
    files.append(LogAttachment(name: "model.xml", mediaType: "application/xml", data: Array(model.sourceText.utf8)))
    if let name = TaskSetup.profileName(plan, model: model) {
      files.append(
        LogAttachment(
          name: "arm-profile.yaml", mediaType: "application/yaml", data: Array(try ArmProfile.text(of: name).utf8)))
    }
    if plan.hardware == nil, case .all(let servo) = try setup.servos() {
      files.append(
        LogAttachment(name: "servo.yaml", mediaType: "application/yaml", data: Array(servo.sourceText.utf8)))
    }
    if let text = plan.configurationText {
      files.append(LogAttachment(name: "robot.yaml", mediaType: "application/yaml", data: Array(text.utf8)))
    }
    return files
  }
}
