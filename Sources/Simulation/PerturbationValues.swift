import Numerics

/// What is perturbed now, by how much: one number per perturbation, in plain bytes for the arm.
struct PerturbationValues: BitwiseCopyable {
  /// Not a number where nothing is perturbed.
  private var values = InlineArray<11, Double>(repeating: .nan)

  @_noLocks
  init() {}

  /// The value in force; the nominal one (NaN for `voltage`, which has none) where nothing is set.
  subscript(name: Perturbations.Name) -> Double {
    @_noLocks get {
      let value = values[name.place]
      guard value.isNaN else { return value }
      switch name {
      case .friction, .gain, .torqueLimit: return 1
      case .voltage: return .nan
      default: return 0
      }
    }
  }

  @_noLocks
  mutating func set(place: Int, to value: Double) { values[place] = value }

  @_noLocks
  func isSet(_ name: Perturbations.Name) -> Bool { !values[name.place].isNaN }
}

/// What each perturbation may be: from a lowest to a highest value, the same where it stays.
struct PerturbationBounds: BitwiseCopyable {
  private var lower = InlineArray<11, Double>(repeating: .nan)
  private var upper = InlineArray<11, Double>(repeating: .nan)

  init() {}

  mutating func set(_ name: Perturbations.Name, to range: ClosedRange<Double>) {
    lower[name.place] = range.lowerBound
    upper[name.place] = range.upperBound
  }

  /// Whether anything is drawn.
  var varies: Bool { Perturbations.Name.allCases.contains { varies($0) } }

  /// Whether this one is drawn.
  func varies(_ name: Perturbations.Name) -> Bool { lower[name.place] < upper[name.place] }

  /// Uniform values from the ranges, in the order of `Name.allCases`; what stays takes nothing from the stream.
  @_noLocks
  func draw(from random: inout RandomStream) -> PerturbationValues {
    var values = PerturbationValues()
    for place in 0..<11 where !lower[place].isNaN {
      let isRange = lower[place] < upper[place]
      values.set(place: place, to: isRange ? random.uniform(from: lower[place], to: upper[place]) : lower[place])
    }
    return values
  }

  /// The ends that set-up has to bear: all lowest, all highest, and a light arm with everything else at its highest.
  var corners: [PerturbationValues] {
    func corner(_ isHighest: (Perturbations.Name) -> Bool) -> PerturbationValues {
      var values = PerturbationValues()
      for name in Perturbations.Name.allCases {
        values.set(place: name.place, to: isHighest(name) ? upper[name.place] : lower[name.place])
      }
      return values
    }
    guard varies else { return [corner { _ in true }] }
    return [corner { _ in false }, corner { _ in true }, corner { $0 != .payload }]
  }

  /// The longest that may be added to the time from a command to its effect, or from a measurement to its arrival, s.
  func longest(_ name: Perturbations.Name) -> Double { upper[name.place].isNaN ? 0 : upper[name.place] }
}

extension Perturbations.Name {
  /// Its place in a list of numbers: the order of `allCases`.
  var place: Int {
    @_noLocks get {
      switch self {
      case .payload: return 0
      case .friction: return 1
      case .gain: return 2
      case .latency: return 3
      case .statusLatency: return 4
      case .backlash: return 5
      case .sensorNoise: return 6
      case .velocityNoise: return 7
      case .droppedPackets: return 8
      case .torqueLimit: return 9
      case .voltage: return 10
      }
    }
  }
}
