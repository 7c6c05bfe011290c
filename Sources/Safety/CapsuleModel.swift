import ArmModel
import CSystem
import Numerics

/// An arm's shape as capsules (a segment with a radius) on its links, and the space it may use: plain data, so that the
/// core can check a goal by itself.
///
/// A new model has no capsules, and everything is clear of everything. It is filled once, before the run, in the words of
/// a MuJoCo model: a link is a body with its position and orientation in its parent, and at most one joint with anchor
/// and axis in the body's own frame. At most 17 links, 24 capsules. Everything is in the base frame, m and rad.
public struct CapsuleModel: Sendable, BitwiseCopyable {
  struct Link: Sendable, BitwiseCopyable {
    var parent = -1
    var joint = -1
    var slides = false
    var position = Vector3.zero
    var orientation = Quaternion.identity
    var anchor = Vector3.zero
    var axis = Vector3.zero
  }

  struct Capsule: Sendable, BitwiseCopyable {
    var link = 0
    var from = Vector3.zero
    var to = Vector3.zero
    var radius = 0.0
    var staysInWorkspace = false
    /// One bit per later capsule that it must not touch.
    var partners: UInt32 = 0
  }

  /// The most links and capsules.
  public static var linkCapacity: Int { @_noLocks get { 17 } }
  public static var capsuleCapacity: Int { @_noLocks get { 24 } }

  var links: InlineArray<17, Link>
  var capsules: InlineArray<24, Capsule>
  /// Number of links and of capsules.
  public private(set) var linkCount = 0
  public private(set) var capsuleCount = 0
  /// The corners of the box that the arm stays in, m; infinite where there is none.
  public var workspaceLower = Vector3(-Double.infinity, -Double.infinity, -Double.infinity)
  public var workspaceUpper = Vector3(Double.infinity, Double.infinity, Double.infinity)
  /// The distance that must be left between surfaces, m.
  public var margin = 0.005

  /// No links, no capsules.
  @_noLocks
  public init() {
    links = InlineArray(repeating: Link())
    capsules = InlineArray(repeating: Capsule())
  }

  /// Adds a link; its number, or nil if there is no room, the parent is not an earlier link (-1 is the base frame), the
  /// joint is none that an arm has, or a direction is not of length 1.
  ///
  /// - Parameters:
  ///   - joint: the place of the joint that moves it in the arm's joint vectors; -1 for a link fixed to its parent.
  ///   - slides: whether the joint slides along its axis instead of turning about it.
  public mutating func addLink(
    parent: Int, position: Vector3, orientation: Quaternion, joint: Int = -1, anchor: Vector3 = .zero,
    axis: Vector3 = Vector3(0, 0, 1), slides: Bool = false
  ) -> Int? {
    guard linkCount < Self.linkCapacity, parent >= -1, parent < linkCount, joint >= -1, joint < JointVector.capacity,
      (orientation.norm - 1).magnitude < 1e-6, (axis.norm - 1).magnitude < 1e-6, position.isFinite, anchor.isFinite
    else { return nil }
    links[linkCount] = Link(
      parent: parent, joint: joint, slides: slides, position: position, orientation: orientation, anchor: anchor,
      axis: axis)
    linkCount += 1
    return linkCount - 1
  }

  /// Adds a capsule between two points in a link's frame; its number, or nil if there is no room or no such link, or the
  /// radius is not positive.
  public mutating func addCapsule(
    link: Int, from: Vector3, to: Vector3, radius: Double, staysInWorkspace: Bool = true
  ) -> Int? {
    guard capsuleCount < Self.capsuleCapacity, link >= 0, link < linkCount, radius > 0, from.isFinite, to.isFinite
    else { return nil }
    capsules[capsuleCount] = Capsule(
      link: link, from: from, to: to, radius: radius, staysInWorkspace: staysInWorkspace)
    capsuleCount += 1
    return capsuleCount - 1
  }

  /// From now on two capsules must not touch. False if there is no such pair.
  public mutating func keepApart(_ first: Int, _ second: Int) -> Bool {
    let (low, high) = first < second ? (first, second) : (second, first)
    guard low >= 0, high < capsuleCount, low != high else { return false }
    capsules[low].partners |= 1 << UInt32(high)
    return true
  }
}
