/// The controls that every pad has, by the names that SDL's mapping strings use. Face buttons are named as on an Xbox
/// pad: `a` is the lower one, `b` the right one.
public enum PadControl: String, Sendable, CaseIterable, Hashable {
  case a, b, x, y
  case back, guide, start
  case leftShoulder = "leftshoulder"
  case rightShoulder = "rightshoulder"
  case leftStick = "leftstick"
  case rightStick = "rightstick"
  case up = "dpup"
  case down = "dpdown"
  case left = "dpleft"
  case right = "dpright"
  case leftTrigger = "lefttrigger"
  case rightTrigger = "righttrigger"
  case leftX = "leftx"
  case leftY = "lefty"
  case rightX = "rightx"
  case rightY = "righty"

  /// Whether it is one direction of a stick.
  public var isStick: Bool { [.leftX, .leftY, .rightX, .rightY].contains(self) }
  /// Whether it is a trigger, which most pads measure and some only switch.
  public var isTrigger: Bool { self == .leftTrigger || self == .rightTrigger }
  /// Whether it is a button.
  public var isButton: Bool { !isStick && !isTrigger }
}

/// How a family of pads labels its controls, for messages and pictures.
public enum PadLabels: String, Sendable, CaseIterable {
  case xbox, playstation, nintendo

  /// What is printed on the control.
  public func label(_ control: PadControl) -> String {
    switch self {
    case .xbox: Self.xboxLabels[control] ?? control.rawValue
    case .playstation: Self.playstationLabels[control] ?? Self.xboxLabels[control] ?? control.rawValue
    case .nintendo: Self.nintendoLabels[control] ?? Self.xboxLabels[control] ?? control.rawValue
    }
  }

  private static var xboxLabels: [PadControl: String] {
    [
      .a: "A", .b: "B", .x: "X", .y: "Y", .back: "Back", .guide: "Guide", .start: "Start", .leftShoulder: "LB",
      .rightShoulder: "RB", .leftStick: "left stick pressed", .rightStick: "right stick pressed", .up: "d-pad up",
      .down: "d-pad down", .left: "d-pad left", .right: "d-pad right", .leftTrigger: "LT", .rightTrigger: "RT",
      .leftX: "left stick x", .leftY: "left stick y", .rightX: "right stick x", .rightY: "right stick y",
    ]
  }

  private static var playstationLabels: [PadControl: String] {
    [
      .a: "✕", .b: "○", .x: "□", .y: "△", .back: "Share", .guide: "PS", .start: "Options", .leftShoulder: "L1",
      .rightShoulder: "R1", .leftTrigger: "L2", .rightTrigger: "R2",
    ]
  }

  // By position: Nintendo prints B on the lower button and A on the right one.
  private static var nintendoLabels: [PadControl: String] {
    [
      .a: "B", .b: "A", .x: "Y", .y: "X", .back: "−", .guide: "Home", .start: "+", .leftShoulder: "L",
      .rightShoulder: "R", .leftTrigger: "ZL", .rightTrigger: "ZR",
    ]
  }
}
