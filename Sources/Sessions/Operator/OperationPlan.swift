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
  /// The leader arm that moves the arm in the sticks' place; nil for none.
  public var leader: LeaderSettings?

  public init(_ kind: Kind, device: String) {
    self.kind = kind
    self.device = device
  }

  /// What the log says of it.
  var metadata: [String: String] {
    var text = [
      "kind": kind.rawValue, "device": device, "tool_speed_m_s": "\(settings.toolSpeed)",
      "turn_speed_rad_s": "\(settings.turnSpeed)", "joint_speed_rad_s": "\(settings.jointSpeed)",
      "gripper_speed_rad_s": "\(settings.gripperSpeed)",
    ]
    if let leader {
      text["leader"] = leader.profile
      text["leader_port"] = leader.port
      text["leader_calibration"] = leader.calibration
    }
    return text
  }
}

/// A second arm without torque, whose joints a person moves by hand for the other arm to follow.
public struct LeaderSettings: Sendable {
  /// A serial device, a pseudo-terminal or the path of a socket.
  public var port: String
  /// Its arm profile: a shipped one's name or a file.
  public var profile: String
  /// Its calibration: a file, or a name.
  public var calibration: String
  /// Speed of the line, bit/s; nil takes the profile's.
  public var baud: Int?

  public init(port: String, profile: String, calibration: String, baud: Int? = nil) {
    self.port = port
    self.profile = profile
    self.calibration = calibration
    self.baud = baud
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
  /// The plan with what a person's part in it asks of the task: an episode ends when the person says so, or at their limit.
  func withPersonsLimits() throws -> SessionPlan {
    guard let operation else { throw SessionError("the plan names no operator") }
    if operation.leader != nil && clock == .virtual {
      throw SessionError("a leader arm is moved in real time only; leave out --virtual, or the leader")
    }
    var plan = self
    plan.task.timeLimitSteps = operation.timeLimit.map { max(1, Int(($0 / task.stepDuration).rounded())) }
    return plan
  }

  /// Whether a person alone moves the arm.
  var isTeleoperation: Bool { operation?.kind == .teleoperation }
}
