import ArmModel
import ArmProfiles
import Configuration
import Control
import LoopTestSupport
import Policies
import RealTime
import Recording
import Sessions
import Simulation
import Tasks
import TestSupport

/// A plan on the virtual clock: the shipped Reacher task with the shipped policy unless said otherwise.
func plan(
  task: String = "reacher-v5", policy: String = "reacher-sb3", episodes: Int? = nil, duration: Double? = nil,
  seed: UInt64 = 1, log: String? = nil, _ change: (inout SessionPlan) throws -> Void = { _ in }
) throws -> SessionPlan {
  var plan = SessionPlan(task: try TaskDefinition.named(task), policy: policy, perturbations: Perturbations())
  plan.episodes = episodes
  plan.duration = duration
  plan.seed = seed
  plan.log = log
  try change(&plan)
  return plan
}

/// Prepares and runs a plan to its end.
@discardableResult
func run(_ plan: SessionPlan) throws -> RunReport {
  try SimulatedSession(plan).runBlocking { _ in }
}

/// Perturbations by their command-line texts.
func perturbed(_ values: [(Perturbations.Name, Double)]) throws -> Perturbations {
  var perturbations = Perturbations()
  for (name, value) in values { try perturbations.set(name, to: value) }
  return perturbations
}

extension DensePolicy {
  /// A small network for the task `reach` of the SO-101, drawn at random.
  static func reach(seed: UInt64 = 3, isGaussian: Bool = false) -> DensePolicy {
    let joints = ["shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll"]
    var policy = DensePolicy.random(observations: 29, hidden: [16], jointNames: joints, seed: seed)
    if isGaussian { policy.distribution = "{kind: gaussian, log_std: [-1, -1, -1, -1, -1]}" }
    return policy
  }
}

/// The fixtures' policies.
func fixture(_ name: String) -> String { Fixtures.url("policies/\(name)").path }

/// One limit for every joint, as the command line gives it.
func tighter(_ quantity: LimitOverride.Quantity, to value: Double) -> LimitOverride {
  LimitOverride(
    joint: nil, quantity: quantity, value: value, origin: ConfigurationError(file: "--limit", message: ""))
}
