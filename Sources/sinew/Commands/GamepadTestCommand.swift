import ArgumentParser
import ArmModel
import CSystem
import Foundation
import Gamepads
import Glibc

/// `sinew gamepad test`: what the pad says, live.
struct GamepadTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Show live what a gamepad says and what each control does; moves no arm.",
    discussion: """
      A picture in the terminal; elsewhere a plain line for each press and each change of the pad's state. Ctrl-C ends it.

      Examples:
        sinew gamepad test
        sinew gamepad test --pad /dev/input/by-id/usb-045e_028e-event-joystick --rumble
        sinew gamepad test --duration 10 | cat

      Exit codes: 0 success, also after Ctrl-C; 1 no pad came, or it was gone at the end; 2 wrong input.
      """)

  @OptionGroup var options: GamepadOptionGroup

  @Flag(help: "Keep the pad from other programs.")
  var grab = false

  @Flag(help: "Let the pad rumble once it is there.")
  var rumble = false

  @Option(help: "End after this many seconds.")
  var duration: Double?

  func validate() throws {
    if let duration, !(duration > 0 && duration <= 1e7) {
      throw ValidationError("--duration must be between 0 and 1e7 s, found \(duration).")
    }
  }

  mutating func run() throws {
    var monitor = GamepadMonitor(
      options: GamepadOptions(mapper: try options.mapper(), path: options.pad, grabs: grab))
    guard sinew_install_stop_signals() == 0 else { throw RunFailure("stop signals could not be installed") }
    let isLive = isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    var screen: any GamepadScreen = isLive ? GamepadPicture() : GamepadLines()
    var statistics = EventStatistics()
    let start = sinew_now_ns()
    let end = duration.map { start + Int64($0 * 1e9) } ?? .max
    var hasSeenPad = false
    monitor.poll(until: start)
    if monitor.identity == nil { screen.say("waiting for a gamepad; plug one in (Ctrl-C ends)", at: 0) }
    while sinew_stop_requests() == 0 {
      let now = sinew_now_ns()
      guard now < end, screen.isOpen else { break }
      monitor.poll(until: min(now + 10_000_000, end))
      statistics.take(monitor)
      for note in monitor.takeNotes() {
        if case .connected = note {
          hasSeenPad = true
          if rumble { monitor.play(.recorded) }
        }
        screen.say(note.text, at: sinew_now_ns() - start)
      }
      screen.show(monitor, statistics, at: sinew_now_ns() - start)
    }
    screen.finish()
    printError(statistics.summary)
    if !hasSeenPad { throw RunFailure("no gamepad came; look for one with 'sinew gamepad list'") }
    if monitor.identity == nil { throw RunFailure("the gamepad is gone; plug it in again") }
  }
}

/// Somewhere to show a pad.
protocol GamepadScreen {
  /// Whether somebody still looks.
  var isOpen: Bool { get }
  /// Says something that happened, `time` ns after the start.
  mutating func say(_ text: String, at time: Int64)
  mutating func show(_ monitor: borrowing GamepadMonitor, _ statistics: EventStatistics, at time: Int64)
  mutating func finish()
}

/// How many events come, and how old they are when they have been taken in.
struct EventStatistics {
  private var last = 0
  private var connection: UInt32 = 0
  private var lastStamp: Int64 = 0
  private var windowStart: Int64 = 0
  private var windowCount = 0
  private var windowWorst: Int64 = 0
  private(set) var total = 0
  /// Events in the last full second.
  private(set) var rate = 0
  /// The oldest event of the last full second and of all, ns.
  private(set) var latency: Int64 = 0
  private(set) var worst: Int64 = 0

  mutating func take(_ monitor: borrowing GamepadMonitor) {
    let input = monitor.input
    let count = monitor.interpreter?.eventCount ?? 0
    if input.connection != connection { last = 0 }
    connection = input.connection
    let new = max(0, count - last)
    last = count
    total += new
    windowCount += new
    if new > 0 && input.eventStamp > lastStamp {
      let age = max(0, input.stamp - input.eventStamp)
      windowWorst = max(windowWorst, age)
      worst = max(worst, age)
      lastStamp = input.eventStamp
    }
    if input.stamp - windowStart >= 1_000_000_000 {
      (rate, latency) = (windowCount, windowWorst)
      (windowStart, windowCount, windowWorst) = (input.stamp, 0, 0)
    }
  }

  var summary: String { "\(total) events, worst latency \(Format.duration(worst))" }
}

/// A plain line for each thing that happens.
struct GamepadLines: GamepadScreen {
  private let output = DataOutput()
  private var held = OperatorButtons.none
  private var presses = OperatorPresses()
  private var status = OperatorStatus(rawValue: 0)
  private var sticks = ""
  private var lastSticks: Int64 = 0

  var isOpen: Bool { output.isOpen }

  mutating func say(_ text: String, at time: Int64) {
    _ = output.writeLine("\(Format.fixed(Double(time) * 1e-9, 3)) s  \(text)")
    _ = output.push()
  }

  mutating func show(_ monitor: borrowing GamepadMonitor, _ statistics: EventStatistics, at time: Int64) {
    let input = monitor.input
    for role in presses.take(input).roles { say("\(role.name) pressed", at: time) }
    for role in held.subtracting(input.held).roles { say("\(role.name) let go", at: time) }
    held = input.held
    if input.status != status {
      status = input.status
      say("status: \(GamepadWords.status(input.status, monitor.interpreter))", at: time)
    }
    let text = GamepadWords.sticks(input)
    // A moving stick changes hundreds of times a second.
    if text != sticks && time - lastSticks >= 100_000_000 {
      (sticks, lastSticks) = (text, time)
      say(text, at: time)
    }
  }

  mutating func finish() { try? output.finish() }
}

/// What the pad's state is called.
enum GamepadWords {
  static func sticks(_ input: OperatorInput) -> String {
    func signed(_ value: Double) -> String { (value < 0 ? "-" : "+") + Format.fixed(abs(value), 2) }
    return "left \(signed(input.leftX)) \(signed(input.leftY))  right \(signed(input.rightX)) \(signed(input.rightY))"
      + "  gripper \(signed(input.gripper))"
  }

  static func status(_ status: OperatorStatus, _ interpreter: PadInterpreter?) -> String {
    guard status.has(.present) else { return "no gamepad" }
    var parts: [String] = []
    if !status.has(.known) {
      let waiting = interpreter?.unknownControls.map(\.rawValue).joined(separator: ", ") ?? ""
      parts.append("move both sticks once (not heard of yet: \(waiting))")
    } else {
      parts.append(status.has(.neutral) ? "neutral" : "not neutral")
    }
    if status.has(.enableIsDown) { parts.append("enable down") }
    if status.has(.eventsLost) { parts.append("events lost, press enable anew") }
    if status.has(.silent) { parts.append("silent too long, press enable anew") }
    if status.has(.wireless) { parts.append(status.has(.heartbeat) ? "wireless with heartbeat" : "wireless") }
    return parts.joined(separator: ", ")
  }
}
