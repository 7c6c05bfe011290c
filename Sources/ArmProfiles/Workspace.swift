import Configuration

/// The box that an arm stays in: corners in m, in the frame of the arm's model (for the SO-101 that of its base, x ahead,
/// z up). A side that is not given has no wall.
public struct Workspace: Sendable, Equatable {
  /// Lower and upper corner, x, y, z; infinite where there is no wall.
  public var lower = [-Double.infinity, -.infinity, -.infinity]
  public var upper = [Double.infinity, .infinity, .infinity]
  /// Where it was written, for errors.
  public var origin: ConfigurationError

  /// Reads `{x: [lower, upper], y: …, z: …}`.
  init(_ node: ConfigurationNode) throws(ConfigurationError) {
    origin = node.error("workspace")
    let axes = ["x", "y", "z"]
    try node.allowOnly(axes)
    for (place, axis) in axes.enumerated() {
      guard let side = try node.optional(axis), !side.isNull else { continue }
      let ends = try side.doubles(count: 2)
      guard ends[0] < ends[1] else { throw side.error("\(ends[0]) is not below \(ends[1])") }
      (lower[place], upper[place]) = (ends[0], ends[1])
    }
  }
}
