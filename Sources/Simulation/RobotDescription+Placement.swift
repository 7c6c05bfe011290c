import Foundation
import Numerics

/// A frame in another one: first rotated, then moved.
struct Placement {
  var position: Vector3
  var rotation: Rotation

  static let identity = Placement(.zero, .identity)

  init(_ position: Vector3, _ rotation: Rotation) {
    self.position = position
    self.rotation = rotation
  }

  var isIdentity: Bool { position == .zero && rotation == .identity }

  /// `inner`, given in the frame `outer`, in the frame that `outer` is given in.
  static func * (outer: Placement, inner: Placement) -> Placement {
    Placement(outer.position + outer.rotation.turned(inner.position), outer.rotation * inner.rotation)
  }
}

/// A rotation as a unit quaternion, w first as in MuJoCo.
struct Rotation: Equatable {
  var w: Double
  var x: Double
  var y: Double
  var z: Double

  static let identity = Rotation(w: 1, x: 0, y: 0, z: 0)

  init(w: Double, x: Double, y: Double, z: Double) {
    self.w = w
    self.x = x
    self.y = y
    self.z = z
  }

  /// `angle` in rad, about a unit vector.
  init(about axis: Vector3, by angle: Double) {
    let part = sin(angle / 2)
    self.init(w: cos(angle / 2), x: axis.x * part, y: axis.y * part, z: axis.z * part)
  }

  /// The `index`-th of an array of MuJoCo's.
  init(_ values: UnsafeMutablePointer<Double>, _ index: Int) {
    let four = values + 4 * index
    self.init(w: four[0], x: four[1], y: four[2], z: four[3])
  }

  static func * (a: Rotation, b: Rotation) -> Rotation {
    Rotation(
      w: a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z, x: a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
      y: a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x, z: a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w)
  }

  func turned(_ vector: Vector3) -> Vector3 {
    let axis = Vector3(x, y, z)
    let across = axis.cross(vector) * 2
    return vector + across * w + axis.cross(across)
  }

  /// Roll, pitch and yaw, rad: the turns about the fixed axes x, y, z in this order, as URDF means them. Roll and yaw in
  /// (-π, π], pitch in [-π/2, π/2].
  ///
  /// The sum and the difference of roll and yaw stand apart in w ∓ y and z ± x, whose lengths give the pitch; so nothing
  /// is lost near ±π/2, where the arc sine of the usual formula keeps only half the digits. At ±π/2 itself only one of
  /// the two is determined, and roll is 0. (Bernardes and Viollet, "Quaternion to Euler angles conversion: A direct,
  /// general and computationally efficient method", 2022.)
  var rollPitchYaw: Vector3 {
    let lower = hypot(w + y, z - x)
    let upper = hypot(w - y, z + x)
    // Below this a phase is rounding noise, and too small a part of the rotation to matter.
    let least = 2e-15 * max(lower, upper)
    var halfDifference = atan2(z - x, w + y)
    var halfSum = atan2(z + x, w - y)
    if lower < least { halfDifference = halfSum }
    if upper < least { halfSum = halfDifference }
    return Vector3(
      Rotation.wrapped(halfSum - halfDifference), 2 * atan2(lower, upper) - .pi / 2,
      Rotation.wrapped(halfSum + halfDifference))
  }

  private static func wrapped(_ angle: Double) -> Double {
    angle > .pi ? angle - 2 * .pi : angle <= -.pi ? angle + 2 * .pi : angle
  }
}

extension Vector3 {
  /// The `index`-th of an array of MuJoCo's.
  init(_ values: UnsafeMutablePointer<Double>, _ index: Int) {
    let three = values + 3 * index
    self.init(three[0], three[1], three[2])
  }

  func cross(_ other: Vector3) -> Vector3 {
    Vector3(y * other.z - z * other.y, z * other.x - x * other.z, x * other.y - y * other.x)
  }
}
