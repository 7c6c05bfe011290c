import CSystem
import Glibc

/// A pad's raw events, without any mapping: what a guided mapping needs. Owns the device.
public struct RawPad: ~Copyable {
  /// What came of waiting.
  public enum Outcome: Sendable, Equatable {
    case event(PadEvent)
    /// Events were lost: the state must be asked for anew.
    case lost
    case nothing
    case gone
  }

  private let device: PadDevice

  /// Opens the pad and keeps it to itself, so that no other program acts on what is pressed.
  public init(path: String) throws(GamepadError) {
    let opened = try PadDevice(path: path, grabbing: true)
    guard opened.capabilities.areThoseOfAGamepad else {
      throw GamepadError(
        .notAGamepad, path: path, "this input device has not the sticks and buttons of a gamepad",
        suggestion: "look for pads with 'sinew gamepad list'")
    }
    device = opened
  }

  public var identity: PadIdentity { device.identity }
  public var capabilities: PadCapabilities { device.capabilities }
  /// The keys that are down, and the axes' values, as the kernel has them.
  public var keysDown: Set<UInt16> { device.keysDown }
  public var axisValues: [UInt16: Int32] { device.axisValues }

  /// The next event, waiting for it until `deadline` (monotonic ns) at most.
  public func next(until deadline: Int64) -> Outcome {
    let now = sinew_now_ns()
    let first = take(device.read(now: now))
    guard first == .nothing else { return first }
    let found = sinew_poll_until_ns(device.descriptor, false, deadline)
    if found < 0 { return .gone }
    if found & Int32(POLLIN) != 0 { return take(device.read(now: sinew_now_ns())) }
    return found & Int32(POLLHUP | POLLERR | POLLNVAL) != 0 ? .gone : .nothing
  }

  private func take(_ reading: PadDevice.Reading) -> Outcome {
    switch reading {
    case .event(let event): return .event(event)
    case .nothing: return .nothing
    case .gone: return .gone
    case .lost:
      // The changes are of no use one by one: whoever maps looks at the whole state again.
      while case .event = device.resynchronise(now: sinew_now_ns()) {}
      return .lost
    }
  }
}
