import Foundation

@testable import Simulation

/// Models written for what is hard to describe, and the way from a text to a model.
enum DescribedModels {
  /// Loads a text as a file of this name, in a folder that is gone afterwards.
  static func load(_ text: String, as file: String = "model.xml") throws -> PhysicsModel {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-urdf-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent(file)
    try Data(text.utf8).write(to: path)
    return try PhysicsModel.load(path: path.path)
  }

  /// By the names the tests go through.
  static func named(_ name: String) throws -> PhysicsModel {
    switch name {
    case "several joints": return try load(severalJoints)
    case "anchors": return try load(anchors)
    case "slides": return try load(slides)
    default: return try PhysicsModel.named(name)
    }
  }

  static let all = ["reacher", "so101", "several joints", "anchors", "slides"]

  /// Bodies with two, three and four joints of both kinds, references, an orientation in the gimbal case.
  static let severalJoints = """
    <mujoco model="several">
      <compiler angle="radian" autolimits="true"/>
      <worldbody>
        <body name="carriage" pos="0.1 -0.2 0.3" quat="0.3 -0.5 0.7 0.2">
          <joint name="x" type="slide" axis="1 0.2 0" ref="0.3" range="-1 1"/>
          <joint name="turn" type="hinge" axis="0 1 1" ref="-0.7" pos="0.05 0 0.02"/>
          <joint name="lift" type="slide" axis="0 0 1" ref="-0.1" range="-0.5 0.2"/>
          <geom type="box" size="0.05 0.03 0.02"/>
          <body name="head" pos="0 0.1 0" quat="1 0 1 0">
            <joint name="pan" axis="0 0 1" ref="0.4" range="-2 2"/>
            <joint name="tilt" axis="0 1 0" pos="0.01 0.02 0.03" ref="0.2"/>
            <joint name="roll" axis="1 0 0" pos="0.01 0.02 0.03" ref="-1.1"/>
            <joint name="push" type="slide" axis="0.3 -0.4 0.5" ref="0.05"/>
            <geom type="capsule" size="0.01 0.04" pos="0.02 0 0" quat="0.9 0.1 0.2 0.3"/>
            <body name="eye" pos="0.02 0 0" quat="1 0 -1 0"><geom type="sphere" size="0.01"/></body>
          </body>
        </body>
      </worldbody>
    </mujoco>
    """

  /// Joints beside the body's origin, below one another, with fixed bodies between.
  static let anchors = """
    <mujoco>
      <compiler angle="degree"/>
      <worldbody>
        <body name="post" pos="0 0 1" euler="10 20 30"><geom type="cylinder" size="0.02 0.5"/>
          <body name="arm" pos="0.1 0 0" euler="0 90 0">
            <joint name="shoulder" axis="1 2 3" pos="-0.1 0.2 0.3" ref="25" limited="true" range="-170 170"/>
            <geom type="capsule" fromto="0 0 0 0.2 0.1 0" size="0.01"/>
            <body name="bracket" pos="0.2 0.1 0" euler="45 -90 10"><geom type="box" size="0.01 0.01 0.01"/>
              <body name="plate" pos="0.01 0 0"><geom type="box" size="0.01 0.02 0.001"/>
                <body name="hand" pos="0 0.02 0.1" euler="180 0 0">
                  <joint name="wrist" axis="0 0 -1" pos="0 0 0.05"/>
                  <geom type="ellipsoid" size="0.01 0.02 0.03"/>
                  <body name="empty" pos="1 2 3"/>
                </body>
              </body>
            </body>
          </body>
        </body>
      </worldbody>
    </mujoco>
    """

  /// Slides with a reference, with and without limits, and what URDF has no joint for.
  static let slides = """
    <mujoco>
      <compiler angle="radian" autolimits="true"/>
      <worldbody>
        <geom name="wall" type="box" pos="0 1 0" size="1 0.01 1"/>
        <body name="base" pos="0.5 0 0" quat="0 0 1 0"><geom size="0.02"/>
          <body name="mount" pos="0 0.3 0" quat="0.5 0.5 -0.5 0.5"><geom size="0.02"/>
            <body name="slider" pos="0.1 0.2 0.3" quat="0.8 0 0.6 0">
              <joint name="rail" type="slide" axis="0 0.6 0.8" ref="0.25" pos="1 2 3" range="0.1 0.4"/>
              <geom size="0.02"/>
              <body name="free slider" pos="0 0 0.1">
                <joint name="long rail" type="slide" axis="1 0 0" ref="-2"/>
                <geom size="0.02"/>
              </body>
              <body name="ball" pos="0 0 -0.1" quat="0.1 0.2 0.3 0.4">
                <joint name="first" type="slide" axis="0 1 0" pos="0 0.1 0" ref="1"/>
                <joint name="socket" type="ball" pos="0.3 0 0"/>
                <joint name="last" type="slide" axis="0 0 1" ref="-0.5"/>
                <geom size="0.02"/>
              </body>
            </body>
          </body>
        </body>
        <body name="cube" pos="1 1 1" quat="0.6 0 0 0.8"><freejoint name="loose"/><geom type="box" size="0.1 0.1 0.1"/>
          <body name="sticker" pos="0 0 0.1"><joint name="peel" axis="0 1 0" ref="0.5"/><geom size="0.01"/></body>
        </body>
        <body name="marker" mocap="true" pos="0 0 2" quat="0 1 0 0"><geom size="0.01" contype="0" conaffinity="0"/></body>
      </worldbody>
    </mujoco>
    """
}
