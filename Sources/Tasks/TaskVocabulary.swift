import ArmModel
import Numerics

/// A place on the arm that a task looks at.
public struct PointDefinition: Sendable, Equatable {
  /// What in the model the point is.
  public enum Kind: String, Sendable, CaseIterable {
    /// A site of the model.
    case site
    /// The origin of a body's frame.
    case body
  }
  /// The task's name for it.
  public var name: String
  /// Site or body.
  public var kind: Kind
  /// The model's name for it.
  public var modelName: String

  /// A point by the task's name, its kind and the model's name.
  public init(name: String, kind: Kind, modelName: String) {
    self.name = name
    self.kind = kind
    self.modelName = modelName
  }
}

/// Where the positions of points come from.
public enum PointSource: String, Sendable, CaseIterable {
  /// The kinematic twin evaluated on the measured joints: what hardware can do too.
  case measured
  /// What the simulator's last physics step left behind (one substep stale): how Gymnasium's MuJoCo tasks see them.
  case lastPhysicsStep = "last_physics_step"
}

/// A quantity of the scene that the reset samples, a target above all.
public struct VariableDefinition: Sendable {
  /// What in the scene follows the variable.
  public enum Binding: Sendable, Equatable {
    /// Nothing: the variable exists in the task only.
    case none
    /// Joints of the scene take its components, in the order x, y, z.
    case joints([String])
    /// A mocap body takes it as its position.
    case mocap(String)
  }
  /// The task's name for it.
  public var name: String
  /// How the simulator shows it.
  public var binding: Binding
  /// Where it comes from at the start of an episode.
  var distribution: Distribution
}

/// A distribution of points in space, metres.
struct Distribution: Sendable {
  enum Shape: Sendable {
    case fixed(Vector3)
    case box(low: Vector3, high: Vector3)
    /// Uniform over area, in the plane z = centre.z, between two radii.
    case disk(center: Vector3, innerRadius: Double, radius: Double)
    /// Uniform over volume between two radii.
    case ball(center: Vector3, innerRadius: Double, radius: Double)
  }
  struct Sphere: Sendable {
    var center: Vector3
    var radius: Double
  }
  var shape: Shape
  /// Points outside this box are drawn again.
  var within: (low: Vector3, high: Vector3)?
  /// Points inside any of these are drawn again.
  var avoid: [Sphere] = []
}

/// A joint quantity at the start of an episode: uniform in mean ± half range, joint by joint.
struct ResetRange: Sendable {
  var mean: [Double]
  var halfRange: [Double]
}

/// What a distance is measured to.
enum PointReference: Sendable, Equatable {
  case variable(Int)
  case point(Int)
}

/// The observation terms of the vocabulary.
enum ObservationKind: String, Sendable, CaseIterable {
  case jointPosition = "joint_position"
  case jointPositionCosine = "joint_position_cos"
  case jointPositionSine = "joint_position_sin"
  case jointVelocity = "joint_velocity"
  case jointEffort = "joint_effort"
  case jointPositionError = "joint_position_error"
  case variable
  case point
  case pointMinusVariable = "point_minus_variable"
  case pointMinusPoint = "point_minus_point"
  case previousAction = "previous_action"
  case timeFraction = "time_fraction"
}

/// One term of the observation: `components` numbers, each `clip(scale·(x + noise) + offset)`, of the last `history` steps.
struct ObservationTerm: Sendable {
  enum Noise: Sendable, Equatable {
    case none
    case uniform(halfRange: Double)
    case gaussian(standardDeviation: Double)
  }
  var kind: ObservationKind
  /// Joint, action or axis indices, one per component.
  var components: [Int]
  var point = 0
  var reference = 0
  var scale: [Double]
  var offset: [Double]
  var clip: (low: Double, high: Double)
  var noise = Noise.none
  var history = 1
  var newestFirst = true
  /// One name per component, unique within the observation as a rule.
  var names: [String]
  /// What the components are called within the term: joints or axes.
  var labels: [String]

  /// How many numbers of the observation it gives.
  var count: Int { components.count * history }
}

/// What the numbers of an action mean.
struct ActionMapping: Sendable {
  enum Mode: String, Sendable, CaseIterable {
    /// N·m: offset + scale·a.
    case effort
    /// rad: offset + scale·a.
    case position
    /// rad: reference + scale·a.
    case positionDelta = "position_delta"
  }
  enum DeltaReference: String, Sendable, CaseIterable {
    case lastGoal = "last_goal"
    case measured
  }
  var mode: Mode
  /// The joint that each number commands.
  var joints: [Int]
  var scale: [Double]
  var offset: [Double]
  /// The box that an action is clipped to before it is mapped.
  var clip: (low: Double, high: Double)
  var reference = DeltaReference.lastGoal
  /// The furthest that a goal may lead the measured position, rad.
  var maximumLead = Double.infinity
}

/// The reward terms of the vocabulary.
enum RewardKind: String, Sendable, CaseIterable {
  case distance
  case distanceTanh = "distance_tanh"
  case distanceExponential = "distance_exp"
  case actionSquared = "action_squared"
  case actionRateSquared = "action_rate_squared"
  case jointVelocitySquared = "joint_velocity_squared"
  case jointEffortSquared = "joint_effort_squared"
  case jointPower = "joint_power"
  case jointDeviationSquared = "joint_deviation_squared"
  case jointLimitProximity = "joint_limit_proximity"
  case successBonus = "success_bonus"
  case failure
  case constant
}

/// How the length of a difference is measured.
enum DistanceNorm: String, Sendable, CaseIterable {
  case euclidean
  case manhattan
  case squared
}

/// One term of the reward: weight · value.
struct RewardTerm: Sendable {
  var name: String
  var kind: RewardKind
  var weight: Double
  var point = 0
  var reference = PointReference.variable(0)
  var norm = DistanceNorm.euclidean
  /// Width of a kernel in metres, margin to a limit in radians.
  var parameter = 0.0
  /// The joints (or actions) it sums over.
  var indices: [Int] = []
  /// A reference pose, one number per index.
  var targets: [Double] = []
}

/// When an episode counts as a success.
struct SuccessCriterion: Sendable {
  enum Judgement: String, Sendable, CaseIterable {
    /// The criterion must hold in the episode's last step.
    case atEnd = "at_end"
    /// It must have held at some time.
    case once
  }
  var point: Int
  var reference: PointReference
  var within: Double
  var holdSteps: Int
  var endsEpisode: Bool
  var judgement: Judgement
}

/// When an episode is terminated as a failure. Numbers that are not finite always terminate.
struct TerminationRules: Sendable {
  /// How far beyond a joint limit, rad; nil: never.
  var jointLimitMargin: Double?
  /// One speed per joint, rad/s (infinite: no limit).
  var velocityLimits: [Double]?
  var workspace: (point: Int, low: Vector3, high: Vector3)?
}

/// Lower and upper limit of each joint, rad; infinite where the task names none.
struct TaskJointLimits: Sendable {
  var lower: [Double]
  var upper: [Double]
}
