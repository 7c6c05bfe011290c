import Configuration
import Foundation

/// What a model of servo is: figures with their sources, read from a YAML file, and the parameters made of them.
public struct ServoProfile: Sendable, Equatable {
  /// One figure of the file.
  public struct Figure: Sendable, Equatable {
    public var name: ServoFigure
    /// In the unit of `name`.
    public var value: Double
    /// Where the number comes from, or from which numbers and how it was estimated.
    public var source: String
    /// Whether it was derived rather than found.
    public var estimated: Bool
  }

  /// Short name, such as "sts3215-7v4".
  public let name: String
  /// One line for people.
  public let title: String
  /// In the order of the file.
  public let figures: [Figure]
  /// What the simulation uses.
  public var parameters: ServoParameters
  /// The file it came from, and its text.
  public let path: String
  public let sourceText: String

  /// One figure's value, nil when the file leaves it out.
  public func value(_ name: ServoFigure) -> Double? { figures.first { $0.name == name }?.value }
}

/// The figures a servo profile may give.
public enum ServoFigure: String, CaseIterable, Sendable {
  case supplyVoltage = "supply_voltage"
  case torqueConstant = "torque_constant"
  case resistance
  case maxDuty = "max_duty"
  case torqueLimit = "torque_limit"
  case armature
  case friction
  case viscous
  case ticksPerTurn = "ticks_per_turn"
  case deadBand = "dead_band"
  case proportionalGain = "proportional_gain"
  case dutyPerRadian = "duty_per_radian"
  case integralGain = "integral_gain"
  case derivativeGain = "derivative_gain"
  case goalSpeed = "goal_speed"
  case goalAcceleration = "goal_acceleration"
  case velocityResolution = "velocity_resolution"
  case commandLatency = "command_latency"
  case statusLatency = "status_latency"
  /// For comparison and display; the simulation does not use these three.
  case stallTorque = "stall_torque"
  case noLoadSpeed = "no_load_speed"
  case backlash

  /// The unit every profile must name, so that a number can't be misread.
  public var unit: String {
    switch self {
    case .supplyVoltage: "V"
    case .torqueConstant: "N·m/A"
    case .resistance: "ohm"
    case .maxDuty, .proportionalGain: "1"
    case .torqueLimit, .friction, .stallTorque: "N·m"
    case .armature: "kg·m²"
    case .viscous: "N·m·s/rad"
    case .ticksPerTurn, .deadBand: "ticks"
    case .dutyPerRadian: "1/rad"
    case .integralGain: "1/(rad·s)"
    case .derivativeGain: "s/rad"
    case .goalSpeed, .velocityResolution, .noLoadSpeed: "rad/s"
    case .goalAcceleration: "rad/s²"
    case .commandLatency, .statusLatency: "s"
    case .backlash: "rad"
    }
  }

  /// Values outside are mistakes of the file.
  var range: ClosedRange<Double> {
    switch self {
    case .supplyVoltage: 1...100
    case .torqueConstant: 1e-4...1000
    case .resistance: 1e-3...1000
    case .maxDuty: 0.01...1
    case .torqueLimit, .stallTorque: 1e-3...10_000
    case .friction: 0...1000
    case .armature: 0...100
    case .viscous: 0...1000
    case .ticksPerTurn: 16...16_777_216
    case .deadBand: 0...1000
    case .proportionalGain: 0...65_535
    case .dutyPerRadian, .integralGain, .derivativeGain: 0...10_000
    case .goalSpeed, .noLoadSpeed: 1e-3...1000
    case .velocityResolution: 0...10
    case .goalAcceleration: 1e-3...100_000
    case .commandLatency, .statusLatency: 0...1
    case .backlash: 0...0.5
    }
  }
}

extension ServoProfile {
  /// The servo profiles that come with Sinew, by name.
  public static var shipped: [String] {
    ["sts3215-7v4", "sts3215-12v", "sts3250", "xl330-m077", "xl330-m288", "xl430-w250", "xm430-w350", "xm540-w270"]
  }

  /// Loads a shipped profile by name, or else a YAML file by path.
  public static func named(_ nameOrPath: String) throws(SimulationError) -> ServoProfile {
    if shipped.contains(nameOrPath) { return try load(path: try Resources.path("servos/\(nameOrPath).yaml")) }
    guard nameOrPath.contains("/") || nameOrPath.contains(".") else {
      throw SimulationError(
        .unknownName,
        "no servo named '\(nameOrPath)'" + Naming.suggestion(nameOrPath, in: shipped)
          + "; shipped: \(shipped.joined(separator: ", ")); or give the path of a servo profile")
    }
    return try load(path: nameOrPath)
  }

  /// Loads a servo profile from a YAML file.
  public static func load(path: String) throws(SimulationError) -> ServoProfile {
    do throws(ConfigurationError) {
      let node = try ConfigurationNode.load(path: path)
      // Already read once, so it is there and it is text.
      return try ServoProfile(node, path: path, sourceText: (try? String(contentsOfFile: path, encoding: .utf8)) ?? "")
    } catch {
      throw SimulationError(.servo, error.description)
    }
  }

  init(_ node: ConfigurationNode, path: String, sourceText: String) throws(ConfigurationError) {
    try node.allowOnly(["name", "title", "figures"])
    name = try node.child("name").string()
    title = try node.child("title").string()
    self.path = path
    self.sourceText = sourceText
    let list = try node.child("figures")
    try list.allowOnly(ServoFigure.allCases.map(\.rawValue))
    var figures: [Figure] = []
    for (key, value) in try list.entries() {
      guard let name = ServoFigure(rawValue: key) else { continue }
      figures.append(try ServoProfile.figure(name, value))
    }
    self.figures = figures
    func required(_ figure: ServoFigure) throws(ConfigurationError) -> Double {
      guard let value = figures.first(where: { $0.name == figure })?.value else {
        throw list.error("the figure '\(figure.rawValue)' is missing; the servo model cannot do without it")
      }
      return value
    }
    func optional(_ figure: ServoFigure) -> Double? { figures.first { $0.name == figure }?.value }

    parameters = ServoParameters(
      supplyVoltage: try required(.supplyVoltage), torqueConstant: try required(.torqueConstant),
      resistance: try required(.resistance),
      proportional: try required(.proportionalGain) * required(.dutyPerRadian))
    let ticks = try required(.ticksPerTurn)
    parameters.ticksPerTurn = ticks
    parameters.deadBand = (optional(.deadBand) ?? 0) * 2 * .pi / ticks
    parameters.maxDuty = optional(.maxDuty) ?? 1
    parameters.torqueLimit = optional(.torqueLimit) ?? .infinity
    parameters.integral = optional(.integralGain) ?? 0
    parameters.derivative = optional(.derivativeGain) ?? 0
    parameters.goalSpeed = optional(.goalSpeed) ?? .infinity
    parameters.goalAcceleration = optional(.goalAcceleration) ?? .infinity
    parameters.velocityResolution = optional(.velocityResolution) ?? 0
    parameters.commandLatency = optional(.commandLatency) ?? 0
    parameters.statusLatency = optional(.statusLatency) ?? 0
    parameters.armature = optional(.armature)
    parameters.friction = optional(.friction)
    parameters.viscous = optional(.viscous)
  }

  private static func figure(_ name: ServoFigure, _ node: ConfigurationNode) throws(ConfigurationError) -> Figure {
    try node.allowOnly(["value", "unit", "source", "estimated"])
    let unit = try node.child("unit")
    guard try unit.string() == name.unit else {
      throw unit.error("the unit of '\(name.rawValue)' must be '\(name.unit)', not '\(try unit.string())'")
    }
    let source = try node.child("source").string()
    guard !source.isEmpty else { throw node.error("'\(name.rawValue)' names no source") }
    return Figure(
      name: name, value: try node.child("value").double(in: name.range), source: source,
      estimated: try node.optional("estimated")?.boolean() ?? false)
  }
}
