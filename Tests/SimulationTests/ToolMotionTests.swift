import ArmModel
import Numerics
import Simulation
import TestSupport
import Testing

@Suite("Moving a tool in space")
struct ToolMotionTests {
  static let joints = ["shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper"]
  static let home = JointVector([0, -0.5, 0.5, 0.5, 0, 0.4])
  static let period = 0.01

  static func limits(_ model: PhysicsModel, velocity: Double = 5) -> ArmModel.JointLimits {
    var limits = ArmModel.JointLimits(unlimited: joints.count)
    for (index, name) in joints.enumerated() {
      let joint = model.joints.first { $0.name == name }
      limits.lower[index] = joint?.range?.lowerBound ?? -3
      limits.upper[index] = joint?.range?.upperBound ?? 3
      limits.velocity[index] = velocity
    }
    return limits
  }

  static func motion(velocity: Double = 5) throws -> ToolMotion {
    let model = try PhysicsModel.named("so101")
    var motion = try ToolMotion(
      model: model, joints: joints, tool: "gripper_frame", limits: limits(model, velocity: velocity))
    motion.begin(at: home)
    return motion
  }

  /// Where MuJoCo says the tool is, by other code than the one under test.
  static func place(_ goal: JointVector) throws -> Vector3 {
    var twin = try PhysicsModel.named("so101").makeTwin(joints: joints, points: [("gripper_frame", .site)])
    var state = JointState(count: joints.count)
    state.position = goal
    var points = PointSet(count: 1)
    twin.update(state, into: &points)
    return points[0]
  }

  @Test("a square of 8 cm is followed within a tenth of a millimetre, and the gripper keeps its goal")
  func square() throws {
    var motion = try Self.motion()
    let start = motion.position
    let speed = 0.05
    let sides = [Vector3(0, speed, 0), Vector3(0, 0, speed), Vector3(0, -speed, 0), Vector3(0, 0, -speed)]
    var wanted = start
    var worst = 0.0
    for side in sides {
      for _ in 0..<160 {
        motion.advance(ToolTwist(linear: side), period: Self.period)
        wanted = wanted + side * Self.period
        worst = max(worst, (try Self.place(motion.goal) - wanted).norm)
      }
    }
    #expect(worst < 1e-4)
    #expect((motion.position - start).norm < 1e-4)
    #expect(motion.goal[5] == 0.4)
  }

  @Test("the tool stands still when nothing is asked of it")
  func rest() throws {
    var motion = try Self.motion()
    for _ in 0..<1000 { motion.advance(ToolTwist(), period: Self.period) }
    for joint in 0..<6 { #expect(abs(motion.goal[joint] - Self.home[joint]) < 1e-9) }
  }

  @Test("turning the tool about its own axis leaves its place alone")
  func turning() throws {
    var motion = try Self.motion()
    let start = motion.position
    for _ in 0..<50 {
      motion.advance(ToolTwist(angular: Vector3(0.5, 0, 0)), period: Self.period)
      #expect((try Self.place(motion.goal) - start).norm < 1e-4)
    }
    // A quarter of a radian about the approach axis is the wrist's roll and nothing else.
    #expect(abs(abs(motion.goal[4]) - 0.25) < 0.01)
  }

  @Test("no joint leaves its range or exceeds its speed, wherever a person pushes the tool", arguments: 0..<20)
  func limits(seed: Int) throws {
    let model = try PhysicsModel.named("so101")
    let limits = Self.limits(model, velocity: 2)
    var motion = try Self.motion(velocity: 2)
    var random = RandomStream(seed: UInt64(seed), name: "push")
    var previous = motion.goal
    var twist = ToolTwist()
    for tick in 0..<1500 {
      if tick % 100 == 0 {
        func number(_ size: Double) -> Double { (random.uniform() * 2 - 1) * size }
        twist.linear = Vector3(number(0.4), number(0.4), number(0.4))
        twist.angular = Vector3(number(2), number(2), number(2))
      }
      motion.advance(twist, period: Self.period)
      for joint in 0..<6 {
        #expect(motion.goal[joint].isFinite)
        #expect(motion.goal[joint] <= limits.upper[joint] && motion.goal[joint] >= limits.lower[joint])
        #expect(abs(motion.goal[joint] - previous[joint]) <= 2 * Self.period * (1 + 1e-9))
      }
      previous = motion.goal
    }
  }

  @Test("pulled beyond its reach the arm stretches, says so, and comes back at once when pushed the other way")
  func reach() throws {
    var motion = try Self.motion()
    var limitation = ToolLimitation(rawValue: 0)
    for _ in 0..<1000 {
      motion.advance(ToolTwist(linear: Vector3(0.2, 0, 0)), period: Self.period)
      limitation = limitation.union(motion.limitation)
    }
    #expect(limitation.has(.singularity) || limitation.has(.jointRange))
    let farthest = motion.position
    for _ in 0..<30 { motion.advance(ToolTwist(linear: Vector3(-0.1, 0, 0)), period: Self.period) }
    // 30 mm were asked for; the leash may have swallowed a few.
    #expect(farthest.x - motion.position.x > 0.015)
  }

  @Test("letting go stops the tool within the leash even while the arm is at its limits")
  func lettingGo() throws {
    var motion = try Self.motion()
    for _ in 0..<1000 { motion.advance(ToolTwist(linear: Vector3(0.2, 0.1, 0.1)), period: Self.period) }
    let stop = motion.position
    for _ in 0..<300 { motion.advance(ToolTwist(), period: Self.period) }
    #expect((motion.position - stop).norm < 0.006)
  }

  @Test("a twist that is not finite moves nothing")
  func notFinite() throws {
    var motion = try Self.motion()
    for bad in [Double.nan, .infinity, -.infinity] {
      motion.advance(ToolTwist(linear: Vector3(bad, 0, 0), angular: Vector3(0, bad, 0)), period: Self.period)
    }
    for joint in 0..<6 { #expect(abs(motion.goal[joint] - Self.home[joint]) < 1e-9) }
  }

  @Test("a joint outside its range is not pulled back by a jump")
  func outside() throws {
    var motion = try Self.motion()
    var outside = Self.home
    outside[2] = 1.8
    motion.begin(at: outside)
    motion.advance(ToolTwist(linear: Vector3(0.01, 0, 0)), period: Self.period)
    #expect(abs(motion.goal[2] - 1.8) < 0.02)
  }

  @Test("a wrong site is refused by name, with what there is")
  func wrongSite() throws {
    let model = try PhysicsModel.named("so101")
    #expect {
      _ = try ToolMotion(model: model, joints: Self.joints, tool: "griper_frame", limits: Self.limits(model))
    } throws: { error in
      "\(error)".contains("griper_frame") && "\(error)".contains("gripper_frame")
    }
  }

  @Test("advancing allocates nothing", .enabled(if: AllocationCount.isAvailable))
  func allocations() throws {
    var motion = try Self.motion()
    func advance(_ count: Int) {
      for tick in 0..<count {
        let sign: Double = (tick / 500) % 2 == 0 ? 1 : -1
        motion.advance(ToolTwist(linear: Vector3(0.02 * sign, 0.05 * sign, 0)), period: Self.period)
      }
    }
    advance(1)
    let count = AllocationCount.during { advance(10_000) }
    #expect(count == AllocationCount(allocations: 0, frees: 0))
  }
}
