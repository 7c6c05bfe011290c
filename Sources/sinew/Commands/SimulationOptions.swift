import ArgumentParser
import Configuration
import Control
import Policies
import Sessions
import Simulation
import Tasks

/// What every command that simulates takes.
struct SimulationOptions: ParsableArguments {
  @Option(help: "Task: a shipped name (reacher-v5, reach, reach-hobby6) or a YAML file.")
  var task: String?

  @Option(help: "Policy: a shipped name (reacher-sb3), a bundle folder or an .onnx file.")
  var policy: String?

  @Option(help: "Simulated model: a shipped name (reacher, so101) or an MJCF or URDF file. Default: the task's.")
  var model: String?

  @Option(help: "Arm profile with the limits: a shipped name ('sinew list arms') or a YAML file. Default: the model's.")
  var profile: String?

  @Option(
    help:
      "Servo profile of every joint: a shipped name (sts3215-7v4), a YAML file, or none. Default: what fits the arm.")
  var servo: String?

  @Option(name: .customLong("control-rate"), help: "Control rate in Hz, a whole multiple of the policy's rate.")
  var controlRate: Double?

  @Option(
    name: .customLong("physics-timestep"), help: "Time step of the physics in s. Default: the model's.")
  var physicsTimestep: Double?

  @Option(help: "Seed of resets, noise and perturbations.")
  var seed: UInt64?

  @Flag(help: "Propose a sample of the policy's distribution instead of its mean.")
  var sample = false

  @Option(
    name: .customLong("policy-placement"),
    help: "Where the policy runs: automatic (in the tick if it fits a quarter of the period), tick, or thread.")
  var policyPlacement: PolicyPlacement?

  @Option(help: "What the goal does between policy steps: hold or linear.")
  var interpolation: GoalInterpolation?

  @Option(
    name: .customLong("perturb"),
    help: ArgumentHelp(
      "A departure of the simulator from nominal, as name=value, or name=low..high to draw another one for every episode; may be repeated. 'sinew list perturbations' names them.",
      valueName: "name=value"))
  var perturbations: [String] = []

  func validate() throws {
    try refuseEmpty(["task": task, "policy": policy, "model": model, "profile": profile, "servo": servo])
  }
}

/// An empty name is a slip of a script (an unset variable), and names nothing.
func refuseEmpty(_ options: KeyValuePairs<String, String?>) throws {
  for (name, value) in options where value?.isEmpty == true {
    throw ValidationError("--\(name) must not be empty.")
  }
}

extension GoalInterpolation: ExpressibleByArgument {}
extension PolicyPlacement: ExpressibleByArgument {}
