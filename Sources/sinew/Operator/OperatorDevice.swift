import ArmModel
import Control
import Foundation
import Gamepads
import Glibc
import Sessions

/// What a person holds, opened: where the control thread hears it, and what happens around it.
final class OperatorDevice {
  /// For the log and the first line.
  let name: String
  let feed: OperatorFeed
  /// How long a recording lasts, s; nil for devices.
  let duration: Double?
  /// Which button does what, one line each.
  let help: [String]
  /// What it is, for the words about it.
  let kind: OperatorWords.Device
  /// Whether it is the terminal's keyboard.
  var isKeyboard: Bool { kind == .keyboard }
  private let reader: GamepadReader?
  private let keyboard: KeyboardReader?
  private let track: OperatorTrack?

  init(_ options: OperatorDeviceOptions) throws {
    let mapper = try options.gamepad.mapper()
    if let name = options.recording {
      let track = try Self.track(name, mapper)
      self.track = track
      self.name = "recording \(name)"
      kind = .recording
      feed = track.feed
      duration = Double(track.duration) * 1e-9
      reader = nil
      keyboard = nil
      help = []
      return
    }
    track = nil
    duration = nil
    if options.keyboard {
      let keyboard = try checkingInput { try KeyboardReader(terminal: STDIN_FILENO) }
      self.keyboard = keyboard
      name = "keyboard"
      kind = .keyboard
      feed = .live(keyboard.inputs)
      reader = nil
      help = KeyboardInterpreter.help
      return
    }
    keyboard = nil
    let options = GamepadOptions(mapper: mapper, path: options.gamepad.pad, grabs: false)
    // Below the control thread's priority; without the right to it an ordinary thread does.
    let reader = try GamepadReader(options: options, priority: 60)
    self.reader = reader
    name = "gamepad"
    kind = .pad(path: options.path)
    feed = .live(reader.inputs)
    help = [
      "start: arm, begin an episode   hold RB: enable   B: stop   LB+B: release torque   LB+start: reset   LB+back: park",
      "left stick: forward, left, right   right stick: up, down, turn   triggers: gripper   d-pad: faster, slower, mode",
      "A: success   back: failure   d-pad left: discard, record again",
    ]
  }

  /// What has happened around the device since the last call, one line each.
  func takeNotes() -> [String] { reader?.takeNotes().map(\.text) ?? [] }

  /// Lets the person feel something, where the device can.
  func play(_ cue: OperatorCue) {
    switch cue {
    case .armed: reader?.play(.armed)
    case .recorded: reader?.play(.recorded)
    case .stopped: reader?.play(.stopped)
    }
  }

  /// Ends the reader's thread; a terminal is given back as it was.
  func close() {
    reader?.stop()
    keyboard?.stop()
  }

  /// A recording as the loop takes it.
  private static func track(_ name: String, _ mapper: PadMapper) throws -> OperatorTrack {
    try checkingInput {
      let recording = try PadRecording(path: PadRecording.path(of: name))
      let moments = try recording.moments(mapper)
      return OperatorTrack(moments.map { OperatorTrack.Sample(time: $0.time, input: $0.input) })
    }
  }
}
