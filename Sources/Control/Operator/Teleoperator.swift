import ArmModel
import CSystem
import Numerics
import Simulation

/// Turns what a person's hands do into joint goals. Sticks give velocities of the tool or of joints, softened, summed up
/// from what is commanded; a leader arm gives a pose to follow.
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
  /// Where the tool was measured in the last tick; nil where nothing was.
  private var measuredTool: Vector3?
  private var commandedJoints: JointState
  private var tier: Int
  private var isSlowed = false
  private var sticks = SoftSticks()
  private var path = PathMonitor()
  private var follower = LeaderFollower()
  private var leaderStatus: LeaderStatus?

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
  /// `commanded`: the last command; `measured`: the arm's state, if it was read; `leader`: the leader arm that is followed
  /// in the sticks' place. With `joinDistance` (rad) the person may have authority while the leader is far: the arm holds
  /// until every joint of the leader is as near as that, and follows it from then on; without one the goal is the leader's
  /// pose even before that, for the safety core to refuse one that is far.
  @_noLocks
  mutating func propose(
    _ input: OperatorInput, pressed: OperatorButtons, moves: Bool, commanded: JointVector, measured: JointState?,
    leader: LeaderReading?, joinDistance: Double? = nil, period: Double
  ) -> JointVector {
    heed(pressed)
    locate(measured)
    if let leader {
      follow(leader, input, moves: moves, commanded: commanded, joinDistance: joinDistance, period: period)
    } else if moves {
      beginPath()
      advance(input, commanded: commanded, period: period)
      compare(commanded: commanded)
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
    case .leader: return
    }
    sticks = SoftSticks()
    beginTool(at: goal)
  }

  /// One tick with a leader arm: on towards its pose. Without authority the goal is its pose itself, or with `joinDistance`
  /// the last command; there it stays until the leader has been that near.
  @_noLocks
  private mutating func follow(
    _ leader: LeaderReading, _ input: OperatorInput, moves: Bool, commanded: JointVector, joinDistance: Double?,
    period: Double
  ) {
    mode = .leader
    var status = LeaderStatus()
    status.isPresent = leader.isPresent
    status.mayBeFar = joinDistance != nil
    for joint in 0..<commanded.count {
      let distance = (within(leader.pose[joint], joint, commanded) - commanded[joint]).magnitude
      if distance > status.distance {
        status.distance = distance
        status.joint = joint
      }
    }
    var isJoined = true
    if let joinDistance { isJoined = follower.isFollowing || status.distance <= joinDistance }
    if moves && leader.isPresent && isJoined {
      isSlowed = settings.slowsWireless && input.status.has(.wireless) && !input.status.has(.heartbeat)
      // What the core saw when enable was pressed is the leader's pose; the way there begins at the command.
      let start = follower.isFollowing ? goal : commanded
      let next = follower.advance(start, towards: leader.pose, share: share, limits: limits, period: period)
      for joint in 0..<goal.count { goal[joint] = within(next[joint], joint, start) }
      keepNear(commanded)
    } else {
      follower.rest()
      if joinDistance == nil {
        for joint in 0..<goal.count { goal[joint] = within(leader.pose[joint], joint, commanded) }
      } else if !moves {
        goal = commanded
      }
    }
    beginTool(at: goal)
    status.isFollowed = follower.isFollowing
    status.hasCaughtUp = follower.hasCaughtUp
    leaderStatus = status
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
    keepNear(commanded)
  }

  /// The goal no further ahead of the command than the leash.
  @_noLocks
  private mutating func keepNear(_ commanded: JointVector) {
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
    goal[joint] = within(position, joint, goal)
    tool?.set(joint, to: goal[joint])
  }

  /// A joint's position within its range, and where `from` is outside of it, within what leads back. What is no number
  /// stays none: the core refuses it.
  @_noLocks
  private func within(_ position: Double, _ joint: Int, _ from: JointVector) -> Double {
    let low = from[joint] < limits.lower[joint] ? from[joint] : limits.lower[joint]
    let high = from[joint] > limits.upper[joint] ? from[joint] : limits.upper[joint]
    return position < low ? low : (position > high ? high : position)
  }

  @_noLocks
  private mutating func beginTool(at position: JointVector) { tool?.begin(at: position) }

  /// Where the tool is by the measured joints, whoever moves them.
  @_noLocks
  private mutating func locate(_ joints: JointState?) {
    measuredTool = nil
    guard hasTool, let joints else { return }
    twin?.update(joints, into: &point)
    measuredTool = point[0]
  }

  /// Compares where the tool is by the last command and by the measured joints with the path that was asked for.
  @_noLocks
  private mutating func compare(commanded: JointVector) {
    guard mode == .tool, let measuredTool else { return }
    commandedJoints.position = commanded
    twin?.update(commandedJoints, into: &point)
    path.compare(commanded: point[0], measured: measuredTool)
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
      status.leader = leaderStatus
      status.tool = measuredTool
      switch tool {
      case .some(let motion): if mode == .tool { status.limitation = motion.limitation }
      case .none: break
      }
      return status
    }
  }
}
