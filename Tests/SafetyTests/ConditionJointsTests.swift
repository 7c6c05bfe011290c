import ArmModel
import Testing

@testable import Safety

/// Which joint a condition is about: what a person needs to find the servo.
@Suite struct ConditionJointsTests {
  /// A running arm whose second joint has something wrong, until the condition shows; then the joints that it is about.
  private func mask(
    of condition: Condition, atMost limit: Int = 60, isHeld: Bool = false,
    _ edit: (HardwareRig, inout SafetyInputs) -> Void = { _, _ in }
  ) -> UInt16? {
    let rig = HardwareRig()
    rig.run()
    rig.isHeld = isHeld
    let ticks = rig.ticks(atMost: limit, { edit(rig, &$0) }) { $0.active.has(condition) }
    return ticks == nil ? nil : rig.last.joints.mask(of: condition)
  }

  @Test(arguments: [
    (JointFaults.overload, Condition.servoOverload), (.overheating, .servoOverload), (.electrical, .servoOverload),
    (.voltage, .servoVoltage), (.sensor, .servoSensor), (.torqueLost, .torqueLost), (.watchdog, .servoWatchdog),
  ])
  func `What a servo reports is about its joint`(faults: JointFaults, condition: Condition) {
    #expect(mask(of: condition) { $1.health.setFaults(faults, of: 1) } == 0b10)
    #expect(mask(of: condition) { $1.health.setFaults(faults, of: 0) } == 0b01)
  }

  @Test func `Both joints are named where both report`() {
    let both = mask(of: .servoVoltage) {
      $1.health.setFaults(.voltage, of: 0)
      $1.health.setFaults(.voltage, of: 1)
    }
    #expect(both == 0b11)
  }

  @Test func `A temperature and a supply beyond their limits are about their joint`() {
    var configuration = HardwareRig.configuration()
    configuration.monitors.highestTemperature = 60
    configuration.monitors.lowestVoltage = 6
    for isHot in [true, false] {
      let rig = HardwareRig(configuration)
      rig.run()
      rig.tick { if isHot { $0.health.temperature[1] = 61 } else { $0.health.voltage[1] = 5.9 } }
      #expect(rig.last.joints.mask(of: isHot ? .servoOverload : .servoVoltage) == 0b10)
    }
  }

  @Test func `Torque that is not confirmed is about no joint where none of them reports it`() {
    #expect(mask(of: .torqueLost) { $1.power = .mixed } == 0)
  }

  @Test func `A silent joint and a mute one are named, and all where nothing can be read`() {
    var age = 0
    let silent = mask(of: .jointSilent) { rig, inputs in
      age += 1
      inputs.joints.age[1] = Double(age) * rig.seconds
    }
    #expect(silent == 0b10)
    age = 0
    let mute = mask(of: .armMute) { rig, inputs in
      age += 1
      inputs.joints.age[1] = Double(age) * rig.seconds
    }
    #expect(mute == 0b10)
    #expect(mask(of: .jointSilent) { $1.readSucceeded = false } == 0b11)
    #expect(mask(of: .observationStale) { $1.joints.age[1] = 11 * $0.seconds } == 0b10)
  }

  @Test func `What cannot have been measured is about its joint`() {
    #expect(mask(of: .measurementInvalid) { $1.joints.velocity[1] = .nan } == 0b10)
    #expect(mask(of: .measurementInvalid) { $1.joints.age[0] = .infinity } == 0b01)
    #expect(mask(of: .measurementJumped) { $1.joints.position[1] += 3 } == 0b10)
  }

  @Test func `A joint that does not follow, pushes, gives way or leaves its range is named`() {
    let stuck = mask(of: .obstructed, atMost: 300, isHeld: true) { $1.joints.effort[1] = 2.9 }
    #expect(stuck.map { $0 & 0b10 != 0 } == true)

    let lagging = HardwareRig()
    lagging.arm()
    lagging.isHeld = true
    for _ in 0..<60 where !lagging.last.active.has(.trackingError) {
      lagging.position[1] -= 0.02
      lagging.tick()
    }
    #expect(
      lagging.last.joints.mask(of: .trackingError) == 0b10 || lagging.last.joints.mask(of: .standstillLost) == 0b10)

    let sagging = HardwareRig()
    sagging.arm()
    sagging.isHeld = true
    sagging.position[1] -= 0.02
    sagging.ticks(2)
    for _ in 0..<4 {
      sagging.position[1] -= 0.02
      sagging.tick()
    }
    #expect(sagging.ticks(atMost: 60) { $0.active.has(.standstillLost) } != nil)
    #expect(sagging.last.joints.mask(of: .standstillLost) == 0b10)

    let outside = HardwareRig()
    outside.position = [0, -1.45]
    outside.arm()
    outside.isHeld = true
    for place in [-1.475, -1.5, -1.521] {
      outside.position[1] = place
      outside.tick()
    }
    #expect(outside.last.active.has(.outsideLimits) && outside.last.joints.mask(of: .outsideLimits) == 0b10)
  }

  @Test func `A joint that moves while torque comes on is named`() {
    let rig = HardwareRig()
    rig.tick()
    rig.tick([.arm])
    rig.tick()
    rig.isHeld = true
    rig.position[1] += 0.031
    rig.tick()
    #expect(rig.last.active.has(.armingDrifted) && rig.last.joints.mask(of: .armingDrifted) == 0b10)
  }

  @Test func `What is latched stays about its joints when the cause is gone, and a reset forgets them`() {
    let rig = HardwareRig()
    rig.run()
    rig.tick { $0.health.setFaults(.watchdog, of: 1) }
    rig.ticks(30)
    #expect(!rig.last.active.has(.servoWatchdog) && rig.last.latched.has(.servoWatchdog))
    #expect(rig.last.joints.mask(of: .servoWatchdog) == 0b10)
    rig.tick { $0.health.setFaults(.watchdog, of: 0) }
    #expect(rig.last.joints.mask(of: .servoWatchdog) == 0b11)
    rig.inputs.person.enableIsHeld = false
    rig.ticks(5)
    rig.tick([.reset])
    rig.tick()
    #expect(rig.last.latched == .none && rig.last.joints.mask(of: .servoWatchdog) == 0)
  }

  @Test func `What is not about a joint names none`() {
    #expect(mask(of: .armFailed) { $1.armFailed = true } == 0)
    #expect(mask(of: .enableReleased) { $1.person.enableIsHeld = false } == 0)
  }
}
