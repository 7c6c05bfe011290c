import ArmModel
import CEvdev
import Configuration

/// A user's own mapping of a model of pad, as `sinew gamepad map` writes it: YAML.
///
///     pad: {name: My Pad, bus: 3, vendor: "045e", product: "028e"}
///     labels: xbox
///     controls: {a: BTN_SOUTH, leftx: ABS_X, dpup: -ABS_HAT0Y}
///     calibration: {ABS_X: [-32768, -938, 32767]}
///     roles: {shift: leftshoulder, enable: rightshoulder, stop: b, release: shift+b}
public struct MappingFile: Sendable, Equatable {
  public var name: String
  /// Nil fits every bus.
  public var bus: UInt16?
  public var vendor: UInt16
  public var product: UInt16
  public var mapping: PadMapping
  public var layout: OperatorLayout

  public init(
    name: String, bus: UInt16?, vendor: UInt16, product: UInt16, mapping: PadMapping, layout: OperatorLayout = .standard
  ) {
    self.name = name
    self.bus = bus
    self.vendor = vendor
    self.product = product
    self.mapping = mapping
    self.layout = layout
  }

  /// Whether it is about this pad.
  public func describes(_ identity: PadIdentity) -> Bool {
    vendor == identity.vendor && product == identity.product && (bus.map { $0 == identity.bus } ?? true)
  }

  /// Reads a file; every mistake in it is an error with its position. A `partial` one may lack controls.
  public static func load(path: String, partial: Bool = false) throws(ConfigurationError) -> MappingFile {
    try MappingFile(ConfigurationNode.load(path: path), partial: partial)
  }

  /// Reads the YAML.
  public init(_ root: ConfigurationNode, partial: Bool = false) throws(ConfigurationError) {
    try root.allowOnly(["pad", "labels", "controls", "calibration", "roles"])
    let pad = try root.child("pad")
    try pad.allowOnly(["name", "bus", "vendor", "product"])
    name = try pad.optional("name")?.string() ?? ""
    bus = try pad.optional("bus").map { (node) throws(ConfigurationError) in UInt16(try node.integer(in: 0...0xFFFF)) }
    vendor = try Self.identifier(pad.child("vendor"))
    product = try Self.identifier(pad.child("product"))
    let labels = try root.optional("labels")?.choice(PadLabels.self) ?? .xbox
    mapping = PadMapping(origin: root.file, labels: labels, sources: try Self.sources(root.child("controls")))
    if let node = try root.optional("calibration") { mapping.calibration = try Self.calibration(node) }
    layout = .standard
    if let node = try root.optional("roles") { layout = try Self.layout(node) }
    let missing = layout.missing(in: mapping)
    guard partial || missing.isEmpty else {
      throw try root.child("controls").error(
        "these controls are missing: \(missing.joined(separator: ", "))", suggestion: "run 'sinew gamepad map'")
    }
  }

  /// Four hexadecimal digits, in quotes where YAML would take them for a number.
  private static func identifier(_ node: ConfigurationNode) throws(ConfigurationError) -> UInt16 {
    let text = try node.string()
    guard (1...4).contains(text.utf8.count), !text.hasPrefix("+"), let value = UInt16(text, radix: 16) else {
      throw node.error("expected four hexadecimal digits, found '\(text.prefix(40))'", suggestion: "as in \"045e\"")
    }
    return value
  }

  private static func sources(_ node: ConfigurationNode) throws(ConfigurationError) -> [PadControl: PadSource] {
    try node.allowOnly(PadControl.allCases.map(\.rawValue))
    var sources: [PadControl: PadSource] = [:]
    for (key, value) in try node.entries() {
      guard let control = PadControl(rawValue: key) else { continue }
      let text = try value.string()
      guard let source = PadSource(text: text) else {
        throw value.error(
          "'\(text.prefix(40))' is no key or axis of the kernel",
          suggestion: "as in BTN_SOUTH, ABS_X, -ABS_HAT0Y, ABS_RZ~")
      }
      if control.isStick, case .key = source { throw value.error("a stick's direction is an axis, not a button") }
      if let same = sources.first(where: { $0.value == source }) {
        throw value.error("'\(text)' is '\(same.key.rawValue)' already; two controls cannot be the same")
      }
      sources[control] = source
    }
    return sources
  }

  private static func calibration(_ node: ConfigurationNode) throws(ConfigurationError) -> [UInt16: AxisCalibration] {
    var calibration: [UInt16: AxisCalibration] = [:]
    for (key, value) in try node.entries() {
      guard case .axis(let code, part: .whole, isInverted: false) = PadSource(text: key) else {
        throw value.error("'\(key.prefix(40))' is no axis of the kernel", suggestion: "as in ABS_X")
      }
      var numbers: [Int32] = []
      for item in try value.list() { numbers.append(Int32(try item.integer(in: Int(Int32.min)...Int(Int32.max)))) }
      guard numbers.count == 3, numbers[0] < numbers[1], numbers[1] < numbers[2] else {
        throw value.error("expected [least, centre, most] in rising order")
      }
      calibration[code] = AxisCalibration(minimum: numbers[0], centre: numbers[1], maximum: numbers[2])
    }
    return calibration
  }

  private static func layout(_ node: ConfigurationNode) throws(ConfigurationError) -> OperatorLayout {
    let names = OperatorRole.allCases.map(\.name)
    try node.allowOnly(["shift", "gripper_open", "gripper_close"] + names)
    var layout = OperatorLayout.standard
    if let shift = try node.optional("shift") { layout.shift = try shift.choice(PadControl.self) }
    if let open = try node.optional("gripper_open") { layout.gripperOpen = try open.choice(PadControl.self) }
    if let close = try node.optional("gripper_close") { layout.gripperClose = try close.choice(PadControl.self) }
    for role in OperatorRole.allCases {
      guard let value = try node.optional(role.name) else { continue }
      layout.presses[role] = value.isNull ? nil : try press(value)
    }
    if let problem = layout.problem { throw node.error(problem) }
    return layout
  }

  private static func press(_ node: ConfigurationNode) throws(ConfigurationError) -> OperatorLayout.Press {
    let text = try node.string()
    let isShifted = text.hasPrefix("shift+")
    let name = isShifted ? String(text.dropFirst(6)) : text
    guard let control = PadControl(rawValue: name) else {
      throw node.error(
        "there is no control '\(name.prefix(40))'",
        suggestion: Suggestion.sentence(for: name, in: PadControl.allCases.map(\.rawValue)))
    }
    return OperatorLayout.Press(control, shifted: isShifted)
  }

  /// The file's text, with a comment on what it is.
  public var text: String {
    var lines = ["# A gamepad's mapping, written by 'sinew gamepad map'. Names of keys and axes are the kernel's."]
    lines.append("pad:")
    lines.append("  name: \(Self.quoted(name))")
    if let bus { lines.append("  bus: \(bus)") }
    lines.append("  vendor: \"\(hexadecimal(vendor, 4))\"")
    lines.append("  product: \"\(hexadecimal(product, 4))\"")
    lines.append("labels: \(mapping.labels.rawValue)")
    lines.append("controls:")
    for control in PadControl.allCases {
      if let source = mapping.sources[control] { lines.append("  \(control.rawValue): \(Self.quoted(source.text))") }
    }
    if !mapping.calibration.isEmpty {
      lines.append("# Least, centre and most of each axis, as measured.")
      lines.append("calibration:")
      for (code, axis) in mapping.calibration.sorted(by: { $0.key < $1.key }) {
        let name = PadSource.axis(code, part: .whole, isInverted: false).text
        lines.append("  \(Self.quoted(name)): [\(axis.minimum), \(axis.centre), \(axis.maximum)]")
      }
    }
    lines.append("# What each control does; shift+b means b while the shift control is held.")
    lines.append("roles:")
    lines.append("  shift: \(layout.shift.rawValue)")
    for role in OperatorRole.allCases { lines.append("  \(role.name): \(layout.presses[role]?.text ?? "null")") }
    lines.append("  gripper_open: \(layout.gripperOpen.rawValue)")
    lines.append("  gripper_close: \(layout.gripperClose.rawValue)")
    return lines.joined(separator: "\n") + "\n"
  }

  /// A text in double quotes as YAML and JSON read it.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case let other where other.value < 0x20 || (0x7F..<0xA0).contains(other.value):
        result += "\\u" + hexadecimal(other.value, 4)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
