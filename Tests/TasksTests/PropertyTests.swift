import ArmModel
import Configuration
import Numerics
import Tasks
import TestSupport
import Testing

extension RandomStream {
  fileprivate mutating func below(_ limit: Int) -> Int { Int(bits() % UInt64(limit)) }
  fileprivate mutating func oneOf(_ options: [String]) -> String { options[below(options.count)] }
  fileprivate mutating func number() -> Double { (uniform(from: -300, to: 300)).rounded() / 100 }
}

/// What holds for every task that loads.
@Suite struct TaskPropertyTests {
  /// A random valid task over one to four joints, two points and two variables.
  func randomTask(_ random: inout RandomStream) -> String {
    let joints = ["a", "b", "c", "d"].prefix(1 + random.below(4))
    let position = random.below(2) == 0
    func list(_ names: [String]) -> String { "[\(names.joined(separator: ", "))]" }
    var observation: [String] = []
    for _ in 0...random.below(8) {
      var fields: [String]
      switch random.below(6) {
      case 0...1:
        let kinds = ["joint_position", "joint_position_cos", "joint_position_sin", "joint_velocity", "joint_effort"]
        fields = ["term: \(random.oneOf(kinds + (position ? ["joint_position_error"] : [])))"]
        if random.below(2) == 0 { fields.append("joints: [\(random.oneOf(Array(joints)))]") }
      case 2: fields = ["term: variable", "variable: \(random.oneOf(["v", "w"]))", "components: [z, x]"]
      case 3: fields = ["term: point_minus_variable", "point: p", "variable: v"]
      case 4: fields = ["term: \(random.oneOf(["previous_action", "time_fraction"]))"]
      default: fields = ["term: point_minus_point", "point: p", "other: r"]
      }
      if random.below(3) == 0 { fields.append("scale: \(random.number())") }
      if random.below(3) == 0 { fields.append("offset: \(random.number())") }
      if random.below(3) == 0 { fields.append("clip: [-0.5, 0.75]") }
      if random.below(3) == 0 { fields.append("noise: {\(random.oneOf(["uniform", "gaussian"])): 0.1}") }
      if random.below(3) == 0 {
        fields.append("history: \(1 + random.below(5)), newest_first: \(random.oneOf(["true", "false"]))")
      }
      observation.append("{\(fields.joined(separator: ", "))}")
    }
    var reward: [String] = []
    for index in 0...random.below(6) {
      let kind = random.oneOf([
        "distance, point: p, to: v, norm: manhattan", "distance_tanh, point: r, to: p, width: 0.3",
        "distance_exp, point: p, to: w, width: 0.2", "action_squared", "action_rate_squared", "joint_velocity_squared",
        "joint_power", "joint_limit_proximity, margin: 0.3, joints: [a]", "success_bonus", "failure", "constant",
      ])
      reward.append("{term: \(kind), name: r\(index), weight: \(random.number())}")
    }
    let action =
      position
      ? "{mode: \(random.oneOf(["position", "position_delta"])), scale: 0.4, clip: [-1, 1]}"
      : "{mode: effort, scale: 3, joints: [a]}"
    return """
      name: random
      model: none
      joints: \(list(Array(joints)))
      joint_limits: {a: [-1, 1.5]}
      points: {p: {site: p}, r: {body: r}}
      step_duration: 0.02
      time_limit: 7
      variables:
        v: {distribution: {uniform_ball: {center: [0, 0, 0], radius: 1}}}
        w: {distribution: {uniform_box: {low: [0, 0, 0], high: [1, 2, 3]}}, bind: {mocap: w}}
      reset: {position: {mean: 0.25, half_range: 1}, velocity: {half_range: 0.5}}
      observation: \(list(observation))
      action: \(action)
      reward: \(list(reward))
      success: {point: p, to: v, within: 0.5, judge: \(random.oneOf(["once", "at_end"]))}
      termination: {joint_limit: {margin: 3}}
      """
  }

  @Test func randomTasksWriteExactlyTheirNumbersAndRepeat() throws {
    var random = RandomStream(seed: 77, name: "tasks")
    for _ in 0..<80 {
      let text = randomTask(&random)
      let task = try TaskDefinition.parse(text: text, file: "r.yaml")
      #expect(task.observationNames.count == task.observationCount && task.rewardTermNames.count > 0)
      let first = try run(task, seed: 4)
      #expect(try run(task, seed: 4) == first)
      #expect(try run(task, seed: 5) != first)
    }
  }

  /// Plays two episodes of random actions and states; returns every number that came out.
  func run(_ task: TaskDefinition, seed: UInt64) throws -> [Double] {
    var evaluator = task.makeEvaluator(noiseSeed: seed)
    var random = RandomStream(seed: seed, name: "run")
    var result: [Double] = []
    let sentinel = -12345.0
    var observation = [Double](repeating: sentinel, count: task.observationCount + 1)
    var terms = [Double](repeating: sentinel, count: task.rewardTermNames.count + 1)
    for _ in 0..<2 {
      evaluator.beginEpisode(random: &random)
      #expect(evaluator.resetPosition.array.allSatisfy { $0 >= -0.75 && $0 <= 1.25 })
      result += evaluator.resetPosition.array
      var joints = jointState(evaluator.resetPosition.array, velocity: evaluator.resetVelocity.array)
      for step in 1...7 {
        let points = pointSet((0..<2).map { _ in Vector3(random.uniform(), random.uniform(), random.uniform()) })
        evaluator.observe(joints, points: points, into: &observation)
        #expect(observation.last == sentinel && observation.dropLast().allSatisfy { $0.isFinite })
        let action = task.actionNames.map { _ in random.uniform(from: -1.5, to: 1.5) }
        var command = JointCommand(mode: .position, goal: JointVector([]), stamp: 0)
        evaluator.command(action: action, joints: joints, into: &command)
        #expect(command.goal.count == task.joints.count && command.goal.isFinite)
        if command.mode == .position { #expect(command.goal[0] >= -1 && command.goal[0] <= 1.5) }
        for index in task.joints.indices { joints.position[index] += random.uniform(from: -0.1, to: 0.1) }
        let sum = evaluator.reward(action: action, joints: joints, points: points, terms: &terms)
        #expect(terms.last == sentinel && abs(terms.dropLast().reduce(0, +) - sum) < 1e-9)
        let outcome = evaluator.outcome(joints: joints, points: points)
        #expect(outcome.truncated == (step == 7) && !outcome.terminated)
        result += observation.dropLast() + command.goal.array + terms.dropLast()
      }
    }
    return result
  }

  @Test(arguments: ["reach", "reach-hobby6", "reacher-v5"])
  func mutatedTasksEndInATaskOrATypedError(name: String) throws {
    let original = Array(try TaskDefinition.named(name).sourceText.utf8)
    let fragments = [
      "0", "-1", "1e308", ".nan", "[", "]", "{", "}", ":", "\n", "  ", "x", "joint1", "- ", "null", "\"", "9999999",
    ]
    var random = RandomStream(seed: 5, name: "mutations")
    var (loaded, refused) = (0, 0)
    for _ in 0..<300 {
      var bytes = original
      for _ in 0...random.below(4) {
        let position = random.below(bytes.count)
        switch random.below(3) {
        case 0:
          bytes.replaceSubrange(
            position..<min(position + 1 + random.below(4), bytes.count), with: random.oneOf(fragments).utf8)
        case 1: bytes.insert(contentsOf: random.oneOf(fragments).utf8, at: position)
        default: bytes.removeSubrange(position..<min(position + 1 + random.below(30), bytes.count))
        }
      }
      do throws(ConfigurationError) {
        let task = try TaskDefinition.parse(text: String(decoding: bytes, as: UTF8.self), file: "m.yaml")
        loaded += 1
        var evaluator = task.makeEvaluator()
        evaluator.beginEpisode(random: &random)
        let joints = jointState([Double](repeating: 0, count: task.joints.count))
        let points = pointSet(task.points.map { _ in Vector3(0.1, 0.2, 0.3) })
        #expect(evaluator.observation(joints, points).count == task.observationCount)
        #expect(evaluator.goal(task.actionNames.map { _ in 0.5 }, joints).count == task.joints.count)
        #expect(
          evaluator.rewards(task.actionNames.map { _ in 0.5 }, joints, points).terms.count == task.rewardTermNames.count
        )
        _ = evaluator.outcome(joints: joints, points: points)
      } catch {
        refused += 1
        #expect(error.description.hasPrefix("m.yaml") && !error.description.contains("\n"))
      }
    }
    #expect(loaded > 20 && refused > 20)
  }

  @Test(
    .enabled(if: AllocationCount.isAvailable, "this program's allocator cannot be counted"),
    arguments: ["reach", "reach-hobby6", "reacher-v5"])
  func aStepAllocatesNothing(name: String) throws {
    let task = try TaskDefinition.named(name)
    var evaluator = task.makeEvaluator()
    var random = RandomStream(seed: 1)
    let joints = jointState([Double](repeating: 0.1, count: task.joints.count))
    let points = pointSet([Vector3(0.2, 0.1, 0.1)])
    var observation = [Double](repeating: 0, count: task.observationCount)
    var terms = [Double](repeating: 0, count: task.rewardTermNames.count)
    let action = [Float](repeating: 0.3, count: task.actionCount)
    var command = JointCommand(mode: .position, goal: JointVector(repeating: 0, count: task.joints.count), stamp: 0)
    var total = 0.0
    func play(_ steps: Int) {
      observation.withUnsafeMutableBufferPointer { observation in
        terms.withUnsafeMutableBufferPointer { terms in
          action.withUnsafeBufferPointer { action in
            guard let o = observation.baseAddress, let t = terms.baseAddress, let a = action.baseAddress else { return }
            for step in 0..<steps {
              if step % 50 == 0 { evaluator.beginEpisode(random: &random) }
              evaluator.observe(joints, points: points, into: o)
              evaluator.command(action: a, joints: joints, into: &command)
              total += evaluator.reward(action: a, joints: joints, points: points, terms: t)
              if evaluator.outcome(joints: joints, points: points).success { total += 1 }
            }
          }
        }
      }
    }
    play(100)
    #expect(AllocationCount.during { play(10_000) } == AllocationCount(allocations: 0, frees: 0))
    #expect(total.isFinite && total != 0)
  }
}
