import ArmModel
import Safety
import Testing

/// How a core is set up: what the set-up of a real arm says, and which numbers are taken.
@Suite struct SetUpTests {
  @Test func `A real arm is set up as its specification has it`() {
    let pose = JointVector([0.1, 0.2])
    for period in [2_000_000, 5_000_000, 10_000_000] as [Int64] {
      let configuration = SafetyConfiguration.hardware(
        limits: SafetyBench.limits(), mode: .position, period: period, proposalPeriod: 3 * period, parkPose: pose)
      #expect(configuration.isHardware && configuration.isSupervised && configuration.judgesTiming)
      // Torque on, then ten ticks without drift.
      #expect(configuration.armingTicks == 10)
      // What goes on without its host ends within two control periods.
      #expect((configuration.residualTime * 1e9 - 2 * Double(period)).magnitude < 1e-3)
      #expect(configuration.parkPose == pose && configuration.envelope == 1.5)
      #expect(configuration.period == period && configuration.proposalPeriod == 3 * period)
      let monitors = configuration.monitors
      #expect(monitors.watchesArm && monitors.clampedShare == 0.5 && monitors.invalidProposals == 3)
    }
  }

  @Test func `A simulated arm is watched by nobody and led without bounds of its own`() {
    let configuration = SafetyConfiguration(
      limits: SafetyBench.limits(), mode: .position, period: 1_000_000, proposalPeriod: 1_000_000, armingTicks: 0,
      judgesTiming: false)
    #expect(!configuration.isHardware && !configuration.isSupervised && !configuration.monitors.watchesArm)
    #expect(configuration.residualTime == .infinity && configuration.envelope == .infinity)
    var bounded = configuration
    bounded.boundResidualMotion()
    #expect((bounded.residualTime - 0.002).magnitude < 1e-15)
  }

  /// What a set-up may say at the edge of what makes sense; a core that refuses it dies.
  @Test func `Numbers at the edge of what is allowed make a core`() {
    let changes: [(inout SafetyConfiguration) -> Void] = [
      { $0.envelope = 1 }, { $0.handoverDistance = 0 }, { $0.handoverTime = 0 }, { $0.parkTime = 1 },
      { $0.residualTime = 1e-9 }, { $0.moveSpeed = 1e-6 }, { $0.monitors.oldPeriods = 0 },
      { $0.monitors.stalePeriods = 0 }, { $0.monitors.jumpPeriods = 0 }, { $0.monitors.outsideTolerance = 0 },
      { $0.monitors.trackingError = 0 }, { $0.monitors.obstructedError = 0 }, { $0.monitors.obstructedReach = 0 },
      { $0.monitors.obstructedEffort = 0 }, { $0.monitors.obstructedSpeed = 0 },
      { $0.monitors.obstructedGrowth = 0 }, { $0.monitors.obstructedLead = 0 },
      { $0.monitors.standstillTolerance = 0 }, { $0.monitors.armingDrift = 0 }, { $0.monitors.dampTorqueShare = 0 },
      { $0.monitors.dampTorqueShare = 1 }, { $0.monitors.busErrorShare = 0 }, { $0.monitors.clampedShare = 0 },
      { $0.monitors.trackingError = .infinity }, { $0.monitors.highestTemperature = -300 },
      { $0.limits.velocity[0] = 1e-9 }, { $0.limits.acceleration[0] = 1e-9 }, { $0.limits.jerk[0] = 1e-9 },
      { $0.limits.effort[0] = 1e-9 }, { $0.limits.upper[0] = $0.limits.lower[0].nextUp },
    ]
    for change in changes {
      var configuration = HardwareRig.configuration()
      change(&configuration)
      #expect(SafetyCore(configuration).state == .boot)
    }
    // What bounds a goal's reach on a real arm of position servos is no bound of a torque arm.
    var torque = HardwareRig.configuration(mode: .effort)
    torque.limits.velocity = JointVector([.infinity, .infinity])
    #expect(SafetyCore(torque).state == .boot)
  }

  @Test func aCoreWhoseJointsMayNotMoveTraps() async {
    await #expect(processExitsWith: .failure) {
      var limits = SafetyBench.limits()
      limits.velocity[0] = 0
      _ = SafetyBench(limits: limits)
    }
    await #expect(processExitsWith: .failure) {
      var limits = SafetyBench.limits()
      limits.jerk[1] = 0
      _ = SafetyBench(limits: limits)
    }
  }

  @Test func `A problem is told of the joint that has it, named or not`() {
    for joint in 0..<3 {
      for names in [[], ["a"], ["a", "b"], ["a", "b", "c"]] {
        let name = joint < names.count ? names[joint] : "joint \(joint)"
        for limit in 0..<5 {
          var limits = SafetyBench.limits(count: 3)
          #expect(limits.problem(jointNames: names) == nil)
          switch limit {
          case 0: limits.lower[joint] = limits.upper[joint]
          case 1: limits.velocity[joint] = 0
          case 2: limits.acceleration[joint] = 0
          case 3: limits.jerk[joint] = -1
          default: limits.effort[joint] = 0
          }
          #expect(limits.problem(jointNames: names)?.hasPrefix("joint '\(name)': ") == true)
        }
      }
    }
  }
}
