import CMuJoCo
import Foundation
import Numerics

/// What a body looks like: its primitive shapes as `<visual>` elements.
extension RobotDescription {
  mutating func writeShape(_ index: Int) {
    let m = compiled
    let place = Placement(Vector3(m.geom_pos, index), Rotation(m.geom_quat, index))
    let size = Vector3(m.geom_size, index)
    let colour = RobotDescription.colour(of: index, in: m)
    switch mjtGeom(UInt32(m.geom_type[index])) {
    case mjGEOM_SPHERE: writeSphere(radius: size.x, at: place, colour)
    case mjGEOM_CYLINDER: writeCylinder(radius: size.x, length: 2 * size.y, at: place, colour)
    case mjGEOM_BOX:
      writeVisual(at: place, "box", [("size", MarkupWriter.numbers(size * 2))], colour)
    case mjGEOM_CAPSULE:
      writeCylinder(radius: size.x, length: 2 * size.y, at: place, colour)
      for end in [size.y, -size.y] {
        writeSphere(radius: size.x, at: place * Placement(Vector3(0, 0, end), .identity), colour)
      }
    case mjGEOM_ELLIPSOID:
      xml.comment("geom \(label(index)) is an ellipsoid \(MarkupWriter.numbers(size)); a sphere of its volume instead")
      writeSphere(radius: cbrt(size.x * size.y * size.z), at: place, colour)
    case mjGEOM_PLANE: xml.comment("geom \(label(index)) is a plane; left out")
    case mjGEOM_MESH:
      let mesh = ModelReading.name(model.pointer, mjOBJ_MESH, Int(m.geom_dataid[index]))
      xml.comment("geom \(label(index)) is the mesh '\(mesh)'; left out")
    case mjGEOM_HFIELD: xml.comment("geom \(label(index)) is a height field; left out")
    case mjGEOM_SDF: xml.comment("geom \(label(index)) is a signed distance field; left out")
    default: xml.comment("geom \(label(index)) is of a kind that URDF lacks; left out")
    }
  }

  private func label(_ index: Int) -> String {
    let name = ModelReading.name(model.pointer, mjOBJ_GEOM, index)
    return name.isEmpty ? "\(index)" : "'\(name)'"
  }

  private mutating func writeSphere(radius: Double, at place: Placement, _ colour: String) {
    writeVisual(at: place, "sphere", [("radius", MarkupWriter.number(radius))], colour)
  }

  private mutating func writeCylinder(radius: Double, length: Double, at place: Placement, _ colour: String) {
    writeVisual(
      at: place, "cylinder", [("radius", MarkupWriter.number(radius)), ("length", MarkupWriter.number(length))], colour)
  }

  private mutating func writeVisual(
    at place: Placement, _ shape: String, _ attributes: [(String, String)], _ colour: String
  ) {
    let material = materials[colour] ?? "color_\(materials.count + 1)"
    materials[colour] = material
    xml.open("visual")
    writeOrigin(place)
    xml.open("geometry")
    xml.empty(shape, attributes)
    xml.close("geometry")
    xml.open("material", [("name", material)])
    xml.empty("color", [("rgba", colour)])
    xml.close("material")
    xml.close("visual")
  }

  /// Red, green, blue, opacity, 0 to 1. As in MuJoCo's own drawing, a material's colour counts only where the shape
  /// was given none.
  private static func colour(of index: Int, in m: mjModel) -> String {
    func components(_ values: UnsafeMutablePointer<Float>, _ index: Int) -> [Float] {
      (0..<4).map { values[4 * index + $0] }
    }
    var rgba = components(m.geom_rgba, index)
    let material = Int(m.geom_matid[index])
    if material >= 0, rgba == [0.5, 0.5, 0.5, 1] { rgba = components(m.mat_rgba, material) }
    return rgba.map { MarkupWriter.number($0) }.joined(separator: " ")
  }
}
