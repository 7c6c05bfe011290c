import ArmModel
import ArmProfiles
import Configuration
import Policies
import Simulation
import Tasks

/// What ships with the program, by name: for people who look for a name to type, and for the examination of an
/// installation.
public enum Catalogue {
  /// The kinds of things that ship.
  public enum Kind: String, CaseIterable, Sendable {
    case tasks, policies, arms, models, servos

    /// The option that takes such a name.
    public var option: String {
      switch self {
      case .tasks: "--task"
      case .policies: "--policy"
      case .arms: "--profile"
      case .models: "--model"
      case .servos: "--servo"
      }
    }
  }

  /// One thing that ships.
  public struct Entry: Sendable, Equatable {
    public var kind: Kind
    public var name: String
    /// One line.
    public var summary: String
  }

  /// The names of a kind.
  public static func names(_ kind: Kind) -> [String] {
    switch kind {
    case .tasks: TaskDefinition.shipped
    case .policies: PolicyLoader.shipped
    case .arms: ArmProfile.shipped
    case .models: PhysicsModel.shipped
    case .servos: ServoProfile.shipped
    }
  }

  /// Loads one thing and describes it in a line. Throws its module's error when it is missing or damaged.
  public static func entry(_ kind: Kind, _ name: String) throws -> Entry {
    let summary: String
    switch kind {
    case .tasks:
      let task = try TaskDefinition.named(name)
      summary =
        "\(task.observationCount) observations, \(task.actionCount) actions, \(rate(1 / task.stepDuration)) Hz, model "
        + "\(task.model): \(task.description)"
    case .policies:
      let policy = try PolicyLoader.named(name).description
      summary =
        "\(policy.observationCount) observations, \(policy.actionCount) actions, \(policy.parameterCount) parameters, "
        + policy.distribution.text
    case .arms:
      let profile = try ArmProfile.named(name)
      summary = "\(profile.joints.count) joints: \(profile.description)"
    case .models:
      let model = try PhysicsModel.named(name)
      summary = "joints \(model.drivenJoints.joined(separator: ", ")); physics step \(model.timestep) s"
    case .servos: summary = try ServoProfile.named(name).title
    }
    return Entry(kind: kind, name: name, summary: summary)
  }

  /// The file behind a name, as it ships: a task's, profile's or servo's YAML, a model's MJCF, a bundle's policy.yaml.
  public static func text(_ kind: Kind, _ name: String) throws -> String {
    switch kind {
    case .tasks: return try TaskDefinition.named(name).sourceText
    case .policies: return try PolicyLoader.named(name).description.sourceText ?? ""
    case .arms:
      let path = try ShippedFiles.resolve(
        name, in: "arms", ofModule: "ArmProfiles", fileExtension: "yaml", kind: "arm profile")
      return try ConfigurationNode.text(path: path)
    case .models: return try PhysicsModel.named(name).sourceText
    case .servos: return try ServoProfile.named(name).sourceText
    }
  }

  private static func rate(_ value: Double) -> String { value == value.rounded() ? "\(Int(value))" : "\(value)" }
}
