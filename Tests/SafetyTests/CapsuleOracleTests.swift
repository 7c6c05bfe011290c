import ArmModel
import Foundation
import Numerics
import Safety
import Testing

/// A place and a direction in space, as three columns and an origin.
private struct Frame {
  var x = Vector3(1, 0, 0)
  var y = Vector3(0, 1, 0)
  var z = Vector3(0, 0, 1)
  var origin = Vector3.zero

  func turned(_ v: Vector3) -> Vector3 { x * v.x + y * v.y + z * v.z }
  func place(_ v: Vector3) -> Vector3 { origin + turned(v) }
  func holding(_ child: Frame) -> Frame {
    Frame(x: turned(child.x), y: turned(child.y), z: turned(child.z), origin: place(child.origin))
  }

  /// The rotation about a unit axis, by Rodrigues' formula.
  static func rotation(_ axis: Vector3, _ angle: Double) -> Frame {
    func turn(_ v: Vector3) -> Vector3 {
      v * cos(angle) + cross(axis, v) * sin(angle) + axis * (dot(axis, v) * (1 - cos(angle)))
    }
    return Frame(x: turn(Vector3(1, 0, 0)), y: turn(Vector3(0, 1, 0)), z: turn(Vector3(0, 0, 1)))
  }
}

private func dot(_ a: Vector3, _ b: Vector3) -> Double { a.x * b.x + a.y * b.y + a.z * b.z }
private func cross(_ a: Vector3, _ b: Vector3) -> Vector3 {
  Vector3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
}

/// From a point to a segment.
private func distance(_ point: Vector3, _ from: Vector3, _ to: Vector3) -> Double {
  let way = to - from
  let length = dot(way, way)
  let part = length == 0 ? 0 : min(max(dot(point - from, way) / length, 0), 1)
  return (point - from - way * part).norm
}

/// Between two segments: an end of one is nearest to the other, unless the common perpendicular of their lines meets both.
private func distance(_ p: Vector3, _ q: Vector3, _ r: Vector3, _ s: Vector3) -> Double {
  let ends = min(distance(p, r, s), distance(q, r, s), distance(r, p, q), distance(s, p, q))
  let normal = cross(q - p, s - r)
  let square = dot(normal, normal)
  guard square > 0 else { return ends }
  let first = dot(cross(r - p, s - r), normal) / square
  let second = dot(cross(r - p, q - p), normal) / square
  guard (0...1).contains(first) && (0...1).contains(second) else { return ends }
  return min(ends, dot(r - p, normal).magnitude / square.squareRoot())
}

extension RandomStream {
  fileprivate mutating func below(_ count: Int) -> Int { Int(uniform() * Double(count)) }
  fileprivate mutating func vector(_ size: Double = 1) -> Vector3 {
    Vector3(uniform(from: -size, to: size), uniform(from: -size, to: size), uniform(from: -size, to: size))
  }
  fileprivate mutating func direction() -> Vector3 {
    while true {
      let v = vector()
      if v.norm > 0.1 { return v * (1 / v.norm) }
    }
  }
}

/// Where capsules are and how far apart, held against formulas of another kind.
@Suite struct CapsuleOracleTests {
  /// Two segments of any size in any position, and what is left between them.
  private static func gap(_ p: Vector3, _ q: Vector3, _ r: Vector3, _ s: Vector3, radius: Double) -> Double {
    var model = CapsuleModel()
    _ = model.addLink(parent: -1, position: .zero, orientation: .identity)
    let first = model.addCapsule(link: 0, from: p, to: q, radius: radius, staysInWorkspace: false)
    let second = model.addCapsule(link: 0, from: r, to: s, radius: 2 * radius, staysInWorkspace: false)
    let isPair = model.keepApart(0, 1)
    #expect(first == 0 && second == 1 && isPair)
    return model.clearance(at: JointVector([]))
  }

  @Test func `Capsules of any size and position are as far apart as the nearest points of their segments`() {
    var random = RandomStream(seed: 11, name: "capsules")
    for trial in 0..<3000 {
      // From a hundredth of a millimetre to a metre.
      var size = 1.0
      for _ in 0..<random.below(6) { size /= 10 }
      let p = random.vector(size)
      let r = random.vector(size)
      let q = trial % 7 == 0 ? p : random.vector(size)
      let s: Vector3
      switch trial % 11 {
      case 0: s = r
      case 1: s = r + (q - p) * random.uniform(from: -2, to: 2)
      default: s = random.vector(size)
      }
      let expected = distance(p, q, r, s) - 3 * 0.1 * size
      let found = Self.gap(p, q, r, s, radius: 0.1 * size)
      #expect((found - expected).magnitude < 1e-7 * size, "trial \(trial), size \(size)")
    }
  }

  @Test func `Capsules whose axes are parallel, in line or points are as far apart as their ends`() {
    func v(_ x: Double, _ y: Double, _ z: Double) -> Vector3 { Vector3(x, y, z) }
    let cases: [(Vector3, Vector3, Vector3, Vector3, Double)] = [
      (v(0, 0, 0), v(1, 0, 0), v(0, 1, 0), v(1, 1, 0), 1), (v(0, 0, 0), v(1, 0, 0), v(3, 0, 0), v(2, 0, 0), 1),
      (v(0, 0, 0), v(1, 0, 0), v(-3, 0, 0), v(-2, 0, 0), 2), (v(0, 0, 0), v(0, 0, 0), v(0, 3, 4), v(0, 3, 4), 5),
      (v(0, 0, 0), v(2, 0, 0), v(1, 1, 0), v(1, 1, 0), 1), (v(1, 1, 0), v(1, 1, 0), v(0, 0, 0), v(2, 0, 0), 1),
      (v(1, 1, 0), v(1, 1, 0), v(2, 1, 0), v(5, 1, 0), 1), (v(-1, 0, 0), v(1, 0, 0), v(0, -1, 1), v(0, 1, 1), 1),
    ]
    for (p, q, r, s, expected) in cases {
      #expect((Self.gap(p, q, r, s, radius: 0.1) + 0.3 - expected).magnitude < 1e-12, "\(p) \(q) \(r) \(s)")
      #expect((Self.gap(r, s, p, q, radius: 0.1) + 0.3 - expected).magnitude < 1e-12, "\(p) \(q) \(r) \(s), turned")
    }
  }

  @Test func `An arm of any shape has the clearance that rotation matrices give it`() {
    var random = RandomStream(seed: 12, name: "arms")
    for trial in 0..<400 {
      let position = JointVector((0..<6).map { _ in random.uniform(from: -3, to: 3) })
      let isFull = trial % 10 == 0
      var model = CapsuleModel()
      var frames: [Frame] = []
      for index in 0..<(isFull ? CapsuleModel.linkCapacity : 1 + random.below(6)) {
        let parent = isFull ? index - 1 : random.below(index + 1) - 1
        // Joints beyond the arm's own stay where they are.
        let joint = random.below(9) - 1
        let (place, anchor, axis) = (random.vector(0.3), random.vector(0.2), random.direction())
        let (about, angle) = (random.direction(), random.uniform(from: -3, to: 3))
        let slides = random.uniform() < 0.3
        let link = model.addLink(
          parent: parent, position: place, orientation: Quaternion(axis: about, angle: angle), joint: joint,
          anchor: anchor, axis: axis, slides: slides)
        #expect(link == index)
        var own = Frame.rotation(about, angle)
        own.origin = place
        if joint >= 0 && joint < 6 {
          var motion = slides ? Frame() : Frame.rotation(axis, position[joint])
          motion.origin = slides ? axis * position[joint] : anchor - motion.turned(anchor)
          own = own.holding(motion)
        }
        frames.append(parent < 0 ? own : frames[parent].holding(own))
      }
      var expected = Double.infinity
      if random.uniform() < 0.7 { model.workspaceLower = Vector3(-2, -2, -2) + random.vector() }
      if random.uniform() < 0.7 { model.workspaceUpper = Vector3(2, 2, 2) + random.vector() }
      var ends: [(Vector3, Vector3, Double)] = []
      for _ in 0..<(isFull ? CapsuleModel.capsuleCapacity : 1 + random.below(4)) {
        let link = random.below(frames.count)
        let (from, to) = (random.vector(0.2), random.vector(0.2))
        let radius = random.uniform(from: 0.01, to: 0.1)
        let stays = random.uniform() < 0.5
        _ = model.addCapsule(link: link, from: from, to: to, radius: radius, staysInWorkspace: stays)
        ends.append((frames[link].place(from), frames[link].place(to), radius))
        for end in [ends[ends.count - 1].0, ends[ends.count - 1].1] where stays {
          let (low, high) = (end - model.workspaceLower, model.workspaceUpper - end)
          expected = min(expected, min(low.x, low.y, low.z) - radius, min(high.x, high.y, high.z) - radius)
        }
      }
      for first in ends.indices {
        for second in ends.indices where first < second && random.uniform() < 0.4 {
          let isPair = random.uniform() < 0.5 ? model.keepApart(first, second) : model.keepApart(second, first)
          #expect(isPair)
          let (a, b) = (ends[first], ends[second])
          expected = min(expected, distance(a.0, a.1, b.0, b.1) - a.2 - b.2)
        }
      }
      let found = model.clearance(at: position)
      #expect(found == expected || (found - expected).magnitude < 1e-9, "trial \(trial): \(found), not \(expected)")
    }
  }

  @Test func `Links and capsules are taken up to the edge of what is allowed, and no further`() {
    func link(
      length: Double = 1, axis: Double = 1, joint: Int = 0, position: Vector3 = .zero, anchor: Vector3 = .zero
    ) -> Int? {
      var model = CapsuleModel()
      return model.addLink(
        parent: -1, position: position, orientation: Quaternion(length, 0, 0, 0), joint: joint, anchor: anchor,
        axis: Vector3(0, axis, 0))
    }
    for length in [1, 1 + 9e-7, 1 - 9e-7] { #expect(link(length: length) == 0 && link(axis: length) == 0) }
    for length in [1 + 1.1e-6, 1 - 1.1e-6, 1.4, 0.6, 0, .nan] {
      #expect(link(length: length) == nil && link(axis: length) == nil)
    }
    #expect(link(joint: -1) == 0 && link(joint: 15) == 0)
    #expect(link(joint: -2) == nil && link(joint: 16) == nil)
    let nowhere = [Vector3(.nan, 0, 0), Vector3(0, .infinity, 0), Vector3(0, 0, -.infinity)]
    for place in nowhere { #expect(link(position: place) == nil && link(anchor: place) == nil) }

    var model = CapsuleModel()
    _ = model.addLink(parent: -1, position: .zero, orientation: .identity)
    func capsule(link: Int = 0, from: Vector3 = .zero, to: Vector3 = .zero, radius: Double = 0.01) -> Int? {
      var copy = model
      return copy.addCapsule(link: link, from: from, to: to, radius: radius)
    }
    #expect(capsule() == 0 && capsule(radius: 1e-9) == 0)
    #expect(capsule(link: 1) == nil && capsule(link: -1) == nil)
    for radius in [0, -0.01, .nan] { #expect(capsule(radius: radius) == nil) }
    for place in nowhere { #expect(capsule(from: place) == nil && capsule(to: place) == nil) }
  }
}
