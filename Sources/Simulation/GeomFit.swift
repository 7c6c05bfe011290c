import CMuJoCo
import Glibc
import Numerics

/// A capsule that holds a geom of a model, in the frame of the geom's body.
struct GeomFit {
  var from: Vector3
  var to: Vector3
  var radius: Double
  /// The most by which it reaches beyond the geom, m.
  var overhang: Double

  /// Nil for a geom that collides with nothing, and for planes and height fields, which no arm is made of.
  init?(_ model: PhysicsModel, _ geom: Int) {
    let m = model.pointer.pointee
    guard m.geom_contype[geom] != 0 || m.geom_conaffinity[geom] != 0 else { return nil }
    let size = Vector3(m.geom_size, geom)
    var centre = Vector3.zero
    var half = Vector3.zero
    switch mjtGeom(rawValue: UInt32(m.geom_type[geom])) {
    case mjGEOM_PLANE, mjGEOM_HFIELD: return nil
    case mjGEOM_SPHERE: (radius, overhang) = (size.x, 0)
    case mjGEOM_CAPSULE: (radius, half, overhang) = (size.x, Vector3(0, 0, size.y), 0)
    case mjGEOM_CYLINDER:
      // The segment is the cylinder's axis: its rims touch the caps, which stand out by a radius.
      (radius, half, overhang) = (size.x, Vector3(0, 0, size.y), size.x)
    default:
      // Boxes, and whatever else by its bounding box.
      centre = Vector3(m.geom_aabb[6 * geom], m.geom_aabb[6 * geom + 1], m.geom_aabb[6 * geom + 2])
      let box = Vector3(m.geom_aabb[6 * geom + 3], m.geom_aabb[6 * geom + 4], m.geom_aabb[6 * geom + 5])
      (half, radius, overhang) = Self.around(box)
    }
    let turn = Quaternion(m.geom_quat, geom)
    let origin = Vector3(m.geom_pos, geom)
    from = origin + turn.rotate(centre - half)
    to = origin + turn.rotate(centre + half)
  }

  /// The capsule along the longest edge of a box of these half sizes, through its corners, that stands out least: as far
  /// at its ends as at its flattest sides.
  private static func around(_ box: Vector3) -> (half: Vector3, radius: Double, overhang: Double) {
    let sorted = [box.x, box.y, box.z].sorted()
    let (flat, middle, long) = (sorted[0], sorted[1], sorted[2])
    let length = long - flat
    let radius = sqrt(2 * flat * flat + middle * middle)
    let half =
      box.x == long ? Vector3(length, 0, 0) : box.y == long ? Vector3(0, length, 0) : Vector3(0, 0, length)
    return (half, radius, radius - flat)
  }
}
