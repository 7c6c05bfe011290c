import CEvdev

/// Finds out where each control of an unknown pad comes from, by asking for one after the other. No device, no clock, no
/// terminal: fed with events and times.
///
/// A control counts once it was pressed or pushed far and everything is back at rest: then it is known what moved most. It
/// starts with everything being moved once, because an axis shows 0 until it has reported.
public struct MappingGuide: Sendable {
  /// What is asked of the person now.
  public enum Step: Sendable, Equatable {
    /// Move both sticks and triggers once, then let everything go.
    case loosen
    case control(PadControl)
    /// Move both sticks along their edges.
    case edges
    case done
  }

  /// What came of an event.
  public enum Answer: Sendable, Equatable {
    case found(PadControl, PadSource)
    /// What was pressed cannot be it; the same control is asked for again.
    case refused(String)
    /// The step before is over.
    case advanced
  }

  /// How long everything must rest before it counts as let go, ns.
  static let quietTime: Int64 = 800_000_000
  /// How far an axis must move to count, and how near to its rest it must come back, as fractions of its whole range.
  static let far = 0.3
  static let near = 0.12

  private let capabilities: PadCapabilities
  private var keysDown: Set<UInt16>
  private var values: [UInt16: Int32]
  private var rest: [UInt16: Int32]
  private var extremes: [UInt16: ClosedRange<Int32>] = [:]
  private var reported: Set<UInt16> = []
  private var firstKey: UInt16?
  private var peaks: [UInt16: Double] = [:]
  private var lastEvent: Int64
  private let order: [PadControl]
  private var position = 0
  /// What is known so far.
  public private(set) var sources: [PadControl: PadSource]
  public private(set) var step = Step.loosen

  /// `known` is left out of the questions, to go on where an earlier run stopped.
  public init(
    capabilities: PadCapabilities, keysDown: Set<UInt16>, axisValues: [UInt16: Int32],
    known: [PadControl: PadSource] = [:], now: Int64
  ) {
    self.capabilities = capabilities
    self.keysDown = keysDown
    values = axisValues
    rest = axisValues
    lastEvent = now
    sources = known.filter { $0.value.isThere(in: capabilities) }
    let known = sources
    order = Self.fullOrder.filter { known[$0] == nil }
  }

  private static var fullOrder: [PadControl] {
    [
      .a, .b, .x, .y, .leftShoulder, .rightShoulder, .leftTrigger, .rightTrigger, .back, .start, .guide, .leftStick,
      .rightStick, .up, .down, .left, .right, .leftX, .leftY, .rightX, .rightY,
    ]
  }

  /// How many controls are still to be asked for, this one with them.
  public var remaining: Int { step == .done || step == .edges ? 0 : order.count - position }

  /// Whether the control that is asked for may be left out.
  public var isOptional: Bool {
    guard case .control(let control) = step else { return false }
    return ![.a, .b, .leftShoulder, .rightShoulder, .start, .leftX, .leftY].contains(control)
  }

  /// Takes one event.
  public mutating func take(_ event: PadEvent, now: Int64) -> Answer? {
    if event.type == UInt16(EV_KEY), capabilities.keys.contains(event.code) {
      lastEvent = now
      if event.value != 0 {
        keysDown.insert(event.code)
        if firstKey == nil { firstKey = event.code }
      } else {
        keysDown.remove(event.code)
      }
    } else if event.type == UInt16(EV_ABS), let range = capabilities.axes[event.code] ?? nil {
      // A stick that trembles at rest is at rest.
      if abs(fraction(event.value, values[event.code] ?? 0, range)) > 0.02 { lastEvent = now }
      take(event.code, event.value, range)
    }
    if step == .edges, case .key(event.code) = sources[.a], event.type == UInt16(EV_KEY), event.value == 1 {
      step = .done
      return .advanced
    }
    guard case .control(let control) = step, isAtRest else { return nil }
    return conclude(control)
  }

  private mutating func take(_ code: UInt16, _ value: Int32, _ range: AxisRange) {
    values[code] = value
    reported.insert(code)
    let seen = extremes[code] ?? value...value
    extremes[code] = min(seen.lowerBound, value)...max(seen.upperBound, value)
    let moved = fraction(value, rest[code] ?? 0, range)
    if abs(moved) > abs(peaks[code] ?? 0) { peaks[code] = moved }
  }

  private func fraction(_ value: Int32, _ from: Int32, _ range: AxisRange) -> Double {
    let extent = Double(range.maximum) - Double(range.minimum)
    return extent > 0 ? (Double(value) - Double(from)) / extent : 0
  }

  private var isAtRest: Bool {
    keysDown.isEmpty
      && values.allSatisfy { code, value in
        guard let range = capabilities.axes[code] ?? nil else { return true }
        return abs(fraction(value, rest[code] ?? 0, range)) < Self.near
      }
  }

  /// Lets time pass.
  public mutating func tick(now: Int64) -> Answer? {
    guard step == .loosen, now - lastEvent > Self.quietTime, keysDown.isEmpty else { return nil }
    let sticks = capabilities.axes.keys.filter { !isHat($0) }
    guard reported.count >= min(4, sticks.count) else { return nil }
    rest = values
    extremes = values.mapValues { $0...$0 }
    begin()
    return .advanced
  }

  /// Events were lost: what is held and where the axes are is asked of the kernel anew, the step begins again.
  public mutating func restart(keysDown: Set<UInt16>, axisValues: [UInt16: Int32]) {
    self.keysDown = keysDown
    values = axisValues
    firstKey = nil
    peaks = [:]
  }

  /// Leaves a control out; false when it is needed. Ends the last step, too.
  public mutating func skip() -> Bool {
    switch step {
    case .control where isOptional:
      position += 1
      begin()
    case .edges: step = .done
    default: return false
    }
    return true
  }

  /// Asks for the control before this one again; false at the first.
  public mutating func back() -> Bool {
    guard position > 0, step != .loosen, step != .done else { return false }
    position -= 1
    sources[order[position]] = nil
    begin()
    return true
  }

  private mutating func begin() {
    firstKey = nil
    peaks = [:]
    step = position < order.count ? .control(order[position]) : .edges
  }

  private mutating func conclude(_ control: PadControl) -> Answer? {
    guard firstKey != nil || peaks.values.contains(where: { abs($0) >= Self.far }) else { return nil }
    defer {
      firstKey = nil
      peaks = [:]
    }
    guard let source = source(for: control) else {
      return .refused(control.isStick ? "that was no stick" : "that was not it")
    }
    if let other = sources.first(where: { $0.value == source }) {
      return .refused("that is '\(other.key.rawValue)' already")
    }
    sources[control] = source
    position += 1
    begin()
    return .found(control, source)
  }

  /// What moved, as far as it fits the kind of control.
  private func source(for control: PadControl) -> PadSource? {
    let moved = peaks.filter { abs($0.value) >= Self.far }.max { abs($0.value) < abs($1.value) }
    if control.isStick {
      guard let moved, !isHat(moved.key) else { return nil }
      // To the right the kernel counts upwards, away from the person downwards.
      let isUsual = (control == .leftX || control == .rightX) == (moved.value > 0)
      return .axis(moved.key, part: .whole, isInverted: !isUsual)
    }
    // Some triggers switch and measure: the measure says more.
    if control.isTrigger, let moved, !isHat(moved.key), let range = capabilities.axes[moved.key] ?? nil {
      let start = fraction(rest[moved.key] ?? 0, range.minimum, range)
      if start < 0.15 { return .axis(moved.key, part: .whole, isInverted: false) }
      if start > 0.85 { return .axis(moved.key, part: .whole, isInverted: true) }
      return .axis(moved.key, part: moved.value > 0 ? .positive : .negative, isInverted: false)
    }
    if let firstKey { return .key(firstKey) }
    return moved.map { .axis($0.key, part: $0.value > 0 ? .positive : .negative, isInverted: false) }
  }

  private func isHat(_ code: UInt16) -> Bool { (UInt16(ABS_HAT0X)...UInt16(ABS_HAT3Y)).contains(code) }

  /// What was measured on the sticks, for those that were moved to both sides.
  public var calibration: [UInt16: AxisCalibration] {
    var result: [UInt16: AxisCalibration] = [:]
    for (control, source) in sources where control.isStick {
      guard case .axis(let code, _, _) = source, let range = capabilities.axes[code] ?? nil, let seen = extremes[code],
        let centre = rest[code], fraction(seen.upperBound, centre, range) > Self.far,
        fraction(centre, seen.lowerBound, range) > Self.far
      else { continue }
      result[code] = AxisCalibration(minimum: seen.lowerBound, centre: centre, maximum: seen.upperBound)
    }
    return result
  }

  /// What to ask of the person.
  public var question: String {
    switch step {
    case .loosen: "Move both sticks all the way round and pull both triggers, then let go of everything."
    case .edges: "Move both sticks along their edges, twice round, then press the lower face button."
    case .done: "Done."
    case .control(let control): Self.question(control)
    }
  }

  static func question(_ control: PadControl) -> String {
    switch control {
    case .a: "Press the lower face button (A, ✕, Nintendo's B)."
    case .b: "Press the right face button (B, ○, Nintendo's A)."
    case .x: "Press the left face button (X, □, Nintendo's Y)."
    case .y: "Press the upper face button (Y, △, Nintendo's X)."
    case .leftShoulder: "Press the left shoulder button (LB, L1)."
    case .rightShoulder: "Press the right shoulder button (RB, R1)."
    case .leftTrigger: "Pull the left trigger all the way (LT, L2)."
    case .rightTrigger: "Pull the right trigger all the way (RT, R2)."
    case .back: "Press the small button left of the middle (Back, Share, −)."
    case .start: "Press the small button right of the middle (Start, Options, +)."
    case .guide: "Press the maker's button in the middle (Guide, PS, Home)."
    case .leftStick: "Press the left stick in."
    case .rightStick: "Press the right stick in."
    case .up: "Press the d-pad up."
    case .down: "Press the d-pad down."
    case .left: "Press the d-pad to the left."
    case .right: "Press the d-pad to the right."
    case .leftX: "Push the left stick to the right."
    case .leftY: "Push the left stick away from you."
    case .rightX: "Push the right stick to the right."
    case .rightY: "Push the right stick away from you."
    }
  }
}
