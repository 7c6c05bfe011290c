import CMuJoCo
import Configuration
import Foundation

/// A compiled MuJoCo model: what an arm and its scene are made of. Immutable after loading, so any number of arms, on any
/// number of threads, may share one.
///
/// Loading takes milliseconds to seconds and allocates; it is not for the control thread.
//
// @unchecked: the pointer is to memory that nothing writes after `init`; arms that must edit a model copy it first.
public final class PhysicsModel: @unchecked Sendable {
  /// A joint of the model.
  public struct Joint: Sendable, Equatable {
    /// How it moves; only hinges and slides can be joints of an arm.
    public enum Kind: String, Sendable { case hinge, slide, ball, free }
    public var name: String
    public var kind: Kind
    /// Limits, rad or m; nil when unlimited.
    public var range: ClosedRange<Double>?
    /// Index among the model's joints.
    var index: Int
  }

  /// An actuator of the model.
  public struct Actuator: Sendable, Equatable {
    /// What its control means.
    public enum Kind: Sendable, Equatable {
      /// Force or torque on a joint: N·m per unit of control.
      case torqueMotor(gain: Double)
      /// A goal position for a joint, in joint units times `gear`.
      case position(gear: Double)
      /// Anything else, described.
      case other(String)
    }
    public var name: String
    /// The joint it drives directly, if it drives one.
    public var joint: String?
    public var kind: Kind
    /// Range of its control, nil when unlimited.
    public var controlRange: ClosedRange<Double>?
    /// Index among the model's actuators, and of its control.
    var index: Int
    var controlIndex: Int
  }

  /// The model's own name, or the file's.
  public let name: String
  /// The file it came from.
  public let path: String
  /// The file's text as loaded; files it includes are not in it.
  public let sourceText: String
  /// SHA-256 of `sourceText`, lower-case hex.
  public let sha256: String
  /// What the importer added or dropped, one sentence each; empty for MJCF.
  public let notes: [String]
  /// The physics step, s.
  public let timestep: Double
  /// In the order of the file.
  public let joints: [Joint]
  /// In the order of the file.
  public let actuators: [Actuator]
  /// Names of bodies and sites, in the order of the file.
  public let bodies: [String]
  public let sites: [String]

  let pointer: UnsafeMutablePointer<mjModel>

  init(taking pointer: UnsafeMutablePointer<mjModel>, path: String, sourceText: String, notes: [String]) {
    self.pointer = pointer
    self.path = path
    self.sourceText = sourceText
    self.notes = notes
    let model = pointer.pointee
    let own = model.names.map { String(cString: $0) } ?? ""
    name =
      own.isEmpty || own == "MuJoCo Model"
      ? URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent : own
    var text = sourceText
    sha256 = text.withUTF8 { ContentHash.sha256(UnsafeRawBufferPointer($0)) }
    timestep = model.opt.timestep
    joints = (0..<Int(model.njnt)).map { ModelReading.joint(pointer, $0) }
    actuators = (0..<Int(model.nactuator)).map { ModelReading.actuator(pointer, $0) }
    bodies = (0..<Int(model.nbody)).map { ModelReading.name(pointer, mjOBJ_BODY, $0) }
    sites = (0..<Int(model.nsite)).map { ModelReading.name(pointer, mjOBJ_SITE, $0) }
  }

  deinit { sinew_mujoco_delete_model(pointer) }

  /// The total mass of all bodies, kg.
  public var mass: Double { (0..<Int(pointer.pointee.nbody)).reduce(0) { $0 + pointer.pointee.body_mass[$1] } }

  /// The mass of one body, kg; nil when there is no such body.
  public func mass(ofBody name: String) -> Double? {
    bodies.firstIndex(of: name).map { pointer.pointee.body_mass[$0] }
  }

  /// The joints an arm may have, in the order of the file: hinges and slides that an actuator drives directly.
  public var drivenJoints: [String] {
    joints.filter { joint in
      (joint.kind == .hinge || joint.kind == .slide)
        && actuators.contains {
          guard $0.joint == joint.name else { return false }
          if case .other = $0.kind { return false }
          return true
        }
    }.map(\.name)
  }
}

// MARK: - Version

extension PhysicsModel {
  /// Refuses a MuJoCo library of another version than the headers this program was built with: its structures differ,
  /// and garbage would be read without any error. Every `load` asks this first.
  public static func checkLibraryVersion() throws(SimulationError) {
    try checkLibraryVersion(header: Int(sinew_mujoco_header_version()), library: Int(sinew_mujoco_version()))
  }

  /// The version of the MuJoCo library that is running, such as "4.0.1".
  public static var libraryVersion: String { versionText(Int(sinew_mujoco_version())) }

  static func checkLibraryVersion(header: Int, library: Int) throws(SimulationError) {
    guard header != library else { return }
    throw SimulationError(
      .libraryMismatch,
      "this program was built for MuJoCo \(versionText(header)) but runs with library \(versionText(library)); "
        + "run tools/setup, then build again")
  }

  /// 4000001 is 4.0.1; numbers below one million are the older scheme, 337 = 3.3.7.
  static func versionText(_ number: Int) -> String {
    number >= 1_000_000
      ? "\(number / 1_000_000).\(number / 1000 % 1000).\(number % 1000)"
      : "\(number / 100).\(number / 10 % 10).\(number % 10)"
  }
}
