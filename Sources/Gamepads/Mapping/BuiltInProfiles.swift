import CEvdev

/// A family of pads whose driver sends the same codes for the same controls.
///
/// Sources: the kernel's Documentation/input/gamepad.rst and the drivers xpad, hid-playstation, hid-nintendo, hid-generic,
/// and their rows in SDL_GameControllerDB.
enum PadFamily: CaseIterable {
  /// xpad: Xbox 360, One and Series with a cable, and what imitates them. X and Y by label.
  case xpad
  /// Xbox One and Series by Bluetooth under hid-generic and hid-microsoft: right stick on Z and RZ, triggers on brake and
  /// gas.
  case xboxBluetooth
  /// hid-playstation (and newer hid-sony): DualShock 4, DualSense. Face buttons by position.
  case playstation
  /// DualShock 4 under hid-generic: the joystick's block of codes.
  case playstationGeneric
  /// hid-nintendo: Switch Pro, whose triggers only switch.
  case switchPro
  /// Logitech F310 and F710 with the switch on D, RumblePad 2: no gamepad mark.
  case logitechDirect

  var name: String {
    switch self {
    case .xpad: "Xbox"
    case .xboxBluetooth: "Xbox, Bluetooth"
    case .playstation: "PlayStation"
    case .playstationGeneric: "PlayStation, generic driver"
    case .switchPro: "Switch Pro"
    case .logitechDirect: "Logitech, switch on D"
    }
  }

  var labels: PadLabels {
    switch self {
    case .xpad, .xboxBluetooth, .logitechDirect: .xbox
    case .playstation, .playstationGeneric: .playstation
    case .switchPro: .nintendo
    }
  }

  var sources: [PadControl: PadSource] {
    var sources: [PadControl: PadSource] = [.leftX: .axis(ABS_X), .leftY: .axis(ABS_Y)]
    sources.merge(Self.hat) { $1 }
    switch self {
    case .xpad:
      // BTN_X is the same code as BTN_NORTH although the button is the left one: the driver goes by the label.
      sources.merge(Self.standardButtons(x: BTN_NORTH, y: BTN_WEST)) { $1 }
      sources.merge(Self.analogue(rightX: ABS_RX, rightY: ABS_RY, left: ABS_Z, right: ABS_RZ)) { $1 }
    case .xboxBluetooth:
      sources.merge(Self.standardButtons(x: BTN_NORTH, y: BTN_WEST)) { $1 }
      sources.merge(Self.analogue(rightX: ABS_Z, rightY: ABS_RZ, left: ABS_BRAKE, right: ABS_GAS)) { $1 }
    case .playstation:
      sources.merge(Self.standardButtons(x: BTN_WEST, y: BTN_NORTH)) { $1 }
      sources.merge(Self.analogue(rightX: ABS_RX, rightY: ABS_RY, left: ABS_Z, right: ABS_RZ)) { $1 }
    case .playstationGeneric:
      sources.merge(Self.joystickButtons([.x, .a, .b, .y], rest: Self.genericOrder)) { $1 }
      sources.merge(Self.analogue(rightX: ABS_Z, rightY: ABS_RZ, left: ABS_RX, right: ABS_RY)) { $1 }
    case .switchPro:
      sources.merge(Self.standardButtons(x: BTN_WEST, y: BTN_NORTH)) { $1 }
      sources.merge([.rightX: .axis(ABS_RX), .rightY: .axis(ABS_RY)]) { $1 }
      sources.merge([.leftTrigger: .button(BTN_TL2), .rightTrigger: .button(BTN_TR2)]) { $1 }
    case .logitechDirect:
      sources.merge(Self.joystickButtons([.x, .a, .b, .y], rest: Self.logitechOrder)) { $1 }
      sources.merge([.rightX: .axis(ABS_Z), .rightY: .axis(ABS_RZ)]) { $1 }
    }
    return sources
  }

  /// Whether a device has what this family needs: everything but the guide button, which drivers may keep.
  func fits(_ capabilities: PadCapabilities) -> Bool {
    sources.allSatisfy { $0.key == .guide || $0.value.isThere(in: capabilities) }
  }

  private static var hat: [PadControl: PadSource] {
    [
      .left: .hat(ABS_HAT0X, .negative), .right: .hat(ABS_HAT0X, .positive), .up: .hat(ABS_HAT0Y, .negative),
      .down: .hat(ABS_HAT0Y, .positive),
    ]
  }

  private static func standardButtons(x: Int32, y: Int32) -> [PadControl: PadSource] {
    [
      .a: .button(BTN_SOUTH), .b: .button(BTN_EAST), .x: .button(x), .y: .button(y), .leftShoulder: .button(BTN_TL),
      .rightShoulder: .button(BTN_TR), .back: .button(BTN_SELECT), .start: .button(BTN_START),
      .guide: .button(BTN_MODE),
      .leftStick: .button(BTN_THUMBL), .rightStick: .button(BTN_THUMBR),
    ]
  }

  private static func analogue(
    rightX: Int32, rightY: Int32, left: Int32, right: Int32
  ) -> [PadControl: PadSource] {
    [.rightX: .axis(rightX), .rightY: .axis(rightY), .leftTrigger: .axis(left), .rightTrigger: .axis(right)]
  }

  /// Buttons numbered from BTN_TRIGGER (0x120) on.
  private static func joystickButtons(_ face: [PadControl], rest: [PadControl?]) -> [PadControl: PadSource] {
    var sources: [PadControl: PadSource] = [:]
    for (index, control) in (face.map { $0 as PadControl? } + rest).enumerated() {
      if let control { sources[control] = .button(BTN_TRIGGER + Int32(index)) }
    }
    return sources
  }

  /// The triggers' own switches (0x126, 0x127) are left out: the axes say more.
  private static var genericOrder: [PadControl?] {
    [.leftShoulder, .rightShoulder, nil, nil, .back, .start, .leftStick, .rightStick, .guide]
  }

  private static var logitechOrder: [PadControl?] {
    [.leftShoulder, .rightShoulder, .leftTrigger, .rightTrigger, .back, .start, .leftStick, .rightStick]
  }
}

/// The mappings that come with the program.
enum BuiltInProfiles {
  /// The mapping of a pad, or nil when none fits: first the families that its maker's pads can have, in the order of how
  /// much they ask for, then by what the pad has.
  static func mapping(for identity: PadIdentity, _ capabilities: PadCapabilities) -> PadMapping? {
    guard let family = candidates(identity, capabilities).first(where: { $0.fits(capabilities) }) else { return nil }
    let sources = family.sources.filter { $0.value.isThere(in: capabilities) }
    return PadMapping(origin: "built in (\(family.name))", labels: family.labels, sources: sources)
  }

  private static func candidates(_ identity: PadIdentity, _ capabilities: PadCapabilities) -> [PadFamily] {
    switch identity.vendor {
    case 0x054C: return [.playstation, .playstationGeneric]
    case 0x057E: return [.switchPro]
    case 0x046D where [0xC216, 0xC218, 0xC219].contains(identity.product): return [.logitechDirect]
    case 0x045E: return [.xpad, .xboxBluetooth]
    default:
      // Pads of other makers imitate one of the two that the kernel's spec allows; a joystick's block says too little.
      return capabilities.hasKeys(BTN_SOUTH) ? [.xpad, .xboxBluetooth] : []
    }
  }
}
