import ArmModel

/// Sticks behind a critically damped filter of second order: what they ask for begins and ends without a jolt.
struct SoftSticks: BitwiseCopyable {
  private(set) var leftX = 0.0
  private(set) var leftY = 0.0
  private(set) var rightX = 0.0
  private(set) var rightY = 0.0
  private(set) var gripper = 0.0
  private var rates: InlineArray<5, Double> = InlineArray(repeating: 0)

  /// The filter's frequency, rad/s: nine tenths of a step after 0.2 s.
  private static var frequency: Double { @_noLocks get { 20 } }

  @_noLocks
  init() {}

  @_noLocks
  mutating func follow(_ input: OperatorInput, period: Double) {
    leftX = soften(leftX, towards: input.leftX, 0, period)
    leftY = soften(leftY, towards: input.leftY, 1, period)
    rightX = soften(rightX, towards: input.rightX, 2, period)
    rightY = soften(rightY, towards: input.rightY, 3, period)
    gripper = soften(gripper, towards: input.gripper, 4, period)
  }

  @_noLocks
  private mutating func soften(_ value: Double, towards wanted: Double, _ index: Int, _ period: Double) -> Double {
    // A device's word is bounded here, whatever it says.
    let target = wanted > 1 ? 1 : (wanted < -1 ? -1 : (wanted.isFinite ? wanted : 0))
    let frequency = SoftSticks.frequency
    rates[index] += (frequency * frequency * (target - value) - 2 * frequency * rates[index]) * period
    return value + rates[index] * period
  }
}
