/// Shafts that more than one servo turns, in a world that knows them once each.
///
/// A shaft is held where any of its servos is under torque, at the middle of what those want; they share its load. Before
/// the first step every servo shows its shaft's start.
public final class SharedShafts: ServoPhysics {
  /// What moves the shafts.
  public let world: any ServoPhysics
  /// The world's shaft of each servo.
  private let shafts: [Int]
  private var drives: [ServoDrive]
  private var inner: [ShaftState]

  /// Servo `i` sits on shaft `shafts[i]` of the world, which has one for each number.
  public init(_ world: any ServoPhysics, shafts: [Int]) {
    precondition(shafts.allSatisfy { (0..<world.count).contains($0) }, "every servo sits on a shaft of the world")
    self.world = world
    self.shafts = shafts
    inner = world.initialStates
    drives = Array(repeating: ServoDrive(), count: world.count)
  }

  public var count: Int { shafts.count }
  public var stepNanoseconds: Int64 { world.stepNanoseconds }
  public var initialStates: [ShaftState] {
    let states = world.initialStates
    return shafts.map { states[$0] }
  }

  public func step(_ drives: [ServoDrive], states: inout [ShaftState]) {
    for shaft in inner.indices { self.drives[shaft] = combined(drives, shaft) }
    world.step(self.drives, states: &inner)
    for (servo, shaft) in shafts.enumerated() { states[servo] = inner[shaft] }
  }

  private func combined(_ drives: [ServoDrive], _ shaft: Int) -> ServoDrive {
    var result = ServoDrive()
    var (pulling, sitting) = (0.0, 0.0)
    var (goal, fraction) = (0.0, 0.0)
    for (servo, drive) in drives.enumerated() where shafts[servo] == shaft {
      sitting += 1
      guard drive.isEnergised, drive.torqueFraction > 0 else { continue }
      pulling += 1
      goal += drive.goal
      fraction += drive.torqueFraction
    }
    guard pulling > 0 else {
      result.torqueFraction = 0
      return result
    }
    result.isEnergised = true
    result.goal = goal / pulling
    result.torqueFraction = fraction / sitting
    return result
  }
}

extension VirtualServoBus {
  /// The joints behind the servos where they know nothing of each other; nil where an arm is simulated.
  public var independentJoints: IndependentJoints? {
    world as? IndependentJoints ?? (world as? SharedShafts)?.world as? IndependentJoints
  }

  /// The simulated arm behind the servos, if there is one.
  var simulatedArm: SimulatedArmPhysics? {
    world as? SimulatedArmPhysics ?? (world as? SharedShafts)?.world as? SimulatedArmPhysics
  }

  /// What moves the shafts, without those that are only beside it.
  private var world: any ServoPhysics { (physics as? ShaftsBeside)?.world ?? physics }
}
