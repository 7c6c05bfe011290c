import ArmModel
import Safety
import Testing

/// How an arm is taken up: at the start, by arming, after a gap, after it was put elsewhere; and what is let be while it
/// has no torque.
@Suite struct TakingUpTests {
  // MARK: Found under torque

  @Test func `Servos whose goals are no pose of the arm are held where they are`() {
    for goal in [[Double.nan, 0], [0.5], [0, 0, 0]] {
      let rig = HardwareRig()
      rig.inputs.power = .on
      rig.position = [0.2, 0.1]
      rig.inputs.servoGoal = JointVector(goal)
      #expect(rig.tick().command.goal == JointVector([0.2, 0.1]) && rig.last.state == .hold)
    }
  }

  @Test func `Servos that are found hanging under their load may hang there`() {
    let rig = HardwareRig()
    rig.inputs.power = .on
    rig.position = [-0.04, 0]
    rig.inputs.servoGoal = JointVector([0, 0])
    rig.inputs.joints.effort[0] = 1
    rig.tick()
    rig.isHeld = true
    rig.position[0] = -0.06
    #expect(rig.ticks(60).state == .hold && rig.last.latched == .none)
    rig.position[0] = -0.085
    rig.tick()
    rig.position[0] = -0.095
    #expect(rig.ticks(atMost: 30) { $0.active.has(.standstillLost) } != nil)
  }

  // MARK: Arming

  @Test func `An arm may give way by its drift while it is armed, and by its tolerance from there`() {
    let rig = HardwareRig()
    rig.tick()
    rig.tick([.arm])
    rig.ticks(2)
    #expect(rig.last.state == .arming && rig.last.writes)
    rig.isHeld = true
    rig.position[0] = -0.02
    rig.tick()
    // As far as it may, to the last digit.
    rig.position[0] = -rig.core.configuration.monitors.armingDrift
    #expect(rig.ticks(atMost: 20) { $0.state == .hold } != nil && rig.last.active == .none)
    rig.position[0] = -0.05
    rig.tick()
    rig.position[0] = -0.07
    #expect(rig.ticks(60).state == .hold && rig.last.latched == .none)
    rig.position[0] = -0.09
    #expect(rig.ticks(atMost: 30) { $0.active.has(.standstillLost) } != nil)
  }

  @Test func `An arm that sags while torque comes on is held where torque finds it`() {
    let rig = HardwareRig()
    rig.tick()
    rig.tick([.arm]) { $0.power = .energising }
    for _ in 0..<20 {
      rig.position[1] -= 0.01
      rig.tick { $0.power = .energising }
    }
    #expect(rig.ticks(atMost: 20) { $0.state == .hold } != nil)
    #expect((rig.core.commandedGoal[1] + 0.2).magnitude < 1e-9)
  }

  @Test func `Torque may take its time to come on at the second arming as at the first`() {
    let rig = HardwareRig()
    for _ in 0..<2 {
      rig.tick()
      rig.tick([.arm])
      #expect(rig.ticks(20) { $0.power = .energising }.active == .none && rig.last.state == .arming)
      #expect(rig.ticks(atMost: 20) { $0.state == .hold } != nil)
      rig.tick([.disarm])
      rig.ticks(5)
    }
  }

  @Test func `Torque that goes again before the arm was watched long enough begins the watch anew`() {
    let bench = Rig(armingTicks: 10)
    bench.tick([.arm])
    bench.ticks(6)
    #expect(bench.tick { $0.power = .energising }.power == .energise)
    for _ in 0..<10 { #expect(bench.tick().state == .arming) }
    #expect(bench.tick().state == .hold)
  }

  @Test func `An arm without torque may be moved by hand, as far and as fast as a hand can`() {
    let rig = HardwareRig()
    rig.arm()
    rig.tick([.disarm])
    rig.isHeld = true
    for tick in 0..<200 {
      rig.position = tick.isMultiple(of: 20) ? [1.2, -1.2] : [-1, 1]
      #expect(rig.tick().active == .none && rig.last.state == .disarmed && rig.last.notices == [])
    }
    // Even beyond its limits, which is told.
    rig.position = [1.7, 0]
    #expect(rig.tick().active == .none && rig.last.notices == .outsideLimits)
    rig.position = [0.7, 0.7]
    rig.tick()
    rig.isHeld = false
    rig.arm()
    #expect(rig.last.state == .hold && rig.core.commandedGoal == JointVector([0.7, 0.7]))
  }

  // MARK: Put elsewhere

  @Test func `A place that a simulator puts the arm into lasts until the next arming, and no other way`() {
    let place = JointVector([0.3, -0.3])
    let sagged = JointVector([0.28, -0.32])
    /// Where the arm is armed after something happened to it.
    func armed(_ happen: (Rig) -> Void) -> JointVector {
      let bench = Rig()
      bench.inputs.joints.position = sagged
      happen(bench)
      bench.tick([.arm])
      return bench.core.commandedGoal
    }
    #expect(armed { _ = $0.adopt(place) } == place)
    let later = armed { bench in
      bench.tick()
      _ = bench.adopt(place)
      bench.ticks(3)
    }
    #expect(later == place)
    let isForgotten: [(Rig) -> Void] = [
      // By holding it, …
      { bench in
        bench.tick([.arm])
        #expect(bench.adopt(place) && bench.core.state == .hold)
        bench.tick([.disarm])
      },
      // … by an arming that used it up, …
      { bench in
        _ = bench.adopt(place)
        bench.tick([.arm])
        bench.tick([.disarm])
      },
      // … by a fault that was reset, …
      { bench in
        bench.tick()
        _ = bench.adopt(place)
        bench.tick { $0.armFailed = true }
        bench.tick([.reset])
      },
      // … and by a gap, after which the arm is where it is seen; what it does then counts.
      { bench in
        bench.tick()
        _ = bench.adopt(place)
        bench.tick {
          $0.joints.position = place
          $0.sincePrevious = 1_000_000_000
        }
      },
      { bench in
        bench.tick { $0.joints.position = place }
        bench.tick {
          $0.joints.position = place
          $0.sincePrevious = 1_000_000_000
        }
      },
    ]
    for (number, happen) in isForgotten.enumerated() { #expect(armed(happen) == sagged, "way \(number)") }
  }

  @Test func `A watched simulator's arm is believed where it was put, and stands there`() {
    var configuration = HardwareRig.configuration()
    configuration.isHardware = false
    let rig = HardwareRig(configuration)
    rig.arm()
    rig.isHeld = true
    rig.position[0] = -0.03
    rig.tick()
    rig.position[0] = -0.06
    rig.ticks(17)
    #expect(rig.last.active == .none)
    let isAdopted = rig.core.adopt(JointVector([1, -1]))
    rig.position = [1, -1]
    #expect(isAdopted && rig.tick().active == .none && rig.last.notices == [])
    // What it did at the old place is forgotten.
    for place in [0.98, 0.96, 0.94] {
      rig.position[0] = place
      rig.tick()
    }
    #expect(rig.ticks(10).state == .hold && rig.last.latched == .none)
    #expect(rig.ticks(atMost: 30) { $0.active.has(.standstillLost) } != nil)
  }

  @Test func `What a joint did before a gap is forgotten after it`() {
    for isSuspended in [true, false] {
      let rig = HardwareRig()
      rig.arm()
      rig.isHeld = true
      rig.position[0] = -0.03
      rig.tick()
      rig.position[0] = -0.06
      rig.ticks(17)
      #expect(rig.last.active == .none)
      if isSuspended {
        rig.inputs.suspended = 3_000_000_000
        rig.tick()
      } else {
        rig.tick { $0.sincePrevious = 3_000_000_000 }
      }
      #expect(rig.last.state == .hold && rig.core.commandedGoal[0] == -0.06)
      for place in [-0.08, -0.1, -0.12] {
        rig.position[0] = place
        rig.tick()
      }
      #expect(rig.ticks(10).state == .hold && rig.last.latched == .none)
    }
  }

  // MARK: New values

  @Test func `Inputs in which nothing has happened say so`() {
    let inputs = SafetyInputs(count: 3, mode: .position)
    #expect(inputs.requests == .none && inputs.remoteRequests == .none && !inputs.person.isPresent)
    #expect(!inputs.externalStop && !inputs.readSucceeded && !inputs.armFailed && !inputs.writeFailed)
    #expect(inputs.power == .on && inputs.servoGoal.count == 0 && inputs.bus.replies == 0 && inputs.bus.errors == 0)
    for proposal in [inputs.proposal, inputs.personProposal] {
      #expect(proposal.source == .none && proposal.mode == .position && proposal.stamp == 0)
      #expect(proposal.goal == JointVector([0, 0, 0]))
    }
    #expect(inputs.destination.count == 3 && inputs.destination.array.allSatisfy(\.isNaN))
    #expect(inputs.lateness == 0 && inputs.sincePrevious == 0 && inputs.suspended == 0)
  }
}
