import ArmModel
import CSystem
import Numerics

extension CapsuleModel {
  /// The smallest distance between surfaces that must not touch, at these joint positions, m; negative where they overlap.
  /// Infinite without capsules.
  @_noLocks
  public func clearance(at position: JointVector) -> Double {
    guard capsuleCount > 0 else { return .infinity }
    var origins = InlineArray<17, Vector3>(repeating: Vector3.zero)
    var orientations = InlineArray<17, Quaternion>(repeating: Quaternion.identity)
    for index in 0..<linkCount { place(index, at: position, &origins, &orientations) }
    var from = InlineArray<24, Vector3>(repeating: Vector3.zero)
    var to = InlineArray<24, Vector3>(repeating: Vector3.zero)
    var least = Double.infinity
    for index in 0..<capsuleCount {
      let link = capsules[index].link
      from[index] = origins[link] + orientations[link].rotate(capsules[index].from)
      to[index] = origins[link] + orientations[link].rotate(capsules[index].to)
      if capsules[index].staysInWorkspace {
        let radius = capsules[index].radius
        let first = distanceToWall(from[index]) - radius
        let second = distanceToWall(to[index]) - radius
        if first < least { least = first }
        if second < least { least = second }
      }
    }
    for index in 0..<capsuleCount {
      var partners = capsules[index].partners
      while partners != 0 {
        let other = partners.trailingZeroBitCount
        partners &= partners &- 1
        let gap =
          CapsuleModel.distance(from[index], to[index], from[other], to[other]) - capsules[index].radius
          - capsules[other].radius
        if gap < least { least = gap }
      }
    }
    return least
  }

  /// Where a link is, given where its parent is.
  @_noLocks
  private func place(
    _ index: Int, at position: JointVector, _ origins: inout InlineArray<17, Vector3>,
    _ orientations: inout InlineArray<17, Quaternion>
  ) {
    let parent = links[index].parent
    var origin = links[index].position
    var orientation = links[index].orientation
    if parent >= 0 {
      origin = origins[parent] + orientations[parent].rotate(origin)
      orientation = orientations[parent] * orientation
    }
    let joint = links[index].joint
    if joint >= 0 && joint < position.count {
      if links[index].slides {
        origin = origin + orientation.rotate(links[index].axis * position[joint])
      } else {
        // The anchor stays where it is, everything else turns about it.
        let anchor = origin + orientation.rotate(links[index].anchor)
        orientation = orientation * Quaternion(axis: links[index].axis, angle: position[joint])
        origin = anchor - orientation.rotate(links[index].anchor)
      }
    }
    origins[index] = origin
    orientations[index] = orientation
  }

  /// From a point to the nearest wall of the workspace, positive inside.
  @_noLocks
  private func distanceToWall(_ p: Vector3) -> Double {
    var least = p.x - workspaceLower.x
    if p.y - workspaceLower.y < least { least = p.y - workspaceLower.y }
    if p.z - workspaceLower.z < least { least = p.z - workspaceLower.z }
    if workspaceUpper.x - p.x < least { least = workspaceUpper.x - p.x }
    if workspaceUpper.y - p.y < least { least = workspaceUpper.y - p.y }
    if workspaceUpper.z - p.z < least { least = workspaceUpper.z - p.z }
    return least
  }

  /// The smallest distance between the segments p–q and r–s: the points p + t(q − p) and r + u(s − r) with t, u in 0 … 1
  /// nearest to each other (C. Ericson, Real-Time Collision Detection, 2005, 5.1.9).
  @_noLocks
  static func distance(_ p: Vector3, _ q: Vector3, _ r: Vector3, _ s: Vector3) -> Double {
    let first = q - p
    let second = s - r
    let between = p - r
    let a = dot(first, first)
    let e = dot(second, second)
    let f = dot(second, between)
    let c = dot(first, between)
    let b = dot(first, second)
    let tiny = 1e-18
    var t = 0.0
    var u = 0.0
    if a > tiny {
      let denominator = a * e - b * b
      if e > tiny && denominator > tiny * a * e { t = clamp((b * f - c * e) / denominator) }
      u = e > tiny ? (b * t + f) / e : 0
      if e <= tiny || u < 0 {
        u = 0
        t = clamp(-c / a)
      } else if u > 1 {
        u = 1
        t = clamp((b - c) / a)
      }
    } else if e > tiny {
      u = clamp(f / e)
    }
    return (between + first * t - second * u).norm
  }

  @_noLocks
  private static func dot(_ a: Vector3, _ b: Vector3) -> Double { a.x * b.x + a.y * b.y + a.z * b.z }
  @_noLocks
  private static func clamp(_ x: Double) -> Double { x < 0 ? 0 : (x > 1 ? 1 : x) }
}
