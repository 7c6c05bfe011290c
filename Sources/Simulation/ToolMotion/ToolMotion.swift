import ArmModel
import CSystem
import Numerics

/// How a person wants a tool to move.
public struct ToolTwist: Sendable, BitwiseCopyable {
  /// m/s, in the base frame.
  public var linear: Vector3
  /// rad/s, about the tool's own axes.
  public var angular: Vector3

  @_noLocks
  public init(linear: Vector3 = .zero, angular: Vector3 = .zero) {
    self.linear = linear
    self.angular = angular
  }
}

/// Why a tool did not move quite as wanted.
public struct ToolLimitation: OptionSet, Sendable, BitwiseCopyable {
  public let rawValue: UInt8
  @_noLocks
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// A joint stands at the end of its range.
  public static var jointRange: ToolLimitation { @_noLocks get { ToolLimitation(rawValue: 1) } }
  /// A joint would have had to move faster than it may; the whole motion was slowed down, its direction kept.
  public static var jointSpeed: ToolLimitation { @_noLocks get { ToolLimitation(rawValue: 2) } }
  /// The arm is close to a pose in which it cannot move the tool in every direction.
  public static var singularity: ToolLimitation { @_noLocks get { ToolLimitation(rawValue: 4) } }

  @_noLocks
  func adding(_ other: ToolLimitation) -> ToolLimitation { ToolLimitation(rawValue: rawValue | other.rawValue) }
  @_noLocks
  public func has(_ other: ToolLimitation) -> Bool { rawValue & other.rawValue != 0 }
}

/// Moves a tool in space by its arm's joints: resolved motion rate control with damping.
///
/// The tool's position has priority, its orientation is held or turned with what freedom the arm has left, so that arms of
/// five joints follow a path exactly and keep their orientation as well as they can:
/// q̇ = J_p# v + (J_o N)# (ω − J_o J_p# v), N = I − J_p# J_p.
/// Source: Whitney, "Resolved motion rate control of manipulators and human prostheses", 1969; Nakamura, Hanafusa and
/// Yoshikawa, "Task-priority based redundancy control of robot manipulators", 1987; damping as in `DampedInverse`.
///
/// It works on goals, not on measured positions, so it neither lags nor oscillates with the servos. A joint at the end of
/// its range is taken out and the others carry on; when a joint would be too fast the whole motion slows down. What could
/// not be followed is forgotten after a few millimetres: letting go of the stick stops the tool where it is.
///
/// Set-up allocates; `begin` and `advance` neither allocate nor lock.
public struct ToolMotion: ~Copyable {
  /// Why the last advance was not what was wanted.
  public private(set) var limitation = ToolLimitation(rawValue: 0)
  /// The joint goals so far, rad.
  public private(set) var goal: JointVector
  /// Where the tool is with these goals, m, base frame.
  public var position: Vector3 { @_noLocks get { tool.position } }
  /// The smallest singular value of the tool's position Jacobian, m/rad: how far from a singularity the arm is.
  public var manipulability: Double { @_noLocks get { linearInverse.smallest } }

  private let limits: ArmModel.JointLimits
  private let columns: Int
  private var tool: ToolJacobian
  private var linearInverse: DampedInverse
  private var angularInverse: DampedInverse
  /// Where the tool should be by now.
  private var target = Vector3.zero
  /// How the tool should stand by now, as `ToolJacobian.rotation`.
  private let orientation: UnsafeMutablePointer<Double>
  private let rows: UnsafeMutablePointer<Double>
  private let rest: UnsafeMutablePointer<Double>
  private let speeds: UnsafeMutablePointer<Double>
  private var locked: UInt16 = 0

  /// Corrections of what earlier periods left over, 1/s.
  private static var gain: Double { @_noLocks get { 10 } }
  /// How far the tool may be behind, m and rad.
  private static var leash: Double { @_noLocks get { 0.005 } }
  private static var turnLeash: Double { @_noLocks get { 0.05 } }

  /// Sets up the motion of a site of the model by the named joints, within their limits (in the same order; a joint that
  /// does not move the tool, such as a gripper's, keeps its goal).
  public init(
    model: PhysicsModel, joints: [String], tool site: String, limits: ArmModel.JointLimits
  ) throws(SimulationError) {
    guard limits.count == joints.count else {
      throw SimulationError(
        .unknownName, file: model.path, "\(limits.count) limits for \(joints.count) joints; give one per joint")
    }
    tool = try ToolJacobian(model: model, joints: joints, tool: site)
    self.limits = limits
    columns = joints.count
    // A tenth of a typical lever, and of a full turn's share.
    linearInverse = DampedInverse(columns: columns, threshold: 0.03, damping: 0.03)
    angularInverse = DampedInverse(columns: columns, threshold: 0.2, damping: 0.2)
    goal = JointVector(repeating: 0, count: columns)
    func zeros(_ count: Int) -> UnsafeMutablePointer<Double> {
      let pointer = UnsafeMutablePointer<Double>.allocate(capacity: count)
      pointer.initialize(repeating: 0, count: count)
      return pointer
    }
    orientation = zeros(9)
    rows = zeros(3 * columns)
    rest = zeros(3 * columns)
    speeds = zeros(columns)
  }

  deinit {
    orientation.deallocate()
    rows.deallocate()
    rest.deallocate()
    speeds.deallocate()
  }

  /// Starts from a joint position: the last commanded goal, so that nothing jumps.
  @_noLocks
  public mutating func begin(at position: JointVector) {
    goal = position
    tool.evaluate(goal)
    target = tool.position
    for index in 0..<9 { orientation[index] = tool.rotation[index] }
    limitation = ToolLimitation(rawValue: 0)
  }

  /// Sets a joint's goal from outside, such as the gripper's; clamped to the joint's range.
  @_noLocks
  public mutating func set(_ joint: Int, to position: Double) {
    guard position.isFinite else { return }
    let low = position < limits.lower[joint] ? limits.lower[joint] : position
    goal[joint] = low > limits.upper[joint] ? limits.upper[joint] : low
  }

  /// The goals one `period` (s) later, with the tool moving as wanted, or as far as the arm can. A twist that is not
  /// finite counts as none.
  @_noLocks
  public mutating func advance(_ twist: ToolTwist, period: Double) {
    limitation = ToolLimitation(rawValue: 0)
    guard period > 0, period.isFinite else { return }
    let isUsable = twist.linear.isFinite && twist.angular.isFinite
    let wanted = isUsable ? twist.linear : .zero
    let turn = isUsable ? turnInBase(twist.angular) : .zero
    tool.evaluate(goal)
    target = target + wanted * period
    turnOrientation(by: turn * period)

    let linear = wanted + (target - wanted * period - tool.position) * Self.gain
    let angular = turn + (orientationError() - turn * period) * Self.gain
    locked = 0
    // Each round takes out at least one joint that would leave its range.
    for _ in 0...columns {
      solve(linear, angular)
      if !lockJointsAtTheirEnds(period) { break }
    }
    slowDown()
    for joint in 0..<columns {
      let next = goal[joint] + speeds[joint] * period
      // Outside its range (where a person put it) a joint may only come back.
      let low = goal[joint] < limits.lower[joint] ? goal[joint] : limits.lower[joint]
      let high = goal[joint] > limits.upper[joint] ? goal[joint] : limits.upper[joint]
      goal[joint] = next < low ? low : (next > high ? high : next)
    }
    tool.evaluate(goal)
    shortenLeash()
  }

  // MARK: The step

  /// Joint speeds for a linear (m/s) and an angular velocity (rad/s) of the tool, locked joints left out.
  @_noLocks
  private mutating func solve(_ linear: Vector3, _ angular: Vector3) {
    for index in 0..<(3 &* columns) {
      let isLocked = locked & (1 << UInt16(truncatingIfNeeded: index % columns)) != 0
      rows[index] = isLocked ? 0 : tool.linear[index]
    }
    linearInverse.invert(UnsafePointer(rows))
    if linearInverse.smallest < linearInverse.threshold && locked == 0 {
      limitation = limitation.adding(.singularity)
    }
    for joint in 0..<columns {
      speeds[joint] =
        linearInverse.values[3 &* joint] * linear.x + linearInverse.values[3 &* joint &+ 1] * linear.y
        + linearInverse.values[3 &* joint &+ 2] * linear.z
    }
    // J_o N: what of the turning does not disturb the position.
    for axis in 0..<3 {
      for column in 0..<columns {
        let isLocked = locked & (1 << UInt16(truncatingIfNeeded: column)) != 0
        var sum = isLocked ? 0 : tool.angular[axis &* columns &+ column]
        for k in 0..<columns where locked & (1 << UInt16(truncatingIfNeeded: k)) == 0 {
          var projection = 0.0
          for i in 0..<3 { projection += linearInverse.values[3 &* k &+ i] * rows[i &* columns &+ column] }
          sum -= tool.angular[axis &* columns &+ k] * projection
        }
        rest[axis &* columns &+ column] = sum
      }
    }
    angularInverse.invert(UnsafePointer(rest))
    var missing = angular
    for joint in 0..<columns {
      missing.x -= tool.angular[joint] * speeds[joint]
      missing.y -= tool.angular[columns &+ joint] * speeds[joint]
      missing.z -= tool.angular[2 &* columns &+ joint] * speeds[joint]
    }
    for joint in 0..<columns {
      speeds[joint] +=
        angularInverse.values[3 &* joint] * missing.x + angularInverse.values[3 &* joint &+ 1] * missing.y
        + angularInverse.values[3 &* joint &+ 2] * missing.z
    }
  }

  /// Takes out the joints that this step would drive out of their range; whether there was one.
  @_noLocks
  private mutating func lockJointsAtTheirEnds(_ period: Double) -> Bool {
    var found = false
    for joint in 0..<columns where locked & (1 << UInt16(truncatingIfNeeded: joint)) == 0 {
      let next = goal[joint] + speeds[joint] * period
      let leaves =
        (next > limits.upper[joint] && speeds[joint] > 0) || (next < limits.lower[joint] && speeds[joint] < 0)
      if leaves {
        locked |= 1 << UInt16(truncatingIfNeeded: joint)
        limitation = limitation.adding(.jointRange)
        found = true
      }
    }
    return found
  }

  /// Slows all joints down together until none is too fast: the path stays.
  @_noLocks
  private mutating func slowDown() {
    var scale = 1.0
    for joint in 0..<columns where speeds[joint].magnitude * scale > limits.velocity[joint] {
      scale = limits.velocity[joint] / speeds[joint].magnitude
      limitation = limitation.adding(.jointSpeed)
    }
    for joint in 0..<columns { speeds[joint] *= scale }
  }

  @_noLocks
  private mutating func shortenLeash() {
    let behind = target - tool.position
    if behind.norm > Self.leash { target = tool.position + behind * (Self.leash / behind.norm) }
    let error = orientationError()
    // Far off, the target turns back towards the tool until it is a leash away.
    if error.norm > Self.turnLeash { turnOrientation(by: error * (Self.turnLeash / error.norm - 1)) }
  }

  // MARK: Orientation

  /// A turn about the tool's own axes, in the base frame.
  @_noLocks
  private func turnInBase(_ turn: Vector3) -> Vector3 {
    let r = tool.rotation
    return Vector3(
      r[0] * turn.x + r[1] * turn.y + r[2] * turn.z, r[3] * turn.x + r[4] * turn.y + r[5] * turn.z,
      r[6] * turn.x + r[7] * turn.y + r[8] * turn.z)
  }

  /// The turn (rad, base frame) that brings the tool to the wanted orientation, exact for small ones:
  /// ½ Σ axis × wanted axis.
  @_noLocks
  private func orientationError() -> Vector3 {
    let r = tool.rotation
    var error = Vector3.zero
    for k in 0..<3 {
      let ax = r[k]
      let ay = r[3 &+ k]
      let az = r[6 &+ k]
      let bx = orientation[k]
      let by = orientation[3 &+ k]
      let bz = orientation[6 &+ k]
      error = error + Vector3(ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx) * 0.5
    }
    return error
  }

  /// Turns the wanted orientation by a small angle (rad, base frame) and makes its axes orthonormal again.
  @_noLocks
  private mutating func turnOrientation(by angle: Vector3) {
    for k in 0..<3 {
      let x = orientation[k]
      let y = orientation[3 &+ k]
      let z = orientation[6 &+ k]
      orientation[k] = x + angle.y * z - angle.z * y
      orientation[3 &+ k] = y + angle.z * x - angle.x * z
      orientation[6 &+ k] = z + angle.x * y - angle.y * x
    }
    let first = normalised(Vector3(orientation[0], orientation[3], orientation[6]))
    let second = Vector3(orientation[1], orientation[4], orientation[7])
    let along = first.x * second.x + first.y * second.y + first.z * second.z
    let upright = normalised(second - first * along)
    store(first, 0)
    store(upright, 1)
    store(
      Vector3(
        first.y * upright.z - first.z * upright.y, first.z * upright.x - first.x * upright.z,
        first.x * upright.y - first.y * upright.x), 2)
  }

  @_noLocks
  private func normalised(_ v: Vector3) -> Vector3 { v * (1 / v.norm) }

  @_noLocks
  private func store(_ axis: Vector3, _ column: Int) {
    orientation[column] = axis.x
    orientation[3 &+ column] = axis.y
    orientation[6 &+ column] = axis.z
  }
}
