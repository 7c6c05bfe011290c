import ArmModel
import CSystem
import Numerics
import Simulation

/// Turns sticks into joint goals: velocities of the tool or of joints, softened, summed up from what is commanded.
///
/// Whenever the person has no authority the goal is the last command, so that nothing leaps when they get it; sticks act
/// through a second-order filter, so that goals start and stop smoothly and within the arm's acceleration. The goal runs
/// ahead of the command by `leash` at most: what the safety core holds back is forgotten, not made up for.
///
/// Set-up allocates; the rest neither allocates nor locks.
public struct Teleoperator: ~Copyable {
  public private(set) var mode: TeleoperationMode
  /// The joint goals that the person asks for, rad.
  public private(set) var goal: JointVector
  private let settings: TeleoperationSettings
  private let limits: JointLimits
  /// The joint that the gripper's control moves; -1 for none.
  private let gripper: Int
  private var tool: ToolMotion?
  /// Where the tool is by the measured joints: one point; nil without a tool.
  private var twin: KinematicTwin?
  private var point = PointSet(count: 1)
  private var commandedJoints: JointState
  private var tier: Int
  private var isSlowed = false
  private var sticks = SoftSticks()
  private var path = PathMonitor()

  /// How far a joint's goal may be ahead of what is commanded, rad.
  private static var leash: Double { @_noLocks get { 0.15 } }

  /// `tool` moves the arm's tool (nil: joints only), `twin` tells where that one point is by the measured joints; `gripper`
  /// is the place of the gripper's joint.
  public init(
    settings: TeleoperationSettings, limits: JointLimits, gripper: Int?, tool: consuming ToolMotion?,
    twin: consuming KinematicTwin?
  ) {
    self.settings = settings
    self.limits = limits
    self.gripper = gripper ?? -1
    tier = settings.tier
    self.twin = twin
    commandedJoints = JointState(count: limits.count)
    goal = JointVector(repeating: 0, count: limits.count)
    switch consume tool {
    case .some(let motion):
      self.tool = .some(motion)
      mode = settings.mode
    case .none:
      self.tool = nil
      mode = settings.mode == .tool ? .firstJoints : settings.mode
    }
  }

  /// One tick of `period` s: the joint goals that the person asks for. `moves`: whether the person has authority;
  /// `commanded`: the last command; `measured`: the arm's state, if it was read.
  @_noLocks
  mutating func propose(
    _ input: OperatorInput, pressed: OperatorButtons, moves: Bool, commanded: JointVector, measured: JointState?,
    period: Double
  ) -> JointVector {
    heed(pressed)
    if moves {
      beginPath()
      advance(input, commanded: commanded, period: period)
      if let measured { compare(measured, commanded: commanded) }
    } else {
      rest(at: commanded)
    }
    return goal
  }

  /// Changes of mode and speed that were asked for since the last tick.
  @_noLocks
  private mutating func heed(_ pressed: OperatorButtons) {
    if pressed.has(.faster) && tier < 2 { tier &+= 1 }
    if pressed.has(.slower) && tier > 0 { tier &-= 1 }
    if pressed.has(.mode) { changeMode() }
  }

  @_noLocks
  private mutating func changeMode() {
    switch mode {
    case .tool: mode = .firstJoints
    case .firstJoints: mode = armJointCount > 4 ? .moreJoints : (hasTool ? .tool : .firstJoints)
    case .moreJoints: mode = hasTool ? .tool : .firstJoints
    }
    sticks = SoftSticks()
    beginTool(at: goal)
  }

  /// One tick without authority: the goal is what is commanded.
  @_noLocks
  private mutating func rest(at commanded: JointVector) {
    sticks = SoftSticks()
    goal = commanded
    path.interrupt()
    beginTool(at: commanded)
  }

  /// One tick of `period` s with authority.
  @_noLocks
  private mutating func advance(_ input: OperatorInput, commanded: JointVector, period: Double) {
    isSlowed = settings.slowsWireless && input.status.has(.wireless) && !input.status.has(.heartbeat)
    sticks.follow(input, period: period)
    let share = share
    if mode == .tool {
      advanceTool(share, period)
    } else {
      advanceJoints(share, period)
    }
    if gripper >= 0 {
      // Closing is the negative direction of every shipped gripper.
      let next = goal[gripper] - sticks.gripper * settings.gripperSpeed * share * period
      set(gripper, to: next)
    }
    for joint in 0..<goal.count {
      let ahead = goal[joint] - commanded[joint]
      if ahead > Teleoperator.leash { set(joint, to: commanded[joint] + Teleoperator.leash) }
      if ahead < -Teleoperator.leash { set(joint, to: commanded[joint] - Teleoperator.leash) }
    }
  }

  @_noLocks
  private mutating func advanceTool(_ share: Double, _ period: Double) {
    let speed = settings.toolSpeed * share
    // The base looks along x; to its left is y. A stick to the right moves the tool to the right.
    let twist = ToolTwist(
      linear: Vector3(sticks.leftY * speed, -sticks.leftX * speed, sticks.rightY * speed),
      angular: Vector3(sticks.rightX * settings.turnSpeed * share, 0, 0))
    tool?.advance(twist, period: period)
    path.want(twist.linear * period)
    switch tool {
    case .some(let motion):
      goal = motion.goal
      // The tool's own leash is half of this.
      if path.hasLeft(motion.position, limit: 0.01) { path.cut(at: motion.position) }
    case .none: break
    }
  }

  @_noLocks
  private mutating func advanceJoints(_ share: Double, _ period: Double) {
    let first = mode == .firstJoints ? 0 : 4
    var number = -1
    for joint in 0..<goal.count where joint != gripper {
      number &+= 1
      guard number >= first && number < first &+ 4 else { continue }
      let wanted: Double
      switch number &- first {
      case 0: wanted = -sticks.leftX
      case 1: wanted = sticks.leftY
      case 2: wanted = sticks.rightY
      default: wanted = sticks.rightX
      }
      let most = settings.jointSpeed < limits.velocity[joint] ? settings.jointSpeed : limits.velocity[joint]
      set(joint, to: goal[joint] + wanted * most * share * period)
    }
    path.interrupt()
  }

  /// A joint's goal within its range; outside of it, where the arm was found, it may only come back.
  @_noLocks
  private mutating func set(_ joint: Int, to position: Double) {
    let low = goal[joint] < limits.lower[joint] ? goal[joint] : limits.lower[joint]
    let high = goal[joint] > limits.upper[joint] ? goal[joint] : limits.upper[joint]
    goal[joint] = position < low ? low : (position > high ? high : position)
    tool?.set(joint, to: goal[joint])
  }

  @_noLocks
  private mutating func beginTool(at position: JointVector) { tool?.begin(at: position) }

  /// Compares where the tool is by the last command and by the measured joints with the path that was asked for.
  @_noLocks
  private mutating func compare(_ joints: JointState, commanded: JointVector) {
    guard mode == .tool else { return }
    commandedJoints.position = commanded
    twin?.update(commandedJoints, into: &point)
    let sent = point[0]
    twin?.update(joints, into: &point)
    path.compare(commanded: sent, measured: point[0])
  }

  /// The tool's place with the present goal; nil without a tool.
  var toolPosition: Vector3? {
    @_noLocks get {
      switch tool {
      case .some(let motion): return motion.position
      case .none: return nil
      }
    }
  }

  /// Begins the comparison of paths where the tool is sent now, unless it goes on.
  @_noLocks
  private mutating func beginPath() {
    if let position = toolPosition, mode == .tool { path.begin(at: position) }
  }

  private var hasTool: Bool {
    @_noLocks get {
      switch tool {
      case .some: return true
      case .none: return false
      }
    }
  }

  private var armJointCount: Int { @_noLocks get { gripper >= 0 ? goal.count &- 1 : goal.count } }

  /// The share of full speed in force.
  private var share: Double { @_noLocks get { TeleoperationSettings.share(ofTier: isSlowed ? 0 : tier) } }

  /// What a person sees.
  var status: TeleoperationStatus {
    @_noLocks get {
      var status = TeleoperationStatus()
      status.mode = mode
      status.share = share
      status.path = path.report
      switch tool {
      case .some(let motion):
        status.tool = motion.position
        if mode == .tool { status.limitation = motion.limitation }
      case .none: break
      }
      return status
    }
  }
}
