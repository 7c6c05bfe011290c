import CSystem

/// Turns an axis's raw value into a number without unit.
///
/// The centre starts at the middle of the range, or where it was measured, and may be learned: see `learn`.
struct AxisScale: Sendable, Equatable {
  private(set) var minimum: Double
  private(set) var maximum: Double
  /// Where the centre is by range or calibration.
  private let nominal: Double
  private(set) var centre: Double
  /// The driver's dead zone as a fraction of the way from the centre to an end, and of the whole range.
  let flatOfHalf: Double
  let flatOfWhole: Double

  /// The farthest that a learned centre may lie from the nominal one, as a fraction of half the range. Smaller than every
  /// dead zone, so that a stick whose centre was learned wrongly still rests inside it.
  static var farthestLearned: Double { 0.06 }

  init(range: AxisRange, calibration: AxisCalibration? = nil) {
    var (low, middle, high) = (
      Double(range.minimum), (Double(range.minimum) + Double(range.maximum)) / 2, Double(range.maximum)
    )
    if let calibration, calibration.minimum < calibration.centre, calibration.centre < calibration.maximum {
      (low, middle, high) = (Double(calibration.minimum), Double(calibration.centre), Double(calibration.maximum))
    }
    minimum = low
    maximum = high
    nominal = middle
    centre = middle
    let whole = Double(range.maximum) - Double(range.minimum)
    let flat = whole > 0 ? min(max(Double(range.flat) / whole, 0), 0.25) : 0
    flatOfWhole = flat
    flatOfHalf = 2 * flat
  }

  /// -1 at the least, 0 at the centre, 1 at the most; 0 for a range without extent.
  func symmetric(_ raw: Int32) -> Double {
    let offset = Double(raw) - centre
    let extent = offset < 0 ? centre - minimum : maximum - centre
    return extent > 0 ? min(max(offset / extent, -1), 1) : 0
  }

  /// 0 at the least, 1 at the most; 0 for a range without extent.
  func unipolar(_ raw: Int32) -> Double {
    let extent = maximum - minimum
    return extent > 0 ? min(max((Double(raw) - minimum) / extent, 0), 1) : 0
  }

  /// Takes a value at which the axis rests for its centre, if it is near enough to the nominal one.
  mutating func learn(rest raw: Int32) {
    let half = min(nominal - minimum, maximum - nominal)
    guard half > 0, abs(Double(raw) - nominal) <= Self.farthestLearned * half else { return }
    centre = Double(raw)
  }
}

/// Dead zones: what counts as "not touched", and how the rest is spread over the whole range again.
public enum DeadZone {
  /// The least radius for sticks, as a fraction of full deflection. The driver's own is often 0.
  public static var stick: Double { 0.10 }
  /// The same for triggers.
  public static var trigger: Double { 0.05 }

  /// A stick with a round dead zone of `radius`: 0 inside, from its edge on rising from 0 to 1, the direction unchanged,
  /// the length at most 1.
  public static func radial(x: Double, y: Double, radius: Double) -> (x: Double, y: Double) {
    let length = sinew_sqrt(x * x + y * y)
    guard length > radius, radius < 1 else { return (0, 0) }
    let scaled = min((length - radius) / (1 - radius), 1)
    return (x / length * scaled, y / length * scaled)
  }

  /// A trigger: 0 up to `width`, from there rising from 0 to 1.
  public static func linear(_ value: Double, width: Double) -> Double {
    guard value > width, width < 1 else { return 0 }
    return min((value - width) / (1 - width), 1)
  }
}
