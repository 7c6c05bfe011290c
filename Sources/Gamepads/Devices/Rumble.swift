import CSystem

/// What a person feels in the hands.
public enum RumblePattern: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// One short pulse: armed.
  case armed = 1
  /// Two short pulses: an episode was recorded.
  case recorded = 2
  /// One long pulse: stopped, or at a limit.
  case stopped = 3

  /// The raw value, for the control thread: the getter that comes with an enumeration is closed to it.
  var number: UInt8 { @_noLocks get { rawValue } }

  /// The pulses, ms: how long each lasts and the pause after it. None is shorter than 50 ms: Nintendo's pads lose their
  /// link when they are asked more often.
  var pulses: [(length: Int, pause: Int)] {
    switch self {
    case .armed: [(120, 0)]
    case .recorded: [(100, 120), (100, 0)]
    case .stopped: [(500, 0)]
    }
  }
}

/// Plays patterns on a device, one pulse after another, as time passes.
struct Rumble {
  private var effect: Int16 = -1
  private var waiting: [(start: Int64, length: Int)] = []

  /// Begins a pattern; what was playing ends.
  mutating func begin(_ pattern: RumblePattern, now: Int64) {
    waiting.removeAll()
    var start = now
    for pulse in pattern.pulses {
      waiting.append((start, pulse.length))
      start += Int64(pulse.length + pulse.pause) * 1_000_000
    }
  }

  /// Plays what is due. A pad that refuses is left alone: rumble is a courtesy.
  mutating func tick(_ device: borrowing PadDevice, now: Int64) {
    guard let next = waiting.first, now >= next.start else { return }
    waiting.removeFirst()
    guard device.capabilities.hasRumble, device.isWritable else { return }
    guard sinew_rumble_store(device.descriptor, 0xC000, 0xC000, UInt16(clamping: next.length), &effect) == 0,
      sinew_rumble_play(device.descriptor, effect, true) == 0
    else {
      waiting.removeAll()
      return
    }
  }

  /// Forgets the device: its stored effect went with it.
  mutating func reset() {
    effect = -1
    waiting.removeAll()
  }
}
