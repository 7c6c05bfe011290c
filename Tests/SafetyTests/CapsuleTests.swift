import ArmModel
import Foundation
import Numerics
import Testing

@testable import Safety

/// A capsule model by reference, so that an expectation may add to it.
@dynamicMemberLookup
private final class Shape {
  var model = CapsuleModel()

  subscript<Value>(dynamicMember path: WritableKeyPath<CapsuleModel, Value>) -> Value {
    get { model[keyPath: path] }
    set { model[keyPath: path] = newValue }
  }
  subscript<Value>(dynamicMember path: KeyPath<CapsuleModel, Value>) -> Value { model[keyPath: path] }

  func addLink(
    parent: Int, position: Vector3, orientation: Quaternion, joint: Int = -1, anchor: Vector3 = .zero,
    axis: Vector3 = Vector3(0, 0, 1), slides: Bool = false
  ) -> Int? {
    model.addLink(
      parent: parent, position: position, orientation: orientation, joint: joint, anchor: anchor, axis: axis,
      slides: slides)
  }
  func addCapsule(link: Int, from: Vector3, to: Vector3, radius: Double) -> Int? {
    model.addCapsule(link: link, from: from, to: to, radius: radius)
  }
  func keepApart(_ first: Int, _ second: Int) -> Bool { model.keepApart(first, second) }
  func clearance(at position: JointVector) -> Double { model.clearance(at: position) }
}

/// The arm's shape: forward kinematics, distances, and what the filter makes of them.
@Suite struct CapsuleTests {
  private static let straight = Quaternion.identity

  @Test func `An empty model is clear of everything`() {
    #expect(CapsuleModel().clearance(at: JointVector([1, 2])) == .infinity)
  }

  @Test func `A turning link carries its capsule and its children about the anchor`() throws {
    let model = Shape()
    // A joint at x = 0.1 in the base turns about z; its child slides along its own x axis.
    let first = try #require(
      model.addLink(
        parent: -1, position: .zero, orientation: Self.straight, joint: 0, anchor: Vector3(0.1, 0, 0)))
    let second = try #require(
      model.addLink(
        parent: first, position: Vector3(0.3, 0, 0), orientation: Self.straight, joint: 1, axis: Vector3(1, 0, 0),
        slides: true))
    let tip = model.addCapsule(link: second, from: .zero, to: .zero, radius: 0.01)
    #expect(tip == 0)
    model.workspaceUpper = Vector3(.infinity, 1, .infinity)
    // Turned by 90°, 0.2 m from the anchor and 0.05 m further out: y = 0.25.
    let clearance = model.clearance(at: JointVector([.pi / 2, 0.05]))
    #expect((clearance - (1 - 0.25 - 0.01)).magnitude < 1e-12)
  }

  @Test(arguments: 0..<6) func `Every wall of the workspace counts`(wall: Int) throws {
    let model = Shape()
    let link = try #require(model.addLink(parent: -1, position: .zero, orientation: Self.straight))
    _ = model.addCapsule(link: link, from: Vector3(-0.1, -0.1, -0.1), to: Vector3(0.1, 0.1, 0.1), radius: 0.02)
    switch wall {
    case 0: model.workspaceLower.x = -0.2
    case 1: model.workspaceLower.y = -0.2
    case 2: model.workspaceLower.z = -0.2
    case 3: model.workspaceUpper.x = 0.2
    case 4: model.workspaceUpper.y = 0.2
    default: model.workspaceUpper.z = 0.2
    }
    #expect((model.clearance(at: JointVector([])) - 0.08).magnitude < 1e-12)
  }

  @Test func `The distance of two segments is that of their nearest points`() {
    var random = RandomStream(seed: 3, name: "segments")
    func point() -> Vector3 {
      Vector3(random.uniform(from: -1, to: 1), random.uniform(from: -1, to: 1), random.uniform(from: -1, to: 1))
    }
    for trial in 0..<400 {
      let p = point()
      let r = point()
      // Points, parallel and crossing segments among them.
      let q = trial % 7 == 0 ? p : point()
      let s = trial % 11 == 0 ? r : (trial % 5 == 0 ? r + (q - p) * 1.5 : point())
      let distance = CapsuleModel.distance(p, q, r, s)
      var least = Double.infinity
      for i in 0...60 {
        for j in 0...60 {
          let between = (p + (q - p) * (Double(i) / 60)) - (r + (s - r) * (Double(j) / 60))
          least = min(least, between.norm)
        }
      }
      #expect(distance <= least + 1e-9, "trial \(trial)")
      #expect(least - distance < 0.06, "trial \(trial): the samples are that coarse")
    }
  }

  @Test func `Only pairs that are kept apart count`() throws {
    let model = Shape()
    let link = try #require(model.addLink(parent: -1, position: .zero, orientation: Self.straight))
    for x in [0.0, 0.1, 0.15] {
      _ = model.addCapsule(link: link, from: Vector3(x, 0, 0), to: Vector3(x, 1, 0), radius: 0.02)
    }
    #expect(model.clearance(at: JointVector([])) == .infinity)
    #expect(model.keepApart(1, 0))
    #expect((model.clearance(at: JointVector([])) - 0.06).magnitude < 1e-12)
    #expect(model.keepApart(0, 2))
    #expect((model.clearance(at: JointVector([])) - 0.06).magnitude < 1e-12, "the nearer pair decides")
    #expect(model.keepApart(1, 2))
    #expect((model.clearance(at: JointVector([])) - 0.01).magnitude < 1e-12)
    #expect(!model.keepApart(0, 3) && !model.keepApart(1, 1) && !model.keepApart(-1, 1))
  }

  @Test func `What is no link and no capsule is refused`() throws {
    let model = Shape()
    let up = Vector3(0, 0, 1)
    #expect(model.addLink(parent: 0, position: .zero, orientation: Self.straight) == nil)
    #expect(model.addLink(parent: -2, position: .zero, orientation: Self.straight) == nil)
    #expect(model.addLink(parent: -1, position: .zero, orientation: Self.straight, joint: 16) == nil)
    #expect(model.addLink(parent: -1, position: .zero, orientation: Quaternion(1, 1, 0, 0)) == nil)
    #expect(model.addLink(parent: -1, position: .zero, orientation: Self.straight, axis: up * 2) == nil)
    #expect(model.addLink(parent: -1, position: Vector3(.nan, 0, 0), orientation: Self.straight) == nil)
    #expect(model.addCapsule(link: 0, from: .zero, to: up, radius: 0.1) == nil, "there is no link yet")
    for index in 0..<CapsuleModel.linkCapacity {
      #expect(model.addLink(parent: index - 1, position: .zero, orientation: Self.straight) == index)
    }
    #expect(model.addLink(parent: 0, position: .zero, orientation: Self.straight) == nil)
    #expect(model.addCapsule(link: 0, from: .zero, to: up, radius: 0) == nil)
    for index in 0..<CapsuleModel.capsuleCapacity {
      #expect(model.addCapsule(link: 0, from: .zero, to: up, radius: 0.1) == index)
    }
    #expect(model.addCapsule(link: 0, from: .zero, to: up, radius: 0.1) == nil)
    #expect(model.capsuleCount == 24 && model.linkCount == 17)
  }

  @Test(arguments: [0.3, 0.6, 0.9, 0.99, 1.19, 1.5, 2.4])
  func `Whatever bars as much of the way to rest as the look ahead goes is seen, wherever it is`(speed: Double) throws {
    let limits = JointLimits(
      lower: JointVector([-9]), upper: JointVector([9]), velocity: JointVector([speed]),
      acceleration: JointVector([12]), jerk: JointVector([.infinity]), effort: JointVector([1]))
    var filter = CommandFilter(limits: limits, period: 0.02)
    filter.adopt(JointVector([0]))
    func advance(_ filter: inout CommandFilter, _ model: CapsuleModel) -> Double {
      var (alterations, joints) = (Alterations.none, UInt16(0))
      let still = JointVector([0])
      let reach = JointVector([.infinity])
      return filter.advance(
        to: JointVector([9]), measured: still, reach: reach, fastest: limits.velocity, capsules: model,
        alterations: &alterations, joints: &joints)[0]
    }
    for _ in 0..<20 { _ = advance(&filter, CapsuleModel()) }
    var braking = filter
    let next = advance(&braking, CapsuleModel())
    while !braking.decelerate() {}
    let rest = braking.goal[0]
    // Two points on a circle of 0.35 m that keep a margin of 3.5 mm apart bar 0.01 rad on either side.
    for part in 0...200 {
      let place = next + (rest - next) * Double(part) / 200
      let model = Shape()
      model.margin = 0.0035 - 0.00002
      let arm = try #require(model.addLink(parent: -1, position: .zero, orientation: Self.straight, joint: 0))
      let post = try #require(model.addLink(parent: -1, position: .zero, orientation: Self.straight))
      let tip = Vector3(0.35, 0, 0)
      let (x, y) = (0.35 * cos(place), 0.35 * sin(place))
      let moving = try #require(model.addCapsule(link: arm, from: tip, to: tip, radius: 0.00001))
      let fixed = try #require(
        model.addCapsule(link: post, from: Vector3(x, y, 0), to: Vector3(x, y, 0), radius: 0.00001))
      #expect(model.keepApart(moving, fixed))
      var blocked = filter
      _ = advance(&blocked, model.model)
      #expect(blocked.isBlocked, "\(place) rad, between \(next) and \(rest)")
    }
  }

  @Test func `An arm that is too near already may move away and not nearer`() {
    var configuration = HardwareRig.configuration()
    configuration.capsules = Injection.walled().capsules
    configuration.monitors.clampedShare = 1
    let rig = HardwareRig(configuration)
    // sin(0.63) · 0.3 m + 0.02 m leaves 3 mm to the wall at 0.2 m; the margin is 5 mm.
    rig.position = [0.63, 0]
    rig.arm()
    rig.propose([0.9, 0])
    rig.enable()
    rig.tick([.start])
    rig.ticks(20)
    #expect(rig.core.commandedGoal[0] == 0.63)
    #expect(rig.last.alterations.contains(.collision))
    rig.propose([0.2, 0])
    rig.ticks(300)
    #expect(rig.core.commandedGoal[0] == 0.2 && rig.finding == nil)
    rig.ticks(10)
    #expect(rig.last.alterations == [])
  }
}
