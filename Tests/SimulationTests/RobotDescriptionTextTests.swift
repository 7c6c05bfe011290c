import Foundation
import Numerics
import Testing

@testable import Simulation

@Suite("The text of a URDF description")
struct RobotDescriptionTextTests {
  private func describe(_ inside: String, assets: String = "") throws -> DescribedRobot {
    let text = "<mujoco><asset>\(assets)</asset><worldbody>\(inside)</worldbody></mujoco>"
    return try DescribedRobot(try DescribedModels.load(text).robotDescription)
  }

  @Test("primitive shapes are drawn where they are, in their size")
  func shapes() throws {
    let robot = try describe(
      """
      <body name="b">
        <geom type="sphere" size="0.3" pos="1 2 3"/>
        <geom type="box" size="0.1 0.2 0.3"/>
        <geom type="cylinder" size="0.1 0.4"/>
        <geom type="capsule" size="0.1 0.5" pos="1 0 0" quat="1 1 0 0"/>
        <geom type="ellipsoid" size="0.1 0.2 0.4"/>
      </body>
      """)
    let visuals = try #require(robot.link("b")).visuals
    #expect(visuals.map(\.shape) == ["sphere", "box", "cylinder", "cylinder", "sphere", "sphere", "sphere"])
    let numbers = [[0.3], [0.2, 0.4, 0.6], [0.1, 0.8], [0.1, 1], [0.1], [0.1], [0.2]]
    for (visual, wanted) in zip(visuals, numbers) {
      #expect(zip(visual.numbers, wanted).allSatisfy { ($0 - $1).magnitude < 1e-15 }, "\(visual)")
      #expect(visual.numbers.count == wanted.count)
    }
    #expect(visuals[0].position == [1, 2, 3])
    // The capsule's axis, turned a quarter about x, lies along -y.
    for (visual, wanted) in zip(visuals[3...5], [[1.0, 0, 0], [1, -0.5, 0], [1, 0.5, 0]]) {
      #expect(zip(visual.position, wanted).allSatisfy { ($0 - $1).magnitude < 1e-15 }, "\(visual)")
    }
    #expect(robot.comments.contains { $0.contains("ellipsoid") })
  }

  @Test("planes, meshes and height fields are left out, each with a comment")
  func leftOut() throws {
    let robot = try describe(
      """
      <geom name="floor" type="plane" size="1 1 1"/><geom type="hfield" hfield="hills"/>
      <body name="b"><geom name="shell" type="mesh" mesh="tetra--hedron-"/></body>
      """,
      assets: """
        <mesh name="tetra--hedron-" vertex="0 0 0 1 0 0 0 1 0 0 0 1"/>
        <hfield name="hills" nrow="2" ncol="2" size="1 1 1 1"/>
        """)
    #expect(robot.links.allSatisfy { $0.visuals.isEmpty })
    #expect(robot.comments.contains { $0.contains("'floor' is a plane") })
    #expect(robot.comments.contains { $0.contains("'shell' is the mesh 'tetra- -hedron-'") })
    #expect(robot.comments.contains { $0.contains("height field") })
  }

  @Test("colours are the shape's, or else its material's, and equal ones share a name")
  func colours() throws {
    let robot = try describe(
      """
      <body name="b"><geom size="1" rgba="0.1 0.2 0.3 0.4"/><geom size="1" material="blue"/>
      <geom size="1" material="blue" rgba="1 0 0 1"/><geom size="1"/><geom size="1" rgba="0 0 1 1"/></body>
      """, assets: "<material name='blue' rgba='0 0 1 1'/>")
    let visuals = try #require(robot.link("b")).visuals
    #expect(visuals.map(\.rgba) == ["0.1 0.2 0.3 0.4", "0 0 1 1", "1 0 0 1", "0.5 0.5 0.5 1", "0 0 1 1"])
    #expect(visuals.map(\.material) == ["color_1", "color_2", "color_3", "color_4", "color_2"])
  }

  @Test("names with markup in them survive, also through MuJoCo")
  func markup() throws {
    let name = #"a & b <c> "d" 'e' ü--"#
    let escaped = "a &amp; b &lt;c&gt; &quot;d&quot; &apos;e&apos; ü--"
    let text = """
      <mujoco model="\(escaped)"><worldbody><body name="\(escaped)"><joint name="\(escaped)"/><joint name="2" axis="1 0 0"/>
      <geom name="\(escaped)" type="ellipsoid" size="1 1 1"/></body></worldbody></mujoco>
      """
    let model = try DescribedModels.load(text)
    let robot = try DescribedRobot(model.robotDescription)
    #expect(robot.name == name)
    #expect(robot.links.map(\.name) == ["world", "\(name)_link", name])
    #expect(robot.joints.map(\.name) == [name, "2"])
    let again = try DescribedModels.load(model.robotDescription, as: "r.urdf")
    #expect(again.joints.map(\.name) == [name, "2"])
    #expect(again.bodies.contains(name))
  }

  @Test("missing names are given, and no name is given twice")
  func uniqueNames() throws {
    // Every name that would be generated is taken by something of the model's own.
    let robot = try describe(
      """
      <body><joint/><joint axis="1 0 0"/><geom size="1"/></body>
      <body name="body_1"><joint name="joint_0"/><geom size="1"/>
        <body name="joint_0_2_link"><geom size="1"/></body><body name="fixed"><geom size="1"/></body>
      </body>
      <body name="other"><joint name="fixed_fixed"/><geom size="1"/></body>
      """)
    #expect(
      robot.joints.map(\.name) == [
        "joint_0_2", "joint_1", "joint_0", "joint_0_2_link_fixed", "fixed_fixed_2", "fixed_fixed",
      ])
    #expect(
      robot.links.map(\.name) == [
        "world", "joint_0_2_link_2", "body_1_2", "body_1", "joint_0_2_link", "fixed", "other",
      ])
    #expect(robot.joints[0].child == "joint_0_2_link_2" && robot.joints[1].child == "body_1_2")
    var names = UniqueNames()
    #expect(["a\tb", "a\nb", "a_b", "\u{1}"].map { names.claim($0) } == ["a_b", "a_b_2", "a_b_3", "_"])
  }

  @Test("numbers read back as the same numbers, whole ones without a fraction")
  func numbers() {
    var random = RandomStream(seed: 8, name: "numbers")
    for _ in 0..<100_000 {
      let value = Double(bitPattern: random.bits())
      guard value.isFinite else { continue }
      #expect(Double(MarkupWriter.number(value)) == value)
      #expect(strtod(MarkupWriter.number(value), nil) == value)
    }
    #expect(
      [0, -0.0, 1, -2, 0.1, 1e-7, 1e22].map { MarkupWriter.number($0) } == [
        "0", "0", "1", "-2", "0.1", "1e-07", "1e+22",
      ])
  }

  @Test("the same model gives the same text, and a world without bodies gives one link")
  func determinism() throws {
    for name in DescribedModels.all {
      let model = try DescribedModels.named(name)
      #expect(model.robotDescription == model.robotDescription)
      #expect(model.robotDescription == (try DescribedModels.named(name).robotDescription))
    }
    let robot = try describe("")
    #expect(robot.links.map(\.name) == ["world"] && robot.joints.isEmpty)
  }
}
