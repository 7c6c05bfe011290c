import CSystem
import Numerics

/// How far a tool was from the path that a person asked for, m: to the nearest point of its last stretch, so that the lag
/// of servos along it does not count.
public struct PathError: Sendable, BitwiseCopyable {
  /// Comparisons so far.
  public private(set) var count = 0
  /// The largest distance, m.
  public private(set) var most = 0.0
  private var squares = 0.0

  /// Nothing compared.
  @_noLocks
  public init() {}

  /// Root mean square of the distances, m; 0 when nothing was compared.
  public var rms: Double { count > 0 ? (squares / Double(count)).squareRoot() : 0 }

  @_noLocks
  fileprivate mutating func note(_ distance: Double) {
    count &+= 1
    squares += distance * distance
    if distance > most { most = distance }
  }
}

/// How a tool followed the path that a person asked for.
public struct PathReport: Sendable, BitwiseCopyable {
  /// Length of the path that was asked for, m.
  public fileprivate(set) var length = 0.0
  /// How often the arm could not follow (the end of a joint's range, a singularity) and the comparison began anew.
  public fileprivate(set) var cuts = 0
  /// The tool by the joints' commands: what kinematics and safety core left of the path.
  public fileprivate(set) var commanded = PathError()
  /// The tool by the measured joints: what servos and gravity left of it, too.
  public fileprivate(set) var measured = PathError()

  /// Nothing asked for.
  @_noLocks
  public init() {}
}

/// Sums up the motion that sticks ask for, and compares the measured tool with the last stretch of it.
struct PathMonitor: BitwiseCopyable {
  /// The newest corners of the path, every `spacing` m or more, oldest overwritten.
  private var corners: InlineArray<64, Vector3> = InlineArray(repeating: .zero)
  private var count = 0
  private var next = 0
  private var wanted = Vector3.zero
  private var isGoingOn = false
  private(set) var report = PathReport()

  /// m between two corners: 64 of them are 13 cm of path, far more than servos lag.
  private static var spacing: Double { @_noLocks get { 0.002 } }

  @_noLocks
  init() {}

  /// Begins a new stretch, unless one goes on.
  @_noLocks
  mutating func begin(at position: Vector3) {
    guard !isGoingOn else { return }
    isGoingOn = true
    count = 0
    next = 0
    wanted = position
    append(position)
  }

  /// What the sticks asked for cannot be followed; from `position` on it counts again.
  @_noLocks
  mutating func cut(at position: Vector3) {
    isGoingOn = false
    begin(at: position)
    report.cuts &+= 1
  }

  /// Whether the wanted path has left the tool at `position` further behind than `limit` m.
  @_noLocks
  func hasLeft(_ position: Vector3, limit: Double) -> Bool { isGoingOn && (wanted - position).norm > limit }

  /// The stretch is over: the arm was moved by other means.
  @_noLocks
  mutating func interrupt() { isGoingOn = false }

  /// The sticks asked for a step.
  @_noLocks
  mutating func want(_ step: Vector3) {
    guard isGoingOn else { return }
    wanted = wanted + step
    report.length += step.norm
    let last = corners[(next &+ 63) & 63]
    if (wanted - last).norm >= PathMonitor.spacing { append(wanted) }
  }

  @_noLocks
  private mutating func append(_ position: Vector3) {
    corners[next] = position
    next = (next &+ 1) & 63
    if count < 64 { count &+= 1 }
  }

  /// Compares the tool's places, by the commands and by measurement, with the stretch.
  @_noLocks
  mutating func compare(commanded: Vector3, measured: Vector3) {
    guard isGoingOn else { return }
    report.commanded.note(distance(commanded))
    report.measured.note(distance(measured))
  }

  @_noLocks
  private func distance(_ measured: Vector3) -> Double {
    var nearest = (measured - wanted).norm
    var end = wanted
    for back in 1...count {
      let corner = corners[(next &- back) & 63]
      let distance = PathMonitor.distance(measured, corner, end)
      if distance < nearest { nearest = distance }
      end = corner
    }
    return nearest
  }

  /// From a point to the straight line between two others, m.
  @_noLocks
  private static func distance(_ point: Vector3, _ a: Vector3, _ b: Vector3) -> Double {
    let along = b - a
    let length = along.x * along.x + along.y * along.y + along.z * along.z
    guard length > 0 else { return (point - a).norm }
    let offset = point - a
    let part = (offset.x * along.x + offset.y * along.y + offset.z * along.z) / length
    let bounded = part < 0 ? 0 : (part > 1 ? 1 : part)
    return (offset - along * bounded).norm
  }
}
