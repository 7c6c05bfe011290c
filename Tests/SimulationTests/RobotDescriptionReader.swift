import Foundation
import FoundationXML
import Numerics

/// Reads the URDF elements that say what is where, strictly, and evaluates them: an implementation of the URDF
/// specification that shares no code with the one under test.
struct DescribedRobot {
  struct Link {
    var name = ""
    var mass = 0.0
    var inertialOrigin = Frame.identity
    var inertia = [0.0, 0, 0]
    var visuals: [Visual] = []
  }
  struct Visual: Equatable {
    var shape = ""
    var numbers: [Double] = []
    var position: [Double] = []
    var material = ""
    var rgba = ""
  }
  struct Joint {
    var name = ""
    var type = ""
    var origin = Frame.identity
    var parent = ""
    var child = ""
    var axis = [1.0, 0, 0]
    var lower: Double?
    var upper: Double?
    var effort: Double?
    var velocity: Double?
  }
  struct Malformed: Error, CustomStringConvertible { var description: String }

  var name = ""
  var links: [Link] = []
  var joints: [Joint] = []
  var comments: [String] = []

  init(_ text: String) throws {
    let reader = Reader()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = reader
    guard parser.parse() else {
      throw Malformed(
        description: "line \(parser.lineNumber): \(parser.parserError.map(String.init(describing:)) ?? "?")")
    }
    if let problem = reader.problem { throw Malformed(description: problem) }
    self = reader.robot
  }

  fileprivate init() {}

  func link(_ name: String) -> Link? { links.first { $0.name == name } }
  func joint(_ name: String) -> Joint? { joints.first { $0.name == name } }

  /// The pose of every link in the world's frame, by name; joints that `positions` leaves out are at zero.
  func poses(_ positions: [String: Double]) throws -> [String: Frame] {
    var result = ["world": Frame.identity]
    var waiting = joints
    while !waiting.isEmpty {
      let ready = waiting.filter { result[$0.parent] != nil }
      guard !ready.isEmpty else { throw Malformed(description: "not a tree below 'world'") }
      for joint in ready {
        let position = positions[joint.name] ?? 0
        var motion = Frame.identity
        switch joint.type {
        case "fixed": break
        case "prismatic": motion.position = joint.axis.map { $0 * position }
        default: motion.rotation = Frame.rotation(about: joint.axis, by: position)
        }
        guard let parent = result[joint.parent], result[joint.child] == nil else {
          throw Malformed(description: "'\(joint.child)' hangs on two joints")
        }
        result[joint.child] = parent * joint.origin * motion
      }
      waiting.removeAll { joint in ready.contains { $0.name == joint.name } }
    }
    guard result.count == links.count else { throw Malformed(description: "\(links.count - result.count) loose links") }
    return result
  }
}

/// A position and a rotation matrix, row by row.
struct Frame {
  var position: [Double]
  var rotation: [Double]

  static let identity = Frame(position: [0, 0, 0], rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1])

  static func * (a: Frame, b: Frame) -> Frame {
    var position = a.position
    for row in 0..<3 {
      for column in 0..<3 { position[row] += a.rotation[3 * row + column] * b.position[column] }
    }
    return Frame(position: position, rotation: multiply(a.rotation, b.rotation))
  }

  static func multiply(_ a: [Double], _ b: [Double]) -> [Double] {
    var product = [Double](repeating: 0, count: 9)
    for row in 0..<3 {
      for column in 0..<3 {
        for inner in 0..<3 { product[3 * row + column] += a[3 * row + inner] * b[3 * inner + column] }
      }
    }
    return product
  }

  /// R · diag(principal) · Rᵀ.
  static func tensor(_ rotation: [Double], principal: [Double]) -> [Double] {
    let diagonal = [principal[0], 0, 0, 0, principal[1], 0, 0, 0, principal[2]]
    let transposed = [0, 3, 6, 1, 4, 7, 2, 5, 8].map { rotation[$0] }
    return multiply(multiply(rotation, diagonal), transposed)
  }

  /// Fixed axes: roll about x, then pitch about y, then yaw about z.
  static func rotation(rollPitchYaw angles: [Double]) -> [Double] {
    let x = rotation(about: [1, 0, 0], by: angles[0])
    let y = rotation(about: [0, 1, 0], by: angles[1])
    return multiply(rotation(about: [0, 0, 1], by: angles[2]), multiply(y, x))
  }

  /// Rodrigues' formula.
  static func rotation(about axis: [Double], by angle: Double) -> [Double] {
    let cross = [0, -axis[2], axis[1], axis[2], 0, -axis[0], -axis[1], axis[0], 0]
    let square = multiply(cross, cross)
    let (first, second) = (sin(angle), 1 - cos(angle))
    return identity.rotation.indices.map { identity.rotation[$0] + first * cross[$0] + second * square[$0] }
  }

  /// A unit quaternion, w first.
  static func rotation(quaternion q: [Double]) -> [Double] {
    let (w, x, y, z) = (q[0], q[1], q[2], q[3])
    return [
      1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
      2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
      2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]
  }

  /// The largest difference of any component.
  func distance(to other: Frame) -> Double {
    zip(position + rotation, other.position + other.rotation).reduce(0) { max($0, ($1.0 - $1.1).magnitude) }
  }
}

private final class Reader: NSObject, XMLParserDelegate {
  var robot = DescribedRobot()
  var problem: String?
  private var path: [String] = []
  private var attributes: [String: String] = [:]

  func parser(
    _ parser: XMLParser, didStartElement element: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    path.append(element)
    self.attributes = attributes
    read(path.joined(separator: "/"))
  }

  func parser(_ parser: XMLParser, didEndElement element: String, namespaceURI: String?, qualifiedName: String?) {
    path.removeLast()
  }

  func parser(_ parser: XMLParser, foundComment comment: String) { robot.comments.append(comment) }

  private func read(_ place: String) {
    let link = robot.links.count - 1
    let joint = robot.joints.count - 1
    let visual = link >= 0 ? robot.links[link].visuals.count - 1 : -1
    switch place {
    case "robot": robot.name = text("name")
    case "robot/link":
      let name = text("name")
      if robot.link(name) != nil { problem = "link '\(name)' twice" }
      robot.links.append(.init(name: name))
    case "robot/link/inertial/origin": robot.links[link].inertialOrigin = origin()
    case "robot/link/inertial/mass": robot.links[link].mass = number("value")
    case "robot/link/inertial/inertia":
      robot.links[link].inertia = ["ixx", "iyy", "izz"].map(number)
      if ["ixy", "ixz", "iyz"].contains(where: { number($0) != 0 }) { problem = "products of inertia" }
    case "robot/link/visual": robot.links[link].visuals.append(.init())
    case "robot/link/visual/origin": robot.links[link].visuals[visual].position = origin().position
    case "robot/link/visual/material": robot.links[link].visuals[visual].material = text("name")
    case "robot/link/visual/material/color": robot.links[link].visuals[visual].rgba = text("rgba")
    case "robot/link/visual/geometry/box": shape(["size"], visual, link)
    case "robot/link/visual/geometry/sphere": shape(["radius"], visual, link)
    case "robot/link/visual/geometry/cylinder": shape(["radius", "length"], visual, link)
    case "robot/joint":
      let name = text("name")
      if robot.joint(name) != nil { problem = "joint '\(name)' twice" }
      robot.joints.append(.init(name: name, type: text("type")))
    case "robot/joint/origin": robot.joints[joint].origin = origin()
    case "robot/joint/parent": robot.joints[joint].parent = text("link")
    case "robot/joint/child": robot.joints[joint].child = text("link")
    case "robot/joint/axis": robot.joints[joint].axis = numbers("xyz")
    case "robot/joint/limit":
      robot.joints[joint].lower = attributes["lower"].flatMap(Double.init)
      robot.joints[joint].upper = attributes["upper"].flatMap(Double.init)
      robot.joints[joint].effort = number("effort")
      robot.joints[joint].velocity = number("velocity")
    case "robot/link/inertial", "robot/link/visual/geometry", "robot/mujoco", "robot/mujoco/compiler": break
    default: problem = "unexpected element \(place)"
    }
  }

  private func shape(_ keys: [String], _ visual: Int, _ link: Int) {
    robot.links[link].visuals[visual].shape = path.last ?? ""
    robot.links[link].visuals[visual].numbers = keys.flatMap(numbers)
  }

  private func origin() -> Frame {
    Frame(position: numbers("xyz"), rotation: Frame.rotation(rollPitchYaw: numbers("rpy")))
  }

  private func text(_ key: String) -> String {
    if attributes[key] == nil { problem = "\(path.joined(separator: "/")) lacks \(key)" }
    return attributes[key] ?? ""
  }

  private func numbers(_ key: String) -> [Double] {
    let parts = text(key).split(separator: " ").map { Double($0) }
    if parts.contains(nil) { problem = "\(path.joined(separator: "/")): \(key) is not a list of numbers" }
    return parts.map { $0 ?? .nan }
  }

  private func number(_ key: String) -> Double {
    let values = numbers(key)
    if values.count != 1 { problem = "\(path.joined(separator: "/")): \(key) is not one number" }
    return values.first ?? .nan
  }
}
