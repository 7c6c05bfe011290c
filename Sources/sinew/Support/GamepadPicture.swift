import ArmModel
import Gamepads
import Glibc

/// A gamepad drawn in the terminal, renewed in place some thirty times a second.
///
/// The picture is one column narrower than the narrowest usual terminal; what is pressed stands in inverse video, what has
/// a role says so.
struct GamepadPicture: GamepadScreen {
  private var lines = 0
  private var lastShown: Int64 = -1_000_000_000
  private var messages: [String] = []
  private(set) var isOpen = true
  private static var interval: Int64 { 33_000_000 }

  mutating func say(_ text: String, at time: Int64) {
    messages = Array((messages + ["\(Format.fixed(Double(time) * 1e-9, 1)) s  \(text)"]).suffix(4))
    lastShown = -1_000_000_000
  }

  mutating func show(_ monitor: borrowing GamepadMonitor, _ statistics: EventStatistics, at time: Int64) {
    guard time - lastShown >= Self.interval else { return }
    lastShown = time
    var text = Self.picture(monitor.interpreter, name: monitor.identity?.name, monitor.input)
    text.append(
      "\(statistics.rate) events/s, latency \(Format.duration(statistics.latency)), lost events: \(monitor.input.losses)"
    )
    text += messages.map { "  " + $0 }
    draw(text)
  }

  mutating func finish() { write("\u{1b}[?25h") }

  private mutating func draw(_ text: [String]) {
    var size = winsize()
    let width = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 1 ? Int(size.ws_col) - 1 : 79
    var result = "\u{1b}[?25l"
    if lines > 0 { result += "\u{1b}[\(lines)A" }
    for line in text { result += "\r\u{1b}[2K" + Self.cut(line, to: width) + "\n" }
    // Lines of a longer picture before.
    if lines > text.count {
      result += String(repeating: "\r\u{1b}[2K\n", count: lines - text.count) + "\u{1b}[\(lines - text.count)A"
    }
    lines = text.count
    write(result)
  }

  private mutating func write(_ text: String) {
    if writeFully(Array(text.utf8), to: STDOUT_FILENO) != 0 { isOpen = false }
  }

  /// Cuts to `width` visible characters; escape sequences take no room.
  static func cut(_ line: String, to width: Int) -> String {
    var result = ""
    var count = 0
    var isEscape = false
    for character in line {
      if character == "\u{1b}" { isEscape = true }
      if !isEscape {
        count += 1
        if count > width { continue }
      }
      result.append(character)
      if isEscape && character.isLetter { isEscape = false }
    }
    return result
  }

  // MARK: The picture

  static func picture(_ interpreter: PadInterpreter?, name: String?, _ input: OperatorInput) -> [String] {
    guard let interpreter, let name else { return ["no gamepad", "", "Ctrl-C ends"] }
    func key(_ control: PadControl, width: Int = 0) -> String {
      let label = interpreter.label(control)
      let text = " \(label) " + String(repeating: " ", count: max(0, width - label.count))
      return interpreter.isDown(control) ? "\u{1b}[7m\(text)\u{1b}[0m" : text
    }
    func bar(_ control: PadControl) -> String { Terminal.bar(interpreter.value(of: control), width: 10) }
    let left = stick(interpreter.value(of: .leftX), interpreter.value(of: .leftY), interpreter.isDown(.leftStick))
    let right = stick(interpreter.value(of: .rightX), interpreter.value(of: .rightY), interpreter.isDown(.rightStick))
    var lines = [
      "\(name)   (moves nothing; Ctrl-C ends)",
      "\(key(.leftTrigger, width: 3))\(bar(.leftTrigger))            \(bar(.rightTrigger))\(key(.rightTrigger, width: 3))",
      "\(key(.leftShoulder, width: 3))  \(key(.back)) \(key(.guide)) \(key(.start))  \(key(.rightShoulder, width: 3))",
    ]
    let middle = [
      "     \(arrow(.up, "▲", interpreter))       \(key(.y))   ",
      "   \(arrow(.left, "◀", interpreter)) \(arrow(.right, "▶", interpreter))   \(key(.x)) \(key(.b))",
      "     \(arrow(.down, "▼", interpreter))       \(key(.a))   ", "", "",
    ]
    for row in 0..<5 { lines.append("  \(left[row])   \(middle[row].padding(20))   \(right[row])") }
    lines.append(GamepadWords.sticks(input))
    lines.append("roles: " + (input.held.rawValue == 0 ? "none" : input.held.roles.map(\.name).joined(separator: ", ")))
    lines.append("state: " + GamepadWords.status(input.status, interpreter))
    return lines
  }

  private static func arrow(_ control: PadControl, _ sign: String, _ interpreter: PadInterpreter) -> String {
    interpreter.isDown(control) ? "\u{1b}[7m\(sign)\u{1b}[0m" : sign
  }

  /// A stick in a field of eleven by five characters.
  private static func stick(_ x: Double, _ y: Double, _ isPressed: Bool) -> [String] {
    let column = min(max(Int((x * 5).rounded()) + 5, 0), 10)
    let row = min(max(Int((-y * 2).rounded()) + 2, 0), 4)
    return (0..<5).map { line in
      (0..<11).map { position in
        if line == row && position == column { return isPressed ? "█" : "●" }
        return line == 2 && position == 5 ? "+" : "·"
      }
      .joined()
    }
  }
}

extension String {
  /// Filled with spaces to `width` visible characters.
  fileprivate func padding(_ width: Int) -> String {
    let visible = count - matches(of: /\u{1b}\[[0-9;]*m/).reduce(0) { $0 + $1.output.count }
    return self + String(repeating: " ", count: max(0, width - visible))
  }
}
