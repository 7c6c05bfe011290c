import ArmModel
import Configuration
import Numerics

/// A task as its YAML declares it: what is observed, what an action means, what is rewarded, when an episode ends and how
/// it begins. A value; `makeEvaluator` compiles it for the control thread.
public struct TaskDefinition: Sendable {
  /// The task's name.
  public var name: String
  /// What it is about, in a sentence or two.
  public var description: String
  /// The model it is made for: a shipped model's name or a path.
  public var model: String
  /// The arm profile whose limits hold where nobody names another, for an arm without a model of its own; nil: the model's.
  public var profile: String?
  /// The joints, by name; every joint vector the evaluator sees or gives is in this order.
  public var joints: [String]
  /// The points, in the order of the `PointSet` that the evaluator is given.
  public var points: [PointDefinition]
  /// Where the points come from.
  public var pointSource: PointSource
  /// Duration of one policy step, s.
  public var stepDuration: Double
  /// The steps after which an episode is truncated; nil: never.
  public var timeLimitSteps: Int?
  /// What the reset samples besides the joints.
  public var variables: [VariableDefinition]

  /// The YAML text as it was loaded.
  public var sourceText: String
  /// SHA-256 of `sourceText`, lower-case hexadecimal.
  public var sha256: String
  /// The file it was loaded from.
  public var file: String

  var limits: TaskJointLimits
  var resetPosition: ResetRange
  var resetVelocity: ResetRange
  /// How long a simulated arm holds the reset pose before an episode begins, s, so that its joints give way to its weight
  /// as those of a real arm have done by then.
  public var settling: Double
  var observation: [ObservationTerm]
  var action: ActionMapping
  var reward: [RewardTerm]
  var success: SuccessCriterion?
  var termination: TerminationRules

  /// The names of the shipped tasks.
  public static var shipped: [String] {
    ShippedFiles.names(in: "tasks", ofModule: "Tasks", fileExtension: "yaml")
  }

  /// A shipped task by name, or any task by the path of its file.
  public static func named(_ nameOrPath: String) throws(ConfigurationError) -> TaskDefinition {
    try load(
      path: try ShippedFiles.resolve(
        nameOrPath, in: "tasks", ofModule: "Tasks", fileExtension: "yaml", kind: "task"))
  }

  /// Reads a task file. Every mistake in it is an error with its position.
  public static func load(path: String) throws(ConfigurationError) -> TaskDefinition {
    try parse(text: try ConfigurationNode.text(path: path), file: path)
  }

  /// Reads a task from its text; `file` names it in errors.
  public static func parse(text: String, file: String) throws(ConfigurationError) -> TaskDefinition {
    var reader = TaskReader(root: try ConfigurationNode.parse(text: text, file: file))
    return try reader.read(sourceText: text)
  }

  /// Numbers in an observation.
  public var observationCount: Int { observation.reduce(0) { $0 + $1.count } }
  /// A name per number of the observation; `[t-1]` marks the step before, and so on.
  public var observationNames: [String] {
    observation.flatMap { term in
      (0..<term.history).flatMap { frame in
        let age = term.newestFirst ? frame : term.history - 1 - frame
        return term.names.map { age == 0 ? $0 : "\($0)[t-\(age)]" }
      }
    }
  }
  /// Numbers in an action.
  public var actionCount: Int { action.joints.count }
  /// The joint that each number of the action commands.
  public var actionNames: [String] { action.joints.map { joints[$0] } }
  /// The box that every number of an action is cut to before it is mapped; infinite where the task sets none.
  public var actionRange: ClosedRange<Double> { action.clip.low...action.clip.high }
  /// Whether an action moves the last goal, rather than being one.
  public var commandsChanges: Bool { action.mode == .positionDelta }
  /// What the commands of this task's action mapping mean.
  public var commandMode: CommandMode { action.mode == .effort ? .effort : .position }
  /// The name of each reward term.
  public var rewardTermNames: [String] { reward.map { $0.name } }
  /// Whether the task says when an episode is a success.
  public var definesSuccess: Bool { success != nil }
  /// The middle of the reset distribution, rad per joint.
  public var meanResetPosition: [Double] { resetPosition.mean }

  /// The task compiled for the control thread. `noiseSeed` starts the stream of the observation noise, where a term has
  /// some; reset randomness comes with each `beginEpisode`.
  public func makeEvaluator(noiseSeed: UInt64 = 0) -> TaskEvaluator {
    TaskEvaluator(self, noiseSeed: noiseSeed)
  }
}
