import Numerics
import Simulation

/// What the sticks move.
public enum TeleoperationMode: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// The tool in space: left stick in the plane, right stick up, down and about the tool's own axis.
  case tool = 0
  /// Joints 1 to 4.
  case firstJoints = 1
  /// Joints 5 to 8.
  case moreJoints = 2
  /// Nothing: a leader arm moves the arm.
  case leader = 3

  // The operators that raw values bring along are generic, which the control thread may not call.
  @_noLocks
  public static func == (a: TeleoperationMode, b: TeleoperationMode) -> Bool { a.rawValue == b.rawValue }

  /// The name used on the terminal.
  public var name: String {
    switch self {
    case .tool: "tool"
    case .firstJoints: "joints 1-4"
    case .moreJoints: "joints 5-8"
    case .leader: "leader arm"
    }
  }
}

/// How fast a person moves an arm with its sticks at their ends; fixed for a run.
public struct TeleoperationSettings: Sendable, BitwiseCopyable {
  /// The tool, m/s; ISO 10218-1 calls this the reduced speed.
  public var toolSpeed = 0.25
  /// The tool about its own axis, rad/s.
  public var turnSpeed = 1.5
  /// A joint, rad/s; less where the joint's own limit is less.
  public var jointSpeed = 1.5
  /// The gripper, rad/s.
  public var gripperSpeed = 2.0
  /// The tier at the start: 0 (25 %), 1 (50 %), 2 (100 %).
  public var tier = 1
  /// Whether a wireless device without a heartbeat is kept to the slowest tier: its loss shows late. For real arms.
  public var slowsWireless = false
  /// The mode at the start; where there is no tool, joints.
  public var mode = TeleoperationMode.tool

  public init() {}

  /// The share of full speed of a tier.
  @_noLocks
  static func share(ofTier tier: Int) -> Double { tier <= 0 ? 0.25 : (tier == 1 ? 0.5 : 1) }
}

/// What a person sees of the teleoperation.
public struct TeleoperationStatus: Sendable, BitwiseCopyable {
  public var mode = TeleoperationMode.tool
  /// Share of full speed.
  public var share = 0.0
  /// Why the tool does not quite follow.
  public var limitation = ToolLimitation(rawValue: 0)
  /// Where the tool is by the measured joints, m, base frame; nil while nothing is measured, and without a tool.
  public var tool: Vector3?
  /// How the measured tool has followed what the sticks asked for.
  public var path = PathReport()
  /// The leader arm; nil where sticks move the arm.
  public var leader: LeaderStatus?

  @_noLocks
  public init() {}
}

/// What a person sees of the leader arm in their hands.
public struct LeaderStatus: Sendable, BitwiseCopyable {
  /// Whether its joints are heard.
  public var isPresent = false
  /// Whether the arm follows it, or is on its way to it.
  public var isFollowed = false
  /// Whether the arm has caught up with it.
  public var hasCaughtUp = false
  /// Whether enable is granted however far the leader is: the arm then waits for it.
  public var mayBeFar = false
  /// Whether it is near enough for a hand-over: `distance` is within the safety core's limit.
  public internal(set) var isNear = false
  /// The joint in which leader and command differ most, and by how much, rad.
  public var joint = 0
  public var distance = 0.0

  @_noLocks
  init() {}
}
