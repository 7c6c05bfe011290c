/// What a servo's electronics ask of its motor for one physics step.
public struct ServoDrive: Sendable, Equatable, BitwiseCopyable {
  /// Whether the motor holds its goal; a released shaft moves freely.
  public var isEnergised = false
  /// Where the shaft shall be, rad from the position of encoder `zeroTicks`, unbounded; for modes without a goal
  /// position it moves with the wanted speed.
  public var goal = 0.0
  /// The part of its largest torque that it may use, 0 … 1.
  public var torqueFraction = 1.0

  /// Released, at 0.
  public init() {}
}

/// What the motor and its encoder show after a physics step.
public struct ShaftState: Sendable, Equatable, BitwiseCopyable {
  /// rad, unbounded.
  public var position: Double
  /// rad/s.
  public var velocity: Double
  /// Torque as a part of the largest, -1 … 1.
  public var load: Double

  /// A shaft at rest, unless told otherwise.
  public init(position: Double = 0, velocity: Double = 0, load: Double = 0) {
    self.position = position
    self.velocity = velocity
    self.load = load
  }
}

/// What the servos' shafts do: the world behind a virtual bus, in fixed steps of the bus's time.
public protocol ServoPhysics: AnyObject {
  /// Number of shafts; the bus has one servo for each, in the same order.
  var count: Int { get }
  /// The step, ns of bus time.
  var stepNanoseconds: Int64 { get }
  /// Where the shafts are at first.
  var initialStates: [ShaftState] { get }
  /// Moves everything on by one step.
  func step(_ drives: [ServoDrive], states: inout [ShaftState])
}
