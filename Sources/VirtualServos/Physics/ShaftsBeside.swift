/// A world, and independent shafts beside it that it knows nothing of: those of servos that are on the bus and not in the
/// arm.
///
/// The world's shafts come first. Before the first step all stand where they start.
public final class ShaftsBeside: ServoPhysics {
  /// What moves the first shafts.
  public let world: any ServoPhysics
  private let others: IndependentJoints
  private var inner: [ShaftState]
  private var outer: [ShaftState]

  /// `joints` are the shafts beside the world.
  public init(_ world: any ServoPhysics, joints: [IndependentJoints.Joint]) {
    self.world = world
    others = IndependentJoints(joints, stepNanoseconds: world.stepNanoseconds)
    inner = world.initialStates
    outer = others.initialStates
  }

  public var count: Int { world.count + others.count }
  public var stepNanoseconds: Int64 { world.stepNanoseconds }
  public var initialStates: [ShaftState] { world.initialStates + others.initialStates }

  public func step(_ drives: [ServoDrive], states: inout [ShaftState]) {
    world.step(Array(drives.prefix(world.count)), states: &inner)
    others.step(Array(drives.dropFirst(world.count)), states: &outer)
    states = inner + outer
  }
}
