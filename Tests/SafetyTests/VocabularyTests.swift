import ArmModel
import Numerics
import Safety
import Testing

/// The tables: conditions, stop classes, states, limits.
@Suite struct Vocabulary {
  /// Number, stop class and latch of every condition: numbers are in logs and never change.
  static let table: [(Condition, UInt8, StopClass, Bool)] = [
    (.stopRequested, 0, .hold, false),
    (.proposalInvalid, 1, .hold, false),
    (.proposalLate, 2, .hold, false),
    (.observationStale, 3, .hold, false),
    (.armMute, 4, .mute, true),
    (.armFailed, 5, .mute, true),
    (.measurementInvalid, 6, .hold, true),
    (.overrunBudgetSpent, 7, .hold, false),
    (.timeGap, 8, .hold, false),
    (.writeFailed, 9, .mute, true),
    (.enableReleased, 10, .hold, false),
    (.operatorLost, 11, .hold, false),
    (.operatorSilent, 12, .hold, false),
    (.operatorEventsLost, 13, .hold, false),
    (.jointSilent, 14, .hold, true),
    (.busErrors, 15, .hold, false),
    (.servoOverload, 16, .damp, true),
    (.servoVoltage, 17, .park, true),
    (.servoSensor, 18, .release, true),
    (.torqueLost, 19, .hold, true),
    (.servoWatchdog, 20, .hold, true),
    (.measurementJumped, 21, .hold, true),
    (.trackingError, 22, .damp, true),
    (.obstructed, 23, .damp, true),
    (.outsideLimits, 24, .hold, false),
    (.collisionPredicted, 25, .hold, false),
    (.clampedTooOften, 26, .hold, false),
    (.proposalsInvalid, 27, .hold, true),
    (.suspended, 28, .hold, false),
    (.standstillLost, 29, .park, true),
    (.armingDrifted, 30, .release, true),
    (.armingTimedOut, 31, .release, true),
    (.emergencyStop, 32, .release, true),
    (.releaseRequested, 33, .release, true),
    (.handoverRefused, 34, .hold, false),
  ]

  @Test func everyConditionHasItsNumberStopClassAndLatch() {
    for (condition, number, stopClass, latches) in Self.table {
      #expect(condition.rawValue == number)
      #expect(condition.stopClass == stopClass)
      #expect(condition.latches == latches)
      let alone = ConditionSet.none.adding(condition)
      #expect(alone.worst == stopClass)
      #expect(alone.latching == (latches ? alone : .none))
      #expect(alone.conditions == [condition])
    }
    #expect(Self.table.map(\.0) == Condition.allCases)
  }

  @Test func everyConditionHasANameOfItsOwnAndAdvice() {
    #expect(Set(Condition.allCases.map(\.name)).count == Condition.allCases.count)
    #expect(Set(Condition.allCases.map(\.advice)).count == Condition.allCases.count)
    for condition in Condition.allCases {
      #expect(!condition.name.isEmpty)
      #expect(!condition.advice.contains("\n"))
    }
  }

  @Test func theWorstOfEverySetOfConditionsIsItsMaximum() {
    var random = RandomStream(seed: 1, name: "sets")
    for _ in 0..<2000 {
      // Few conditions and many of them.
      let all = (UInt64(1) << UInt64(Self.table.count)) - 1
      let bits = random.bits() & (random.uniform() < 0.7 ? random.bits() & random.bits() & random.bits() : ~0) & all
      let set = ConditionSet(rawValue: bits)
      let members = Self.table.filter { bits & (1 << UInt64($0.1)) != 0 }
      #expect(set.worst == members.map { $0.2 }.max() ?? StopClass.none)
      #expect(set.conditions == members.map { $0.0 })
      #expect(set.latching.conditions == members.filter { $0.3 }.map { $0.0 })
    }
  }

  @Test func bitsThatMeanNothingAreNoCondition() {
    let set = ConditionSet(rawValue: ~0 << UInt64(Self.table.count))
    #expect(set.worst == StopClass.none)
    #expect(set.latching == .none)
    #expect(set.conditions.isEmpty)
  }

  @Test func stopClassesAreOrderedBySeverity() {
    let order: [StopClass] = [.none, .hold, .damp, .park, .mute, .release]
    #expect(StopClass.allCases == order)
    for (low, a) in order.enumerated() {
      for (high, b) in order.enumerated() {
        #expect((a < b) == (low < high))
        #expect((a >= b) == (low >= high))
        #expect((a == b) == (low == high))
        #expect((a != b) == (low != high))
      }
    }
    #expect(Set(order.map(\.name)).count == order.count)
  }

  @Test func onlyThreeStatesAreFaults() {
    #expect(SafetyState.allCases.filter(\.isFault) == [.faultHold, .fault, .emergencyStop])
    #expect(SafetyState.allCases.map(\.rawValue) == Array(0...12))
    #expect(Set(SafetyState.allCases.map(\.name)).count == 13)
    #expect(SafetyState.hold != .stopping)
  }

  @Test func requestsAndAlterationsAreSetsOfDistinctBits() {
    let requests: [OperatorRequests] = [
      .arm, .start, .stop, .reset, .yield, .park, .disarm, .release, .move, .takeOver,
    ]
    #expect(requests.reduce(OperatorRequests.none) { $0.adding($1) }.rawValue == 1023)
    #expect(requests.map(\.rawValue) == (0..<10).map { 1 << $0 })
    let alterations: [Alterations] = [
      .position, .velocity, .acceleration, .effort, .overruled, .jerk, .reach, .collision,
    ]
    #expect(alterations.map(\.rawValue) == (0..<8).map { 1 << $0 })
    let notices: [Notices] = [.policyFrozen, .observationOld, .measurementRejected, .outsideLimits]
    #expect(notices.map(\.rawValue) == [1, 2, 4, 8])
  }

  @Test func everyRefusalHasANumberAndATextOfItsOwn() {
    #expect(RefusalReason.allCases.map(\.rawValue) == Array(0...21))
    #expect(Set(RefusalReason.allCases.map(\.text)).count == 22)
    #expect(RefusalReason.none != .notLocal)
  }

  @Test func goodLimitsHaveNoProblem() {
    #expect(SafetyBench.limits().problem(jointNames: ["a", "b"]) == nil)
    #expect(JointLimits(unlimited: 16).problem(jointNames: []) == nil)
    let small = SafetyBench.limits(position: 1e-9, velocity: 1e-9, acceleration: 1e-9, jerk: 1e-9, effort: 1e-9)
    #expect(small.problem(jointNames: ["a", "b"]) == nil)
  }

  @Test func aProblemNamesTheJointTheLimitAndTheValue() {
    let names = ["shoulder", "elbow"]
    var limits = SafetyBench.limits()
    limits.lower[1] = 1.5
    #expect(
      limits.problem(jointNames: names) == "joint 'elbow': lower limit 1.5 rad is not below upper limit 1.5 rad")
    limits = SafetyBench.limits()
    limits.velocity[0] = 0
    #expect(limits.problem(jointNames: names) == "joint 'shoulder': velocity limit (rad/s) must be positive, found 0.0")
    limits = SafetyBench.limits()
    limits.acceleration[1] = -.infinity
    #expect(
      limits.problem(jointNames: []) == "joint 'joint 1': acceleration limit (rad/s²) must be positive, found -inf")
    limits = SafetyBench.limits()
    limits.jerk[0] = 0
    #expect(limits.problem(jointNames: names) == "joint 'shoulder': jerk limit (rad/s³) must be positive, found 0.0")
    limits = SafetyBench.limits()
    limits.effort = JointVector([1])
    #expect(limits.problem(jointNames: names) == "the limits have different numbers of joints")
  }

  @Test("Not a number is no limit", arguments: 0..<6)
  func nanLimits(which: Int) {
    var limits = SafetyBench.limits()
    switch which {
    case 0: limits.lower[0] = .nan
    case 1: limits.upper[0] = .nan
    case 2: limits.velocity[0] = .nan
    case 3: limits.acceleration[0] = .nan
    case 4: limits.jerk[0] = .nan
    default: limits.effort[0] = .nan
    }
    #expect(limits.problem(jointNames: []) != nil)
  }

  @Test func aCoreWithUnusableLimitsTraps() async {
    await #expect(processExitsWith: .failure) {
      var limits = SafetyBench.limits()
      limits.velocity[1] = .nan
      _ = SafetyBench(limits: limits)
    }
    await #expect(processExitsWith: .failure) {
      var limits = SafetyBench.limits()
      limits.lower[1] = limits.upper[1]
      _ = SafetyBench(limits: limits)
    }
    await #expect(processExitsWith: .failure) {
      var limits = SafetyBench.limits()
      limits.effort[0] = 0
      _ = SafetyBench(limits: limits)
    }
    await #expect(processExitsWith: .failure) {
      var limits = SafetyBench.limits()
      limits.acceleration[0] = 0
      _ = SafetyBench(limits: limits)
    }
    await #expect(processExitsWith: .failure) {
      var limits = SafetyBench.limits()
      limits.upper = JointVector([1])
      _ = SafetyBench(limits: limits)
    }
  }

  @Test func aCoreWithoutAPeriodTraps() async {
    await #expect(processExitsWith: .failure) { _ = SafetyBench(period: 0) }
    await #expect(processExitsWith: .failure) { _ = SafetyBench(proposalPeriod: 0) }
  }
}
