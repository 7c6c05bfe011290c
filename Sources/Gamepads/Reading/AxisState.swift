import CEvdev

/// The axes that a mapping uses: their values, and whether these are known.
struct AxisState: Sendable {
  private struct Axis {
    var raw: Int32
    var isKnown: Bool
    var scale: AxisScale
    var changed: Int64
    let isStick: Bool
  }

  private var axes: [UInt16: Axis] = [:]

  init(mapping: PadMapping, capabilities: PadCapabilities, values: [UInt16: Int32], now: Int64) {
    for (control, source) in mapping.sources {
      guard case .axis(let code, let part, _) = source else { continue }
      let range = (capabilities.axes[code] ?? nil) ?? AxisRange(minimum: -32768, maximum: 32767)
      let raw = values[code] ?? 0
      // The kernel starts every axis at 0: any other value has been reported. A trigger that is not pulled stands at its
      // least value and may never report before it is, and the directions of a hat are buttons.
      let isAtRest = control.isTrigger && part == .whole && raw == range.minimum
      axes[code] = Axis(
        raw: raw, isKnown: raw != 0 || isAtRest || control.isButton,
        scale: AxisScale(range: range, calibration: mapping.calibration[code]), changed: now, isStick: control.isStick)
    }
  }

  var areAllKnown: Bool { axes.values.allSatisfy(\.isKnown) }

  func isKnown(_ code: UInt16) -> Bool { axes[code]?.isKnown ?? true }

  mutating func set(_ code: UInt16, _ raw: Int32, now: Int64) {
    guard var axis = axes[code] else { return }
    axis.isKnown = true
    if axis.raw != raw { axis.changed = now }
    axis.raw = raw
    axes[code] = axis
  }

  /// A control's value from an axis: sticks and halves about the centre, a trigger's whole axis from its least value.
  func value(of control: PadControl, code: UInt16, part: PadSource.Part, isInverted: Bool) -> Double {
    guard let axis = axes[code] else { return 0 }
    if control.isTrigger && part == .whole {
      guard axis.isKnown else { return 0 }
      let value = axis.scale.unipolar(axis.raw)
      return isInverted ? 1 - value : value
    }
    var value = axis.scale.symmetric(axis.raw)
    if isInverted { value = -value }
    switch part {
    case .positive: return max(0, value)
    case .negative: return max(0, -value)
    // The kernel's y grows towards the person.
    case .whole: return control == .leftY || control == .rightY ? -value : value
    }
  }

  /// The driver's dead zone of a stick's direction.
  func flat(of source: PadSource?) -> Double {
    guard case .axis(let code, _, _) = source, let axis = axes[code] else { return 0 }
    return axis.scale.flatOfHalf
  }

  /// The driver's dead zone of a trigger.
  func flatOfTrigger(_ source: PadSource?) -> Double {
    guard case .axis(let code, let part, _) = source, let axis = axes[code] else { return 0 }
    return part == .whole ? axis.scale.flatOfWhole : axis.scale.flatOfHalf
  }

  /// Sticks that have rested for `restTime` near their centre: this is where their centre is.
  mutating func learnCentres(now: Int64, restTime: Int64) {
    for (code, axis) in axes where axis.isStick && axis.isKnown && now - axis.changed >= restTime {
      axes[code]?.scale.learn(rest: axis.raw)
    }
  }
}
