import ArmModel
import CEvdev
import CPadTestbed
import CSystem
import Foundation
import Glibc
import TestSupport
import Testing

@testable import Gamepads

/// Why the device tests cannot run here; nil when they can.
let testbedObstacle = sinew_testbed_obstacle().map { String(cString: $0) }

/// The true libevdev on made-up devices. Serialized: there is one world of devices a process.
@Suite(.serialized, .enabled(if: testbedObstacle == nil, "\(testbedObstacle ?? "")"))
struct GamepadDeviceTests {}

/// A monitor without the user's own files.
func makeMonitor(path: String? = nil, grabs: Bool = false, named: [String] = []) throws -> GamepadMonitor {
  GamepadMonitor(
    options: GamepadOptions(mapper: try PadMapper(named: named, userFolder: nil), path: path, grabs: grabs))
}

extension GamepadMonitor {
  /// Polls until `condition` holds, at least once and at most for `seconds`; false when it never did.
  mutating func poll(_ seconds: Double = TestPad.patience, until condition: (OperatorInput) -> Bool) -> Bool {
    let end = sinew_now_ns() + Int64(seconds * 1e9)
    repeat {
      poll(until: sinew_now_ns() + 10_000_000)
      if condition(input) { return true }
    } while sinew_now_ns() < end
    return false
  }

  /// Polls for a while, for things that must not happen.
  mutating func idle(_ seconds: Double = 0.15) { _ = poll(seconds) { _ in false } }

  /// Takes in all that `pad` has sent so far, and not one turn more.
  mutating func settle(_ pad: TestPad) {
    #expect(poll { _ in pad.unread == 0 }, "\(pad.unread) events were not read")
  }
}

/// Moves every stick to one side and back to the middle, so that all axes are known and neutral.
func touchSticks(_ pad: TestPad, _ axes: [(code: Int32, side: Int32, middle: Int32)]) {
  for axis in axes { pad.axis(axis.code, axis.side) }
  for axis in axes { pad.axis(axis.code, axis.middle) }
}

let xboxSticks: [(code: Int32, side: Int32, middle: Int32)] = [
  (ABS_X, 20000, 300), (ABS_Y, 20000, -200), (ABS_RX, 20000, 100), (ABS_RY, 20000, 0),
]
