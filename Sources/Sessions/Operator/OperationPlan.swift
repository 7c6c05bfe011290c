import Control
import Safety

/// How a person takes part in a run.
public struct OperationPlan: Sendable {
  /// Who moves the arm.
  public enum Kind: String, Sendable {
    /// The person alone.
    case teleoperation
    /// A policy, while a person holds enable; the person takes over with a stick and gives back.
    case supervision
  }

  public var kind: Kind
  /// Speeds, tier and mode of the sticks.
  public var settings = TeleoperationSettings()
  /// The most time of an episode, s; nil leaves its end to the person.
  public var timeLimit: Double?
  /// What the person holds, for the log.
  public var device: String

  public init(_ kind: Kind, device: String) {
    self.kind = kind
    self.device = device
  }

  /// What the log says of it.
  var metadata: [String: String] {
    [
      "kind": kind.rawValue, "device": device, "tool_speed_m_s": "\(settings.toolSpeed)",
      "turn_speed_rad_s": "\(settings.turnSpeed)", "joint_speed_rad_s": "\(settings.jointSpeed)",
      "gripper_speed_rad_s": "\(settings.gripperSpeed)",
    ]
  }
}

/// How a run with a person went.
public struct OperationReport: Sendable {
  /// How the measured tool followed the path that the sticks asked for; nothing compared where no tool was moved.
  public var path = PathReport()
  /// Episodes that the person threw away.
  public var discarded = 0
  /// How often the person took the policy's authority.
  public var interventions = 0
  /// The last request that was not granted, and why.
  public var lastRefusal = RefusalReason.none

  init() {}
}

extension SessionPlan {
  /// Whether a person alone moves the arm.
  var isTeleoperation: Bool { operation?.kind == .teleoperation }
}
