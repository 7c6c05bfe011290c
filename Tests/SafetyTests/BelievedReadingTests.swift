import ArmModel
import Safety
import Testing

/// Which readings are believed, and which servos count as answering.
@Suite struct BelievedReadingTests {
  /// An armed core of one tick a second whose joints move at most 0.25 rad/s, so that all the bounds are exact: a joint can
  /// be 0.75 rad further in the three periods that it is given. Nothing else of its motion is judged.
  private static func slow() -> HardwareRig {
    var configuration = HardwareRig.configuration(period: 1_000_000_000)
    configuration.limits.velocity = JointVector([0.25, 0.25])
    configuration.limits.upper = JointVector([9, 9])
    configuration.limits.lower = JointVector([-9, -9])
    configuration.monitors.standstillTolerance = .infinity
    configuration.monitors.trackingError = .infinity
    configuration.monitors.obstructedError = .infinity
    let rig = HardwareRig(configuration)
    rig.arm()
    rig.isHeld = true
    return rig
  }

  private static func isBelieved(_ rig: HardwareRig, _ place: Double, joint: Int) -> Bool {
    rig.tick { $0.joints.position[joint] = place }
    return !rig.last.notices.has(.measurementRejected)
  }

  @Test(arguments: [0, 1], [1.0, -1.0]) func `A joint may have moved as far as three periods let it, and no further`(
    joint: Int, side: Double
  ) {
    let rig = Self.slow()
    #expect(rig.last.state == .hold)
    #expect(Self.isBelieved(rig, 0.75 * side, joint: joint))
    #expect(Self.isBelieved(rig, 1.5 * side, joint: joint))
    #expect(!Self.isBelieved(rig, 2.2501 * side, joint: joint))
    #expect(!Self.isBelieved(rig, 0.7499 * side, joint: joint))
    #expect(Self.isBelieved(rig, 0.75 * side, joint: joint))
  }

  @Test(arguments: [0, 1, 2]) func `Ticks without a reading give a joint the more time to move`(missed: Int) {
    for isBeyond in [false, true] {
      for joint in 0..<2 {
        let rig = Self.slow()
        for _ in 0..<missed { rig.tick { $0.readSucceeded = false } }
        let far = 0.75 * Double(missed + 1)
        #expect(Self.isBelieved(rig, isBeyond ? far.nextUp : far, joint: joint) == !isBeyond)
        guard !isBeyond else { continue }
        // Once it is found again it is given no more than it ever was.
        #expect(!Self.isBelieved(rig, far + 0.7501, joint: joint))
        #expect(Self.isBelieved(rig, far + 0.75, joint: joint))
      }
    }
  }

  @Test(arguments: [1, 2], [0, 1]) func `A servo that does not answer has the more time to move, and it alone`(
    silent: Int, joint: Int
  ) {
    for isBeyond in [false, true] {
      let rig = Self.slow()
      for tick in 1...silent { rig.tick { $0.joints.age[joint] = Double(tick) * rig.seconds } }
      #expect(!Self.isBelieved(rig, 0.7501, joint: 1 - joint))
      let other = Self.slow()
      for tick in 1...silent { other.tick { $0.joints.age[joint] = Double(tick) * other.seconds } }
      let far = 0.75 * Double(silent + 1)
      #expect(Self.isBelieved(other, isBeyond ? far.nextUp : far, joint: joint) == !isBeyond)
      guard !isBeyond else { continue }
      #expect(!Self.isBelieved(other, far + 0.7501, joint: joint))
      #expect(Self.isBelieved(other, far + 0.75, joint: joint))
    }
  }

  @Test(arguments: [0, 1]) func `What a silent servo is said to have measured is not news`(joint: Int) {
    let rig = Self.slow()
    rig.tick {
      $0.joints.age[joint] = rig.seconds
      $0.joints.position[joint] = 0.5
    }
    // From where it was last heard, not from there.
    #expect(Self.isBelieved(rig, -1, joint: joint))
  }

  @Test(arguments: [0, 1]) func `Leaps make a fault only in a row`(joint: Int) {
    let rig = HardwareRig()
    rig.run()
    for _ in 0..<4 {
      for _ in 0..<2 {
        #expect(!Self.isBelieved(rig, 3, joint: joint))
        #expect(rig.last.active == .none)
      }
      rig.tick()
      #expect(!rig.last.notices.has(.measurementRejected))
    }
    for leap in 1...3 {
      rig.tick { $0.joints.position[joint] = 3 }
      #expect(rig.last.active.has(.measurementJumped) == (leap == 3))
    }
  }

  @Test(arguments: [0, 1]) func `What was not believed or not read before torque went off counts no more`(joint: Int) {
    let rig = HardwareRig()
    rig.arm()
    for _ in 0..<2 { #expect(!Self.isBelieved(rig, 3, joint: joint)) }
    rig.tick([.disarm])
    rig.ticks(5)
    #expect(rig.last.state == .disarmed)
    for _ in 0..<2 { rig.tick { $0.readSucceeded = false } }
    rig.arm()
    #expect(rig.last.state == .hold && rig.last.active == .none)
    // 2 rad/s for three periods of 5 ms.
    for _ in 0..<2 {
      #expect(!Self.isBelieved(rig, 0.0301, joint: joint))
      #expect(rig.last.active == .none)
    }
    #expect(Self.isBelieved(rig, 0.0299, joint: joint))
  }

  @Test(arguments: [0, 1]) func `After a gap in time the arm is believed where it is, and leaps no more easily`(
    joint: Int
  ) {
    let rig = HardwareRig()
    rig.arm()
    rig.isHeld = true
    for _ in 0..<2 { #expect(!Self.isBelieved(rig, 3, joint: joint)) }
    rig.position = [0.4, -0.4]
    rig.tick { $0.sincePrevious = 20 * rig.period }
    #expect(rig.last.active.has(.timeGap) && rig.last.command.goal == JointVector([0.4, -0.4]))
    for _ in 0..<2 {
      #expect(!Self.isBelieved(rig, 2, joint: joint))
      #expect(!rig.last.active.has(.measurementJumped))
    }
    #expect(Self.isBelieved(rig, rig.position[joint], joint: joint) && rig.last.active == .none)
  }

  @Test func `An arm without torque may be moved as fast as a hand can`() {
    let rig = HardwareRig()
    rig.tick()
    for place in [[1.2, -1.2], [-1.2, 1.2], [0.5, 0.25]] {
      rig.position = place
      #expect(rig.tick().state == .disarmed && rig.last.notices == [] && rig.last.active == .none)
    }
    rig.arm()
    #expect(rig.core.commandedGoal == JointVector([0.5, 0.25]))
  }

  // MARK: Ages

  @Test(arguments: [0, 1]) func `A datum is too old after three periods and after ten, and not before`(joint: Int) {
    for (periods, isOld, isStale) in [
      (3.0, false, false), (3.0.nextUp, true, false), (10.0, true, false), (10.0.nextUp, true, true),
    ] {
      let rig = Self.slow()
      rig.tick { $0.joints.age[joint] = periods }
      #expect(rig.last.notices.has(.observationOld) == isOld, "\(periods)")
      #expect(rig.last.active.has(.observationStale) == isStale, "\(periods)")
    }
  }

  @Test(arguments: [-1e-9, -0.001, -1e300, 1e9, 1.5e9, 1e300], [0, 1])
  func `A datum from the future or from an age ago is no answer`(age: Double, joint: Int) {
    let rig = HardwareRig()
    rig.tick { $0.joints.age[joint] = age }
    #expect(!rig.last.active.has(.jointSilent))
    rig.tick { $0.joints.age[joint] = age }
    #expect(!rig.last.active.has(.jointSilent))
    rig.tick { $0.joints.age[joint] = age }
    #expect(rig.last.active.has(.jointSilent) && rig.last.joints.mask(of: .jointSilent) == 1 << UInt16(joint))
  }

  /// The age of a joint's datum grows by a share of a period in each tick: what is new of it is the rest.
  @Test(arguments: [(0.0, false), (0.6, false), (0.8, false), (0.96, true), (0.999, true), (1, true), (1.2, true)])
  func `A joint answers as long as its data get newer by more than rounding`(growth: Double, isSilent: Bool) {
    let rig = HardwareRig()
    rig.arm()
    var wasSilent = false
    for count in 1...3 {
      rig.tick { $0.joints.age[1] = growth * Double(count) * rig.seconds }
      if rig.last.active.has(.jointSilent) { wasSilent = true }
    }
    #expect(wasSilent == isSilent)
  }

  @Test func `A joint that answers every other tick, or two ticks late, is not silent`() {
    let rig = HardwareRig()
    rig.run()
    for count in 0..<60 {
      rig.tick { $0.joints.age[1] = count.isMultiple(of: 2) ? 0 : rig.seconds }
      #expect(rig.last.active == .none)
    }
    for _ in 0..<60 { #expect(rig.tick { $0.joints.age[1] = 2 * rig.seconds }.active.has(.jointSilent) == false) }
  }
}
