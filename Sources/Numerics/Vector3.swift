import CSystem

/// A point or direction in space, metres unless said otherwise.
public struct Vector3: Sendable, Equatable, BitwiseCopyable {
  public var x: Double
  public var y: Double
  public var z: Double

  @_noLocks
  public init(_ x: Double, _ y: Double, _ z: Double) {
    self.x = x
    self.y = y
    self.z = z
  }

  /// The origin.
  public static var zero: Vector3 { @_noLocks get { Vector3(0, 0, 0) } }

  @_noLocks
  public static func + (a: Vector3, b: Vector3) -> Vector3 { Vector3(a.x + b.x, a.y + b.y, a.z + b.z) }
  @_noLocks
  public static func - (a: Vector3, b: Vector3) -> Vector3 { Vector3(a.x - b.x, a.y - b.y, a.z - b.z) }
  @_noLocks
  public static func * (a: Vector3, s: Double) -> Vector3 { Vector3(a.x * s, a.y * s, a.z * s) }

  /// Euclidean norm.
  public var norm: Double { @_noLocks get { sinew_sqrt(x * x + y * y + z * z) } }
  /// Whether all three components are finite.
  public var isFinite: Bool { @_noLocks get { x.isFinite && y.isFinite && z.isFinite } }
}
