import Configuration

/// Named departures of the simulator from nominal: what a real arm does and the model does not. Nothing is perturbed in
/// a new value. The same perturbations and seed give the same run, byte for byte.
///
/// A perturbation is a number, or a range from which every episode draws another one, uniformly: domain randomisation
/// (Tobin et al., arXiv:1703.06907; Peng et al., arXiv:1710.06537). A policy that was trained on many arms is not fitted to
/// one that does not exist.
public struct Perturbations: Sendable, Equatable {
  /// What can be perturbed.
  public enum Name: String, CaseIterable, Sendable {
    /// A point mass added to a body, kg.
    case payload
    /// Factor on the friction loss and viscous damping of the arm's joints.
    case friction
    /// Factor on the servo's position gain, or on the torque of a plain motor.
    case gain
    /// Added to the time from a command to its effect, s; rounded to whole physics steps.
    case latency
    /// Added to the time from a measurement to its arrival, s; rounded to whole physics steps.
    case statusLatency = "status_latency"
    /// Play between motor and joint, rad, from one side to the other.
    case backlash
    /// Standard deviation of the measured positions, rad.
    case sensorNoise = "sensor_noise"
    /// Standard deviation of the measured velocities, rad/s.
    case velocityNoise = "velocity_noise"
    /// Fraction of commands, and of each joint's answers, that are lost.
    case droppedPackets = "dropped_packets"
    /// Factor on the largest torque of each motor.
    case torqueLimit = "torque_limit"
    /// Supply voltage of the servos instead of the profile's, V.
    case voltage

    /// The unit a value is in; "×" for factors.
    public var unit: String {
      switch self {
      case .payload: "kg"
      case .friction, .gain, .torqueLimit: "×"
      case .latency, .statusLatency: "s"
      case .backlash, .sensorNoise: "rad"
      case .velocityNoise: "rad/s"
      case .droppedPackets: "fraction"
      case .voltage: "V"
      }
    }

    /// The values that make sense.
    public var range: ClosedRange<Double> {
      switch self {
      case .payload: 0...50
      case .friction, .gain: 0...100
      case .latency, .statusLatency: 0...1
      case .backlash: 0...0.5
      case .sensorNoise: 0...1
      case .velocityNoise: 0...10
      case .droppedPackets: 0...0.99
      case .torqueLimit: 0...10
      case .voltage: 0.1...100
      }
    }

    /// The value that perturbs nothing; nil for `voltage`, where the servo's own counts.
    public var nominal: Double? {
      switch self {
      case .friction, .gain, .torqueLimit: 1
      case .voltage: nil
      default: 0
      }
    }
  }

  private var ranges: [Name: ClosedRange<Double>] = [:]
  /// The body that carries the payload; nil = the body of the model's tool site, or of the arm's last joint.
  public private(set) var payloadBody: String?

  /// Nothing perturbed.
  public init() {}

  /// What the value may be: one number, or what episodes draw from; the nominal one (NaN for `voltage`, which has none,
  /// makes it nil) where nothing was set.
  public subscript(name: Name) -> ClosedRange<Double>? { ranges[name] ?? name.nominal.map { $0...$0 } }

  /// Whether `name` was set to something other than nominal.
  public func isSet(_ name: Name) -> Bool { ranges[name] != nil }

  /// Whether nothing is perturbed.
  public var isNominal: Bool { ranges.isEmpty }

  /// Whether episodes differ.
  public var varies: Bool { bounds.varies }

  /// The ranges as plain bytes.
  var bounds: PerturbationBounds {
    var bounds = PerturbationBounds()
    for (name, range) in ranges { bounds.set(name, to: range) }
    return bounds
  }

  /// Sets one value; out of range, or not finite, is an error. `body` is for `payload` alone.
  public mutating func set(_ name: Name, to value: Double, body: String? = nil) throws(SimulationError) {
    guard name.range.contains(value) else { throw outside(name, "\(value)") }
    try set(name, to: value...value, body: body)
  }

  /// Sets what episodes draw from, uniformly. `body` is for `payload` alone.
  public mutating func set(_ name: Name, to range: ClosedRange<Double>, body: String? = nil) throws(SimulationError) {
    guard name.range.contains(range.lowerBound), name.range.contains(range.upperBound) else {
      throw outside(name, Self.text(range))
    }
    guard body == nil || name == .payload else {
      throw SimulationError(.perturbation, "\(name.rawValue): only a payload is put on a body (payload=KG@BODY)")
    }
    let isNominal = name.nominal.map { range == $0...$0 } ?? false
    ranges[name] = isNominal ? nil : range
    if name == .payload { payloadBody = isNominal ? nil : body }
  }

  private func outside(_ name: Name, _ text: String) -> SimulationError {
    SimulationError(
      .perturbation,
      "\(name.rawValue)=\(text): must be from \(name.range.lowerBound) to \(name.range.upperBound) (\(name.unit))")
  }

  /// `0.2`, or `0.0..0.2`.
  private static func text(_ range: ClosedRange<Double>) -> String {
    range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "\(range.lowerBound)..\(range.upperBound)"
  }

  /// What is perturbed, in the order of `Name`: name and value or range as `parse` reads them. For the log's metadata.
  public var entries: [(name: String, value: String)] {
    Name.allCases.compactMap { name in
      ranges[name].map { range in
        let body = name == .payload ? payloadBody.map { "@" + $0 } ?? "" : ""
        return (name.rawValue, Self.text(range) + body)
      }
    }
  }
}

extension Perturbations: CustomStringConvertible {
  /// `payload=0.2@gripper backlash=0.01`, or `none`.
  public var description: String {
    isNominal ? "none" : entries.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
  }
}

// MARK: - Reading

extension Perturbations {
  /// Reads command-line texts: `NAME=VALUE` or `NAME=LOW..HIGH`, and `payload=KG@BODY`. A name given twice is an error.
  public static func parse(_ texts: [String]) throws(SimulationError) -> Perturbations {
    var result = Perturbations()
    var seen: Set<String> = []
    for text in texts {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        throw SimulationError(.perturbation, "'\(text)' is not NAME=VALUE, such as backlash=0.01")
      }
      let name = try name(String(parts[0]))
      guard seen.insert(name.rawValue).inserted else {
        throw SimulationError(.perturbation, "\(name.rawValue) is given twice")
      }
      let value = parts[1].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
      try result.set(name, to: String(value.first ?? ""), body: value.count == 2 ? String(value[1]) : nil)
    }
    return result
  }

  /// Sets a number or `LOW..HIGH`, as text.
  private mutating func set(_ name: Name, to text: String, body: String?) throws(SimulationError) {
    if let number = Double(text) { return try set(name, to: number, body: body) }
    let ends = text.split(separator: "..", omittingEmptySubsequences: false).map { Double($0) }
    guard ends.count == 2, let low = ends[0], let high = ends[1] else {
      throw SimulationError(
        .perturbation, "\(name.rawValue)='\(text)': not a number (\(name.unit)), nor a range such as 0..0.2")
    }
    guard low <= high else {
      throw SimulationError(.perturbation, "\(name.rawValue)=\(text): a range goes from the lower to the higher value")
    }
    try set(name, to: low...high, body: body)
  }

  /// Reads a YAML mapping of names to numbers or `LOW..HIGH`; `payload` may be a mapping of `mass` and `body`.
  public init(_ node: ConfigurationNode) throws(ConfigurationError) {
    self.init()
    try node.allowOnly(Name.allCases.map(\.rawValue))
    for (key, value) in try node.entries() {
      guard let name = Name(rawValue: key) else { continue }
      var number = value
      var body: String?
      if name == .payload, let mass = try? value.child("mass") {
        try value.allowOnly(["mass", "body"])
        number = mass
        body = try value.optional("body")?.string()
      }
      let amount = number.isNumber ? "\(try number.double())" : try number.string()
      do throws(SimulationError) {
        try set(name, to: amount, body: body)
      } catch {
        throw value.error(error.message)
      }
    }
  }

  private static func name(_ text: String) throws(SimulationError) -> Name {
    guard let name = Name(rawValue: text) else {
      let names = Name.allCases.map(\.rawValue)
      throw SimulationError(
        .perturbation,
        "no perturbation named '\(text)'" + Naming.suggestion(text, in: names) + "; there are: "
          + names.joined(separator: ", "))
    }
    return name
  }
}
