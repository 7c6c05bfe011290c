import ArmModel
import Numerics
import Tasks
import Testing

/// What each term of the vocabulary computes.
@Suite struct TermTests {
  let points = pointSet([Vector3(1.3, 2.4, 3), Vector3(1, 1, 1)])

  @Test func observationTermsInOrderWithScaleOffsetAndClip() throws {
    var evaluator = try evaluator(
      smallTask(
        observation: """

            - {term: joint_velocity, joints: [b, a], scale: {a: 10}}
            - {term: joint_effort, joints: [a], offset: 1}
            - {term: joint_position, scale: [2, 3], offset: [0.5, 0], clip: [-1, 1]}
            - {term: point, point: elbow, components: [z]}
            - {term: point_minus_point, point: tip, other: elbow}
            - {term: point_minus_variable, point: tip, variable: target, components: [y, x]}
            - {term: joint_position_error, joints: [b]}
            - {term: time_fraction}
            - {term: previous_action}
          """))
    var random = RandomStream(seed: 1)
    evaluator.beginEpisode(random: &random)
    let joints = jointState([0.1, -0.9], velocity: [4, 5], effort: [6, 7])
    _ = evaluator.goal([0.3, -0.7], joints)
    _ = evaluator.outcome(joints: joints, points: points)
    let numbers = evaluator.observation(joints, points)
    let expected = [5, 40, 7, 0.7, -1, 1, 0.3, 1.4, 2, 0.4, 0.3, 0.2, 0.1, 0.3, -0.7]
    #expect(numbers.count == expected.count)
    for (ours, wanted) in zip(numbers, expected) { #expect(abs(ours - wanted) < 1e-12) }
  }

  @Test func anEpisodeBeginsWithoutPastActionsAndGoals() throws {
    var evaluator = try evaluator(smallTask(observation: "[{term: joint_position_error}, {term: previous_action}]"))
    var random = RandomStream(seed: 1)
    evaluator.beginEpisode(random: &random)
    #expect(evaluator.observation(jointState([0.4, 0.5]), points) == [0, 0, 0, 0])
    _ = evaluator.goal([1, 2], jointState([0.4, 0.5]))
    #expect(evaluator.observation(jointState([0.4, 0.5]), points) == [0.6, 1.5, 1, 2])
    evaluator.beginEpisode(random: &random)
    #expect(evaluator.observation(jointState([0.4, 0.5]), points) == [0, 0, 0, 0])
  }

  @Test(arguments: [true, false])
  func historyIsFilledAtFirstAndThenMovesOnByOneFrame(newestFirst: Bool) throws {
    let definition = try TaskDefinition.parse(
      text: smallTask(
        observation: "[{term: joint_position, history: 3, newest_first: \(newestFirst)}, {term: joint_velocity}]"),
      file: "t.yaml")
    let ages = newestFirst ? ["", "[t-1]", "[t-2]"] : ["[t-2]", "[t-1]", ""]
    #expect(
      definition.observationNames.prefix(6) == ages.flatMap { ["joint_position.a\($0)", "joint_position.b\($0)"] }[...])
    var evaluator = definition.makeEvaluator()
    var random = RandomStream(seed: 1)
    for _ in 0..<2 {
      evaluator.beginEpisode(random: &random)
      var frames: [[Double]] = []
      for step in 0..<5 {
        let frame = [Double(step) + 0.1, Double(step) + 0.2]
        frames.insert(frame, at: 0)
        if step == 0 { frames = [frame, frame, frame] }
        frames = Array(frames.prefix(3))
        let ordered: [[Double]] = newestFirst ? frames : frames.reversed()
        let expected: [Double] = ordered.flatMap { $0 } + [0, 0]
        #expect(evaluator.observation(jointState(frame), points) == expected)
      }
    }
  }

  @Test func noiseHasItsSizeAndItsSeed() throws {
    let text = smallTask(
      observation: """

          - {term: joint_position, joints: [a], noise: {uniform: 0.5}, scale: 2}
          - {term: joint_position, joints: [a], noise: {gaussian: 0.1}}
        """)
    let definition = try TaskDefinition.parse(text: text, file: "t.yaml")
    var first = definition.makeEvaluator(noiseSeed: 5)
    var same = definition.makeEvaluator(noiseSeed: 5)
    var other = definition.makeEvaluator(noiseSeed: 6)
    var squares = 0.0
    var largest = 0.0
    var differs = false
    for _ in 0..<20_000 {
      let numbers = first.observation(jointState([0, 0]), points)
      #expect(numbers == same.observation(jointState([0, 0]), points))
      if numbers != other.observation(jointState([0, 0]), points) { differs = true }
      largest = max(largest, abs(numbers[0]))
      squares += numbers[1] * numbers[1]
    }
    #expect(differs && largest <= 1 && largest > 0.99)
    // The variance of a sample's variance is 2σ⁴/n; five standard errors.
    #expect(abs(squares / 20_000 - 0.01) < 5 * 0.01 * (2.0 / 20_000).squareRoot())
  }

  @Test func rewardTermsAreWeightedAndSummed() throws {
    var evaluator = try evaluator(
      smallTask(
        extra: "joint_limits: {a: [-1, 1], b: [-2, 2]}\nsuccess: {point: tip, to: target, within: 0.6, hold_steps: 2}",
        reward: """

            - {term: distance, point: tip, to: target, weight: -2}
            - {term: distance, name: manhattan, norm: manhattan, point: tip, to: target, weight: 1}
            - {term: distance, name: squared, norm: squared, point: tip, to: elbow, weight: 1}
            - {term: distance_tanh, point: tip, to: target, width: 0.25, weight: 1}
            - {term: distance_exp, point: tip, to: target, width: 0.25, weight: 1}
            - {term: action_squared, weight: 1}
            - {term: action_squared, name: only_b, joints: [b], weight: 1}
            - {term: action_rate_squared, weight: 1}
            - {term: joint_velocity_squared, weight: 1}
            - {term: joint_effort_squared, weight: 1, joints: [a]}
            - {term: joint_power, weight: 1}
            - {term: joint_deviation_squared, from: {b: 0.5}, weight: 1}
            - {term: joint_limit_proximity, margin: 0.2, weight: 1}
            - {term: success_bonus, weight: 3}
            - {term: failure, weight: -5}
            - {term: constant, weight: 0.25}
          """))
    var random = RandomStream(seed: 1)
    evaluator.beginEpisode(random: &random)
    let joints = jointState([0.9, -0.5], velocity: [2, -3], effort: [0.5, 4])
    _ = evaluator.goal([1, 1], joints)
    _ = evaluator.goal([0.5, 2], joints)
    let first = evaluator.rewards([0.5, 2], joints, points)
    // tip - target is (0.3, 0.4, 0): 0.5 long; tip - elbow is (0.3, 1.4, 2).
    let tanh2 = 0.9640275800758169
    let exp4 = 0.01831563888873418
    let expected: [Double] = [
      -1, 0.7, 6.05, 1 - tanh2, exp4, 4.25, 4, 0.25 + 1, 13, 0.25, 1 + 12, 0.81 + 1, 0.25, 0, 0, 0.25,
    ]
    for (ours, wanted) in zip(first.terms, expected) { #expect(abs(ours - wanted) < 1e-12) }
    #expect(first.terms.count == expected.count)
    #expect(abs(first.sum - first.terms.reduce(0, +)) < 1e-12)
    // The second step within the distance is held long enough for the bonus.
    #expect(!evaluator.outcome(joints: joints, points: points).success)
    #expect(evaluator.rewards([0.5, 2], joints, points).terms[13] == 3)
    #expect(evaluator.outcome(joints: joints, points: points).success)
    #expect(evaluator.rewards([0.5, 2], jointState([.nan, 0]), points).terms[14] == -5)
  }

  @Test func floatAndDoubleActionsAgree() throws {
    var evaluator = try evaluator(smallTask(reward: "[{term: action_squared, weight: 1}]"))
    var terms = [0.0]
    let joints = jointState([0, 0])
    let narrow = evaluator.reward(action: [Float(0.5), Float(-0.25)], joints: joints, points: points, terms: &terms)
    #expect(narrow == evaluator.rewards([0.5, -0.25], joints, points).sum && narrow == 0.3125)
  }
}

/// From actions to goals.
@Suite struct ActionTests {
  @Test func positionIsOffsetPlusScaleTimesActionWithinLimits() throws {
    var evaluator = try evaluator(
      smallTask(
        extra: "joint_limits: {a: [-1, 1]}\nreset: {position: {mean: {b: 0.3}}}",
        action: "{mode: position, joints: [a], scale: 0.5, offset: 0.25, clip: [-2, 2]}"))
    let joints = jointState([0, 0])
    #expect(evaluator.goal([1], joints) == [0.75, 0.3])
    #expect(evaluator.goal([-9], joints) == [-0.75, 0.3])
    #expect(evaluator.goal([9], joints) == [1, 0.3])
  }

  @Test func deltasAddToTheLastGoalOrToTheMeasuredPosition() throws {
    for (reference, expected) in [("last_goal", [0.2, 0.3, 0.4]), ("measured", [0.2, 0.2, 0.2])] {
      var evaluator = try evaluator(
        smallTask(joints: "[a]", action: "{mode: position_delta, scale: 0.1, relative_to: \(reference)}"))
      var random = RandomStream(seed: 1)
      evaluator.beginEpisode(random: &random)
      for goal in expected { #expect(abs(evaluator.goal([1], jointState([0.1]))[0] - goal) < 1e-12) }
    }
  }

  @Test func aGoalLeadsTheArmByNoMoreThanTheMaximum() throws {
    var evaluator = try evaluator(
      smallTask(joints: "[a]", action: "{mode: position_delta, scale: 0.1, maximum_lead: 0.25}"))
    for _ in 0..<10 { _ = evaluator.goal([1], jointState([0.5])) }
    #expect(evaluator.goal([1], jointState([0.5])) == [0.75])
    // A stalled arm does not have to unwind the goal first.
    #expect(abs(evaluator.goal([-1], jointState([0.5]))[0] - 0.65) < 1e-12)
  }

  @Test func numbersThatAreNotFiniteGoThroughButAreNotRemembered() throws {
    var evaluator = try evaluator(
      smallTask(
        joints: "[a]", extra: "joint_limits: {a: [-1, 1]}",
        action: "{mode: position_delta, scale: 0.1, clip: [-1, 1], maximum_lead: 0.5}"))
    #expect(evaluator.goal([.nan], jointState([0.2]))[0].isNaN)
    #expect(abs(evaluator.goal([1], jointState([0.2]))[0] - 0.3) < 1e-12)
    #expect(abs(evaluator.goal([.infinity], jointState([0.2]))[0] - 0.4) < 1e-12)
  }

  @Test func mappingAndItsInverseRoundTrip() throws {
    var numbers = RandomStream(seed: 42)
    for _ in 0..<200 {
      let scale = numbers.uniform(from: 0.01, to: 300)
      let offset = numbers.uniform(from: -3, to: 3)
      for mode in ["effort", "position"] {
        var evaluator = try evaluator(
          smallTask(joints: "[a]", action: "{mode: \(mode), scale: \(scale), offset: \(offset)}"))
        let action = numbers.uniform(from: -1, to: 1)
        let goal = evaluator.goal([action], jointState([0]))[0]
        #expect(abs((goal - offset) / scale - action) < 1e-9)
      }
    }
  }

  @Test func effortsOfJointsWithoutActionAreZero() throws {
    var evaluator = try evaluator(
      smallTask(extra: "reset: {position: {mean: 0.4}}", action: "{mode: effort, joints: [b], scale: 2}"))
    #expect(evaluator.goal([1.5], jointState([0.1, 0.1])) == [0, 3])
  }
}

/// The end of an episode.
@Suite struct OutcomeTests {
  let away = pointSet([Vector3(9, 9, 9), .zero])
  let there = pointSet([Vector3(1, 2, 3), .zero])

  func outcomes(_ extra: String, _ steps: [(JointState, PointSet)]) throws -> [StepOutcome] {
    var evaluator = try evaluator(smallTask(extra: extra, timeLimit: "3"))
    var random = RandomStream(seed: 1)
    evaluator.beginEpisode(random: &random)
    return steps.map { evaluator.outcome(joints: $0.0, points: $0.1) }
  }

  @Test func successMustBeHeldAndMayEndTheEpisode() throws {
    let rest = jointState([0, 0])
    let steps = [(rest, there), (rest, away), (rest, there), (rest, there)]
    let held = try outcomes("success: {point: tip, to: target, within: 0.1, hold_steps: 2, ends_episode: true}", steps)
    #expect(held.map { $0.success } == [false, false, false, true])
    #expect(held.map { $0.terminated } == [false, false, false, true])
    // Success in the very step of the time limit: both flags, success as the cause.
    #expect(held[3].truncated && held[3].cause == .success && held[2].cause == .timeLimit)
    let once = try outcomes(
      "success: {point: tip, to: target, within: 0.1, judge: once}", [(rest, there), (rest, away)])
    #expect(once.map { $0.success } == [true, true] && !once[0].terminated)
    let atEnd = try outcomes("success: {point: tip, to: target, within: 0.1}", [(rest, there), (rest, away)])
    #expect(atEnd.map { $0.success } == [true, false])
    #expect(try outcomes("", [(rest, there)])[0].success == false)
  }

  @Test func failuresTerminateAndNameTheirCause() throws {
    func cause(_ extra: String, _ joints: JointState, _ points: PointSet) throws -> StepOutcome.Cause {
      let outcome = try #require(try outcomes(extra, [(joints, points)]).first)
      #expect(outcome.terminated == (outcome.cause != .none) && !outcome.truncated)
      return outcome.cause
    }
    let limits = "joint_limits: {b: [-1, 1]}\ntermination: {joint_limit: {margin: 0.1}}"
    #expect(try cause(limits, jointState([5, 1.05]), away) == .none)
    #expect(try cause(limits, jointState([0, 1.15]), away) == .jointLimit)
    #expect(try cause(limits, jointState([0, -1.15]), away) == .jointLimit)
    let speed = "termination: {joint_velocity: {limit: {a: 2}}}"
    #expect(try cause(speed, jointState([0, 0], velocity: [-2.1, 9]), away) == .jointVelocity)
    #expect(try cause(speed, jointState([0, 0], velocity: [2, 9]), away) == .none)
    let space = "termination: {workspace: {point: tip, low: [0, 0, 0], high: [5, 5, 5]}}"
    #expect(try cause(space, jointState([0, 0]), away) == .workspace)
    #expect(try cause(space, jointState([0, 0]), there) == .none)
    #expect(try cause("", jointState([.infinity, 0]), there) == .notFinite)
    #expect(try cause("", jointState([0, 0], velocity: [0, .nan]), there) == .notFinite)
    #expect(try cause("", jointState([0, 0]), pointSet([Vector3(0, .nan, 0), .zero])) == .notFinite)
  }
}

/// The distributions of the vocabulary.
@Suite struct DistributionTests {
  func draws(_ distribution: String, count: Int = 20_000) throws -> [Vector3] {
    let text = smallTask().replacing("{fixed: [1, 2, 3]}", with: distribution)
    var evaluator = try evaluator(text)
    var random = RandomStream(seed: 9, name: "reset")
    return (0..<count).map { _ in
      evaluator.beginEpisode(random: &random)
      return evaluator.variable(0)
    }
  }

  @Test func ballsAndShellsAreUniformOverVolume() throws {
    let shell = try draws("{uniform_ball: {center: [1, 2, 3], radius: 2, inner_radius: 1}}")
    let radii = shell.map { ($0 - Vector3(1, 2, 3)).norm }
    #expect((radii.min() ?? 0) >= 1 && (radii.max() ?? 9) <= 2 + 1e-12)
    // Half of the volume lies within the cube root of (1 + 8)/2.
    let median = 1.650963624447313
    #expect(abs(Double(radii.count { $0 < median }) / 20_000 - 0.5) < 5 * 0.5 / 20_000.0.squareRoot())
    #expect(abs(Double(shell.count { $0.z > 3 }) / 20_000 - 0.5) < 5 * 0.5 / 20_000.0.squareRoot())
    // Archimedes: the height on a sphere is uniform.
    let low = Double(zip(shell, radii).count { ($0.0.z - 3) / $0.1 < -0.5 }) / 20_000
    #expect(abs(low - 0.25) < 5 * 0.433 / 20_000.0.squareRoot())
  }

  @Test func boxesDisksAndFixedPoints() throws {
    let box = try draws("{uniform_box: {low: [0, 1, 5], high: [2, 1, 7]}}", count: 2000)
    #expect(box.allSatisfy { $0.x >= 0 && $0.x < 2 && $0.y == 1 && $0.z >= 5 && $0.z < 7 })
    let ring = try draws("{uniform_disk: {center: [1, 0, 4], radius: 1, inner_radius: 0.5}}", count: 2000)
    #expect(ring.allSatisfy { $0.z == 4 && (0.5...1.0000001).contains(($0 - Vector3(1, 0, 4)).norm) })
    #expect(try draws("{fixed: [1, 2, 3]}", count: 3) == [Vector3](repeating: Vector3(1, 2, 3), count: 3))
  }

  @Test func whatIsNotWantedIsDrawnAgain() throws {
    let points = try draws(
      "{uniform_box: {low: [-1, -1, 0], high: [1, 1, 0]}, within: {low: [0, -1, 0], high: [1, 1, 0]}, "
        + "avoid: [{center: [0.5, 0.5, 0], radius: 0.3}, {center: [0, 0, 0], radius: 0.2}]}")
    #expect(points.allSatisfy { $0.x >= 0 && ($0 - Vector3(0.5, 0.5, 0)).norm >= 0.3 && $0.norm >= 0.2 })
    #expect(points.contains { $0.y < -0.9 } && points.contains { $0.y > 0.9 })
  }
}
