import ArmModel
import Numerics
import Safety
import Testing

/// How fast each joint goes when the core moves the arm by itself: in proportion to its way, so that all arrive together.
@Suite struct MoveCourseTests {
  /// Starts and poses of two joints: a random one each, one joint with hardly a way, short and long ones.
  private static func ways(_ number: Int) -> [(start: [Double], end: [Double])] {
    var random = RandomStream(seed: 7, name: "courses")
    return (0..<number).map { index in
      let start = [random.uniform(from: -1.4, to: 1.4), random.uniform(from: -1.4, to: 1.4)]
      var end = [random.uniform(from: -1.4, to: 1.4), random.uniform(from: -1.4, to: 1.4)]
      // The longer way is at least 0.15 rad, so that there is room to reach the speed.
      let further = index % 2
      let way = random.uniform(from: 0.15, to: 1.4)
      end[further] = start[further] + (start[further] > 0 ? -way : way)
      let share = index.isMultiple(of: 3) ? 0.004 : random.uniform(from: 0.05, to: 1)
      end[1 - further] = start[1 - further] + (start[1 - further] > 0 ? -way : way) * share
      return (start, end)
    }
  }

  /// The speeds that the two joints should have, rad/s: the leading one's, and a share of it by the way, but not less than
  /// a fiftieth of it and not more than the joint's limit.
  private static func wanted(
    _ way: (start: [Double], end: [Double]), leading: Double, limits: JointLimits
  ) -> [Double] {
    let ways = zip(way.start, way.end).map { ($0 - $1).magnitude }
    let longest = max(ways[0], ways[1])
    return (0..<2).map { min(max(leading * ways[$0] / longest, leading / 50), limits.velocity[$0]) }
  }

  /// Ticks until a state; the highest speed of each joint, rad/s, and in which tick it moved last.
  private static func watch(_ rig: HardwareRig, until state: SafetyState) -> (top: [Double], last: [Int])? {
    var goals = rig.core.commandedGoal.array
    var top = [0.0, 0.0]
    var last = [0, 0]
    for tick in 0..<3000 {
      if rig.last.state == state { return (top, last) }
      rig.tick()
      let next = rig.core.commandedGoal.array
      for joint in 0..<2 where next[joint] != goals[joint] {
        top[joint] = max(top[joint], (next[joint] - goals[joint]).magnitude / rig.seconds)
        last[joint] = tick
      }
      goals = next
    }
    return nil
  }

  private static func rig(_ configuration: SafetyConfiguration, at start: [Double]) -> HardwareRig {
    var configuration = configuration
    configuration.residualTime = .infinity
    let rig = HardwareRig(configuration)
    rig.position = start
    rig.arm()
    return rig
  }

  @Test func `In a move each joint is as fast as its way is long, and all arrive together`() throws {
    for (index, way) in Self.ways(24).enumerated() {
      var configuration = HardwareRig.configuration()
      configuration.moveSpeed = index.isMultiple(of: 2) ? 0.5 : 0.8
      // Now and then a joint is not allowed what its way would want.
      if index.isMultiple(of: 5) { configuration.limits.velocity = JointVector([0.3, 0.25]) }
      let rig = Self.rig(configuration, at: way.start)
      rig.inputs.destination = JointVector(way.end)
      rig.tick([.move])
      #expect(rig.last.state == .moving)
      let (top, last) = try #require(Self.watch(rig, until: .hold), "move \(index)")
      let wanted = Self.wanted(way, leading: configuration.moveSpeed, limits: configuration.limits)
      for joint in 0..<2 {
        #expect((top[joint] - wanted[joint]).magnitude < 1e-6, "move \(index), joint \(joint)")
      }
      let isLimited = index.isMultiple(of: 5)
      if !isLimited && !index.isMultiple(of: 3) { #expect((last[0] - last[1]).magnitude <= 12, "move \(index)") }
      #expect(rig.core.commandedGoal.array == way.end && rig.finding == nil)
    }
  }

  @Test func `A parking is as fast as a move, or so fast that two thirds of its time are enough`() throws {
    for (index, way) in Self.ways(30).enumerated() {
      let longest = zip(way.start, way.end).map { ($0 - $1).magnitude }.max() ?? 0
      // What two thirds of the time are in which the move's speed would get there: from half of it to twice as much.
      let share = 0.5 + 1.5 * Double(index) / 29
      let least = longest / 0.5
      var configuration = HardwareRig.configuration()
      configuration.parkPose = JointVector(way.end)
      configuration.parkTime = Int64(least * share * 1.5 * 1e9)
      let rig = Self.rig(configuration, at: way.start)
      rig.tick([.park])
      while rig.last.state == .stopping { rig.tick() }
      #expect(rig.last.state == .park)
      let (top, _) = try #require(Self.watch(rig, until: .disarmed), "parking \(index)")
      let leading = max(0.5, longest / (Double(configuration.parkTime) * 1e-9 / 1.5))
      let wanted = Self.wanted(way, leading: leading, limits: configuration.limits)
      for joint in 0..<2 {
        #expect((top[joint] - wanted[joint]).magnitude < 1e-6, "parking \(index), joint \(joint)")
      }
      #expect(rig.finding == nil)
    }
  }

  @Test func `A pose beyond the limits is gone to as far as they reach, each joint as fast as that way is long`() throws
  {
    let rig = Self.rig(HardwareRig.configuration(), at: [-0.5, 0.9])
    rig.inputs.destination = JointVector([-7, 9])
    rig.tick([.move])
    let (top, _) = try #require(Self.watch(rig, until: .hold))
    #expect(rig.core.commandedGoal == JointVector([-1.5, 1.5]))
    #expect((top[0] - 0.5).magnitude < 1e-6 && (top[1] - 0.3).magnitude < 1e-6)
  }
}
