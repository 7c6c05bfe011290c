import ArmModel
import Foundation
import Numerics
import Simulation
import Testing
import TestSupport

/// Gymnasium's Reacher-v5 on MuJoCo 4.0.0, row by row, from what this module offers: joint readings of the arm, a target
/// as bound variable, points as the last physics step left them.
@Suite("Reacher-v5 parity", .enabled(if: Fixtures.areAvailable))
struct ReacherParityTests {
  /// One row of a fixture file by column name.
  struct Row {
    let columns: [String: Int]
    let values: [Double]
    func callAsFunction(_ name: String) -> Double { columns[name].map { values[$0] } ?? .nan }
    func vector(_ name: String, _ range: Range<Int>) -> [Double] { range.map { self("\(name)\($0)") } }
  }

  static func rows(_ file: String) throws -> [Row] {
    let text = try String(contentsOf: Fixtures.url("parity/\(file)"), encoding: .utf8)
    let lines = text.split(whereSeparator: \.isNewline)
    let names = lines[0].split(separator: ",").map(String.init)
    let columns = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    return try lines.dropFirst().map { line in
      Row(columns: columns, values: try line.split(separator: ",").map { try #require(Double($0)) })
    }
  }

  /// The environment's arm with its eyes.
  struct Environment: ~Copyable {
    var arm: SimulatedArm
    var twin: KinematicTwin
    var state = JointState(count: 2)
    var points = PointSet(count: 2)

    init(arm: consuming SimulatedArm, twin: consuming KinematicTwin) {
      self.arm = arm
      self.twin = twin
    }

    static func make() throws -> Environment {
      let model = try PhysicsModel.named("reacher")
      var arm = try SimulatedArm(model: model, joints: ["joint1", "joint2"], controlPeriod: 0.02)
      try arm.bindVariable(.joints(["target_x", "target_y"]))
      let twin = try arm.makeTwin(points: [("fingertip", .body), ("target", .body)], source: .lastPhysicsStep)
      return Environment(arm: arm, twin: twin)
    }

    mutating func reset(_ row: Row) throws {
      arm.setVariable(0, Vector3(row("qpos2"), row("qpos3"), 0))
      try arm.reset(
        position: JointVector(row.vector("qpos", 0..<2)), velocity: JointVector(row.vector("qvel", 0..<2)))
      try look()
    }

    mutating func act(_ action: [Double]) throws {
      try arm.write(JointCommand(mode: .effort, goal: JointVector(action.map { $0 * 200 }), stamp: 0))
      try look()
    }

    private mutating func look() throws {
      try arm.read(into: &state, now: 0)
      twin.update(state, into: &points)
    }

    func observation(target: [Double]) -> [Double] {
      let q = state.position.array
      let gap = points[0] - points[1]
      return [cos(q[0]), cos(q[1]), sin(q[0]), sin(q[1])] + target + state.velocity.array + [gap.x, gap.y]
    }

    func reward(_ action: [Double]) -> Double {
      -(points[0] - points[1]).norm - action.reduce(0) { $0 + $1 * $1 }
    }
  }

  static func largest(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).map { ($0 - $1).magnitude }.max() ?? .infinity
  }

  @Test("1,000 single steps reproduce to 1e-9")
  func oneStep() throws {
    let rows = try Self.rows("reacher-v5-mj4.0.0-onestep.csv")
    #expect(rows.count == 1000)
    var environment = try Environment.make()
    var worst = (observation: 0.0, next: 0.0, state: 0.0, reward: 0.0)
    for row in rows {
      let target = row.vector("qpos", 2..<4)
      let action = row.vector("act", 0..<2)
      try environment.reset(row)
      worst.observation = max(
        worst.observation, Self.largest(environment.observation(target: target), row.vector("obs", 0..<10)))
      try environment.act(action)
      worst.next = max(worst.next, Self.largest(environment.observation(target: target), row.vector("nobs", 0..<10)))
      let state = environment.state.position.array + environment.state.velocity.array
      worst.state = max(
        worst.state, Self.largest(state, row.vector("nqpos", 0..<2) + row.vector("nqvel", 0..<2)))
      worst.reward = max(worst.reward, (environment.reward(action) - row("reward")).magnitude)
    }
    #expect(worst.observation <= 1e-9)
    #expect(worst.next <= 1e-9)
    #expect(worst.state <= 1e-9)
    #expect(worst.reward <= 1e-9)
  }

  @Test("20 whole episodes reproduce to 1e-9, the solver's warm start carried from step to step")
  func episodes() throws {
    let rows = try Self.rows("reacher-v5-mj4.0.0-episodes.csv")
    #expect(rows.count == 1000)
    var environment = try Environment.make()
    var worst = (next: 0.0, state: 0.0, reward: 0.0)
    var episodes = 0
    for row in rows {
      if row("t") == 0 {
        try environment.reset(row)
        episodes += 1
      }
      let target = row.vector("qpos", 2..<4)
      let action = row.vector("act", 0..<2)
      try environment.act(action)
      worst.next = max(worst.next, Self.largest(environment.observation(target: target), row.vector("nobs", 0..<10)))
      let state = environment.state.position.array + environment.state.velocity.array
      worst.state = max(
        worst.state, Self.largest(state, row.vector("nqpos", 0..<2) + row.vector("nqvel", 0..<2)))
      worst.reward = max(worst.reward, (environment.reward(action) - row("reward")).magnitude)
    }
    #expect(episodes == 20)
    #expect(worst.next <= 1e-9)
    #expect(worst.state <= 1e-9)
    #expect(worst.reward <= 1e-9)
  }

  @Test("A measured twin differs: these positions are one physics step newer")
  func measuredTwinIsNewer() throws {
    let rows = try Self.rows("reacher-v5-mj4.0.0-onestep.csv")
    var environment = try Environment.make()
    var measured = try environment.arm.makeTwin(points: [("fingertip", .body)], source: .measured)
    var newer = PointSet(count: 1)
    var different = 0
    for row in rows {
      try environment.reset(row)
      measured.update(environment.state, into: &newer)
      #expect((newer[0] - environment.points[0]).norm < 1e-12)
      try environment.act(row.vector("act", 0..<2))
      measured.update(environment.state, into: &newer)
      if (newer[0] - environment.points[0]).norm > 1e-9 { different += 1 }
    }
    #expect(different > 900)
  }
}
