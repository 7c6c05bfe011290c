import ArmModel
import ArmProfiles
import Recording
import Simulation
import Tasks

/// One episode of a recorded run, ready to be done again.
public struct ReplayLog: Sendable {
  /// The log.
  public let path: String
  /// The episode's number in it.
  public let episode: Int
  /// The run's joints, in order.
  public let joints: [String]
  /// The simulation model and the arm profile that it was recorded with, as far as the log knows.
  public let model: String
  public let profile: String?
  /// Executed commands and measured positions, one row a step.
  let commands: [[Float]]
  let measured: [[Float]]
  let mode: CommandMode
  /// s of a step, as recorded.
  public let stepDuration: Double

  /// Number of steps.
  public var stepCount: Int { commands.count }

  /// Reads an episode; nil takes the first. Refuses logs that cannot be replayed as they were: without end, with losses,
  /// without what tells the joints.
  public init(path: String, episode: Int?) throws {
    self.path = path
    func refuse(_ what: String, _ next: String) -> SessionError { SessionError("\(path): \(what); \(next)") }
    let info = try LogInfo.read(path: path)
    if let problem = info.problem {
      throw refuse("the log was not closed (\(problem))", "mend it with 'sinew log recover', which says what is lost")
    }
    guard !info.isLossy, info.droppedCount == 0 else {
      throw refuse(
        "records are missing (\(info.droppedCount))", "a gap would be a leap of the arm; record the run again")
    }
    func entry(_ record: String, _ key: String) -> String? {
      info.metadata.first { $0.name == record }?.metadata[key]
    }
    guard let names = entry("session", "joints")?.split(separator: " ").map(String.init), !names.isEmpty else {
      throw refuse("it does not say which joints its numbers are of", "replay a log of 'sinew run'")
    }
    guard let model = entry("simulation", "model") ?? entry("twin", "model") else {
      throw refuse("it does not say which arm it is of", "replay a log of 'sinew run'")
    }
    let all = try TransitionLog.read(path: path)
    let numbers = Set(all.transitions.map { Int($0.episode) }).sorted()
    let wanted = episode ?? numbers.first ?? 0
    let steps = all.transitions.filter { Int($0.episode) == wanted }
    guard let first = steps.first else {
      throw refuse(
        "there is no episode \(wanted)",
        "it has \(numbers.first ?? 0) to \(numbers.last ?? 0); choose one with --episode")
    }
    guard all.layout.jointCount == names.count else {
      throw refuse("\(names.count) joint names for \(all.layout.jointCount) joints", "replay a log of 'sinew run'")
    }
    for (index, step) in steps.enumerated() {
      guard Int(step.stepInEpisode) == index, step.commandMode == first.commandMode else {
        throw refuse("episode \(wanted) has a gap before step \(step.stepInEpisode)", "choose another with --episode")
      }
      guard step.command.allSatisfy(\.isFinite), step.position.allSatisfy(\.isFinite) else {
        throw refuse("step \(index) of episode \(wanted) holds no command", "choose another with --episode")
      }
    }
    guard let mode = CommandMode(rawValue: first.commandMode), let duration = entry("task", "step_duration_s"),
      let seconds = Double(duration), seconds > 0
    else { throw refuse("it does not say what its commands are, or how long a step is", "replay a log of 'sinew run'") }
    self.episode = wanted
    joints = names
    self.model = model
    profile = entry("arm", "profile")
    commands = steps.map(\.command)
    measured = steps.map(\.position)
    self.mode = mode
    stepDuration = seconds
  }

  /// The plan that does it again at `speed` times the recorded speed: a task of its own whose action is the goal.
  public func plan(speed: Double) throws -> SessionPlan {
    guard speed > 0, speed <= 2 else {
      throw SessionError("a speed of \(speed) is not above 0 and at most 2; give for example --speed 0.5")
    }
    let start = measured[0].map { "\($0)" }.joined(separator: ", ")
    let text = """
      name: replay
      description: Episode \(episode) of a recorded run, done again.
      model: "\(model)"
      joints: [\(joints.map { "\"\($0)\"" }.joined(separator: ", "))]
      step_duration: \(stepDuration / speed)
      time_limit: \(stepCount + 1)
      reset: {position: {mean: [\(start)]}}
      observation: [{term: joint_position}, {term: joint_velocity}]
      action: {mode: \(mode == .effort ? "effort" : "position")}
      reward: [{term: action_rate_squared, weight: 0}]

      """
    var plan = SessionPlan(
      task: try TaskDefinition.parse(text: text, file: path), policy: "", perturbations: Perturbations())
    plan.replay = self
    plan.episodes = 1
    plan.profile = profile
    // Between two recorded goals the arm goes straight, as it went then.
    plan.interpolation = mode == .position ? .linear : .hold
    return plan
  }
}
