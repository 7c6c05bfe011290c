import Tasks
import Testing

/// A mistake in a task, and what the user reads about it.
struct BadTask: Sendable, CustomTestStringConvertible {
  var text: String
  var message: String
  var testDescription: String { message }
}

@Suite struct BadTaskTests {
  static let cases: [BadTask] = [
    BadTask(text: "", message: "t.yaml: is empty; it must hold a YAML document"),
    BadTask(text: "[1, 2]", message: "t.yaml:1:1: expected a mapping (key: value), found a list of 2"),
    BadTask(text: smallTask().replacing("name: small\n", with: ""), message: "t.yaml:1:1: the key 'name' is missing"),
    BadTask(
      text: smallTask().replacing("name: small\n", with: "name: [a]\n"),
      message: "t.yaml:1:7: name: expected a text, found a list of 1"),
    BadTask(
      text: smallTask(extra: "rewards: []"), message: "t.yaml:11:1: unknown key 'rewards'; did you mean 'reward'?"),
    BadTask(text: smallTask(joints: "[]"), message: "t.yaml:3:9: joints: 0 joints, expected 1 … 16"),
    BadTask(text: smallTask(joints: "[a, b, a]"), message: "t.yaml:3:16: joints[2]: 'a' is listed twice"),
    BadTask(
      text: smallTask().replacing("{site: tip}", with: "{sight: tip}"),
      message: "t.yaml:4:16: points.tip: unknown key 'sight'; known: site, body"),
    BadTask(
      text: smallTask().replacing("step_duration: 0.1", with: "step_duration: 0"),
      message: "t.yaml:5:16: step_duration: 0.0 s is no step duration; give seconds, above 0 and at most 10"),
    BadTask(
      text: smallTask().replacing("step_duration: 0.1", with: "step_duration: .nan"),
      message: "t.yaml:5:16: step_duration: expected a finite number, found '.nan'"),
    BadTask(text: smallTask(timeLimit: "-5"), message: "t.yaml:6:13: time_limit: -5 is outside 1 … 10000000"),
    BadTask(
      text: smallTask(timeLimit: "1.5"),
      message: "t.yaml:6:13: time_limit: expected a whole number, found the number 1.5"),
    BadTask(
      text: smallTask(extra: "point_source: last_physic_step"),
      message: "t.yaml:11:15: point_source: unknown value 'last_physic_step'; did you mean 'last_physics_step'?"),
    BadTask(
      text: smallTask(extra: "joint_limits: {c: [0, 1]}"),
      message: "t.yaml:11:16: joint_limits: unknown key 'c'; known: a, b"),
    BadTask(
      text: smallTask(extra: "joint_limits: {a: [1, 0]}"),
      message: "t.yaml:11:19: joint_limits.a: the lower bound 1.0 is not below the upper bound 0.0"),
    BadTask(
      text: smallTask(extra: "joint_limits: {a: [0, 1]}\nreset: {position: {mean: 0.5, half_range: 0.6}}"),
      message: "t.yaml:12:19: reset.position: a may start at 0.5 ± 0.6 rad, outside its joint limits 0.0 … 1.0"),
    BadTask(
      text: smallTask(extra: "reset: {position: {half_range: -1}}"),
      message: "t.yaml:11:32: reset.position.half_range: -1.0 for a is negative; give the half width"),
    BadTask(
      text: smallTask(extra: "reset: {velocity: {mean: [1, 2, 3]}}"),
      message: "t.yaml:11:26: reset.velocity.mean: 3 numbers for 2 components; expected one each for a, b"),
    BadTask(
      text: smallTask().replacing("fixed: [1, 2, 3]", with: "fixed: [1, 2]"),
      message: "t.yaml:7:44: variables.target.distribution.fixed: expected a list of 3 numbers, found a list of 2"),
    BadTask(
      text: smallTask().replacing("fixed: [1, 2, 3]", with: "uniform_bal: {}"),
      message: "t.yaml:7:37: variables.target.distribution: unknown key 'uniform_bal'; did you mean 'uniform_ball'?"),
    BadTask(
      text: smallTask().replacing("fixed: [1, 2, 3]", with: "uniform_disk: {center: [0, 0, 0], radius: 0}"),
      message: "t.yaml:7:79: variables.target.distribution.uniform_disk.radius: 0.0 must be above 0"),
    BadTask(
      text: smallTask().replacing(
        "fixed: [1, 2, 3]", with: "uniform_ball: {center: [0, 0, 0], radius: 1, inner_radius: 2}"),
      message: "t.yaml:7:96: variables.target.distribution.uniform_ball.inner_radius: 2.0 is not below the radius 1.0"),
    BadTask(
      text: smallTask().replacing(
        "fixed: [1, 2, 3]",
        with: "uniform_box: {low: [0, 0, 0], high: [1, 1, 1]}, within: {low: [2, 2, 2], high: [3, 3, 3]}"),
      message:
        "t.yaml:7:36: variables.target.distribution: within and avoid leave 0.0 % of the distribution; at least 2.0 % must remain"
    ),
    BadTask(
      text: smallTask().replacing("[1, 2, 3]}", with: "[1, 2, 3]}, bind: {joints: [a]}"),
      message:
        "t.yaml:7:72: variables.target.bind.joints[0]: 'a' is a joint of the arm itself; bind the variable to a scene joint"
    ),
    BadTask(
      text: smallTask(observation: "[]"), message: "t.yaml:8:14: observation: an observation needs at least one term"),
    BadTask(
      text: smallTask(observation: "[{term: joint_positon}]"),
      message: "t.yaml:8:22: observation[0].term: unknown value 'joint_positon'; did you mean 'joint_position'?"),
    BadTask(
      text: smallTask(observation: "[{term: joint_position, joints: [a, d]}]"),
      message: "t.yaml:8:50: observation[0].joints[1]: unknown joint 'd'; known: a, b"),
    BadTask(
      text: smallTask(observation: "[{term: joint_position, joint: [a]}]"),
      message: "t.yaml:8:38: observation[0]: unknown key 'joint'; did you mean 'joints'?"),
    BadTask(
      text: smallTask(observation: "[{term: joint_position, scale: [1, 2, 3]}]"),
      message: "t.yaml:8:45: observation[0].scale: 3 numbers for 2 components; expected one each for a, b"),
    BadTask(
      text: smallTask(observation: "[{term: joint_position, scale: .inf}]"),
      message: "t.yaml:8:45: observation[0].scale: expected a finite number, found '.inf'"),
    BadTask(
      text: smallTask(observation: "[{term: joint_position, noise: {gaussian: -0.1}}]"),
      message: "t.yaml:8:56: observation[0].noise.gaussian: -0.1 is negative"),
    BadTask(
      text: smallTask(observation: "[{term: joint_position, clip: [1, 1]}]"),
      message: "t.yaml:8:44: observation[0].clip: the lower bound 1.0 is not below the upper bound 1.0"),
    BadTask(
      text: smallTask(observation: "[{term: joint_position, history: 3}]"),
      message:
        "t.yaml:8:15: observation[0]: a history of 3 steps needs its order; add newest_first: true or newest_first: false"
    ),
    BadTask(
      text: smallTask(observation: "[{term: joint_position, history: 1000}]"),
      message: "t.yaml:8:47: observation[0].history: 1000 is outside 1 … 64"),
    BadTask(
      text: smallTask(observation: "[{term: point, point: tpi}]"),
      message: "t.yaml:8:36: observation[0].point: unknown point 'tpi'; did you mean 'tip'?"),
    BadTask(
      text: smallTask(observation: "[{term: variable, variable: goal}]"),
      message: "t.yaml:8:42: observation[0].variable: unknown variable 'goal'; known: target"),
    BadTask(
      text: smallTask(observation: "[{term: variable, variable: target, components: [x, w]}]"),
      message: "t.yaml:8:66: observation[0].components[1]: unknown component 'w'; known: x, y, z"),
    BadTask(
      text: smallTask(observation: "[{term: joint_position_error}]", action: "{mode: effort}"),
      message: "t.yaml:8:15: observation[0]: joint_position_error needs goal positions, but the action commands efforts"
    ),
    BadTask(
      text: smallTask(action: "{mode: torque}"),
      message: "t.yaml:9:16: action.mode: unknown value 'torque'; one of effort, position, position_delta"),
    BadTask(
      text: smallTask(action: "{mode: effort, scale: 0}"),
      message: "t.yaml:9:31: action.scale: a scale of 0 leaves a without command"),
    BadTask(
      text: smallTask(action: "{mode: effort, relative_to: measured}"),
      message: "t.yaml:9:24: action: unknown key 'relative_to'; known: mode, joints, scale, clip, offset"),
    BadTask(
      text: smallTask(action: "{mode: position, clip: [1, -1]}"),
      message: "t.yaml:9:32: action.clip: the lower bound 1.0 is not below the upper bound -1.0"),
    BadTask(text: smallTask(reward: "[]"), message: "t.yaml:10:9: reward: a reward needs at least one term"),
    BadTask(
      text: smallTask(reward: "[{term: constant}]"), message: "t.yaml:10:10: reward[0]: the key 'weight' is missing"),
    BadTask(
      text: smallTask(reward: "[{term: constant, weight: 1}, {term: constant, weight: 2}]"),
      message: "t.yaml:10:39: reward[1]: two reward terms are called 'constant'; tell them apart by name: NAME"),
    BadTask(
      text: smallTask(reward: "[{term: distance, point: tip, to: traget, weight: 1}]"),
      message: "t.yaml:10:43: reward[0].to: unknown variable or point 'traget'; did you mean 'target'?"),
    BadTask(
      text: smallTask(reward: "[{term: distance_exp, point: tip, to: target, weight: 1, width: 0}]"),
      message: "t.yaml:10:73: reward[0].width: 0.0 must be above 0"),
    BadTask(
      text: smallTask(reward: "[{term: success_bonus, weight: 1}]"),
      message:
        "t.yaml:10:10: reward[0]: success_bonus needs a success criterion; add success: {point: …, to: …, within: …}"),
    BadTask(
      text: smallTask(reward: "[{term: joint_limit_proximity, margin: 0.1, weight: 1}]"),
      message: "t.yaml:10:10: reward[0]: a has no joint limit; add joint_limits: {a: [LOWER, UPPER]}"),
    BadTask(
      text: smallTask(extra: "success: {point: tip, to: target, within: -1}"),
      message: "t.yaml:11:43: success.within: -1.0 m can never be reached; give metres above 0"),
    BadTask(
      text: smallTask(extra: "success: {point: tip, to: target, within: 1, hold_steps: 0}"),
      message: "t.yaml:11:58: success.hold_steps: 0 is outside 1 … 1000000"),
    BadTask(
      text: smallTask(extra: "termination: {joint_limit: {margin: 0.1}}"),
      message:
        "t.yaml:11:28: termination.joint_limit: needs joint limits; add joint_limits: {JOINT: [LOWER, UPPER]} to the task"
    ),
    BadTask(
      text: smallTask(extra: "termination: {joint_velocity: {limit: 0}}"),
      message: "t.yaml:11:39: termination.joint_velocity.limit: 0.0 rad/s must be above 0"),
  ]

  @Test(arguments: cases)
  func everyMistakeIsNamedWhereItStands(bad: BadTask) {
    #expect(errorText { _ = try TaskDefinition.parse(text: bad.text, file: "t.yaml") } == bad.message)
  }
}
