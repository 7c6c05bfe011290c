import CSystem

/// A rotation in space as a unit quaternion w + xi + yj + zk, in MuJoCo's order of components.
public struct Quaternion: Sendable, Equatable, BitwiseCopyable {
  public var w: Double
  public var x: Double
  public var y: Double
  public var z: Double

  /// Components of a unit quaternion; not normalised here.
  @_noLocks
  public init(_ w: Double, _ x: Double, _ y: Double, _ z: Double) {
    self.w = w
    self.x = x
    self.y = y
    self.z = z
  }

  /// The rotation about a unit axis by an angle, rad, right-handed.
  @_noLocks
  public init(axis: Vector3, angle: Double) {
    let s = sinew_sin(angle / 2)
    self.init(sinew_cos(angle / 2), axis.x * s, axis.y * s, axis.z * s)
  }

  /// No rotation.
  public static var identity: Quaternion { @_noLocks get { Quaternion(1, 0, 0, 0) } }

  /// First `b`, then `a`.
  @_noLocks
  public static func * (a: Quaternion, b: Quaternion) -> Quaternion {
    Quaternion(
      a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z, a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
      a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x, a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w)
  }

  /// A vector, turned.
  @_noLocks
  public func rotate(_ v: Vector3) -> Vector3 {
    // v + 2w (q × v) + 2 q × (q × v)
    let tx = 2 * (y * v.z - z * v.y)
    let ty = 2 * (z * v.x - x * v.z)
    let tz = 2 * (x * v.y - y * v.x)
    return Vector3(
      v.x + w * tx + (y * tz - z * ty), v.y + w * ty + (z * tx - x * tz), v.z + w * tz + (x * ty - y * tx))
  }

  /// Length; 1 for a rotation.
  public var norm: Double { @_noLocks get { sinew_sqrt(w * w + x * x + y * y + z * z) } }
}
