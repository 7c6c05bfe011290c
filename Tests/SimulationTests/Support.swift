import ArmModel
import Foundation
import Simulation

/// A folder of files that disappears with the test.
final class Scratch {
  let folder: URL
  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-simulation-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(at: folder) }

  /// Writes a file and gives its path.
  func file(_ name: String, _ text: String) throws -> String {
    let url = folder.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
    return url.path
  }

  func model(_ text: String, name: String = "model.xml") throws -> PhysicsModel {
    try PhysicsModel.load(path: try file(name, text))
  }
}

enum Models {
  /// A point mass on a massless rod at a horizontal hinge, motor of 1 N·m per unit; zero is level.
  static func pendulum(
    mass: Double = 0.4, length: Double = 0.15, armature: Double = 0, timestep: Double = 0.002, extra: String = ""
  ) -> String {
    """
    <mujoco>
      <option timestep="\(timestep)" integrator="implicitfast"/>
      <worldbody>
        <body name="rod">
          <joint name="hinge" axis="0 -1 0" armature="\(armature)"/>
          <geom type="sphere" size="0.005" pos="\(length) 0 0" mass="\(mass)" contype="0" conaffinity="0"/>
          <site name="tip" pos="\(length) 0 0"/>
          <body name="load" pos="\(length) 0 0"><inertial pos="0 0 0" mass="1e-6" diaginertia="1e-9 1e-9 1e-9"/></body>
        </body>
        \(extra)
      </worldbody>
      <actuator><motor name="hinge" joint="hinge"/></actuator>
    </mujoco>
    """
  }
}

/// A recorded run of one joint.
struct Trace {
  var time: [Double] = []
  var position: [Double] = []
  var velocity: [Double] = []
  var effort: [Double] = []
  var age: [Double] = []

  var last: Double { position.last ?? .nan }
  /// First time at which `condition` holds for a position.
  func first(_ condition: (Double) -> Bool) -> Double? {
    zip(time, position).first { condition($0.1) }?.0
  }
}

extension SimulatedArm {
  /// Holds one goal for every joint for `seconds`, and records joint `joint`.
  mutating func run(goal: [Double], seconds: Double, joint: Int = 0) throws -> Trace {
    var trace = Trace()
    var state = JointState(count: jointCount)
    for _ in 0..<Int((seconds / controlPeriod).rounded()) {
      try write(JointCommand(mode: mode, goal: JointVector(goal), stamp: 0))
      try read(into: &state, now: 0)
      trace.time.append(time)
      trace.position.append(state.position[joint])
      trace.velocity.append(state.velocity[joint])
      trace.effort.append(state.effort[joint])
      trace.age.append(state.age[joint])
    }
    return trace
  }
}
