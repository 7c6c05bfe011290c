import CEvdev
import Foundation
import Glibc
import Testing

@testable import Gamepads

extension GamepadDeviceTests {
  /// `sinew teleop` and a pad that lives: through the true libevdev, on the real clock.
  @Suite struct Teleoperation {
    let home = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-home-\(UUID().uuidString)").path

    @Test("a pad arms a simulated arm, moves it, and stops it when its cable is pulled")
    func moveAndUnplug() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      // As slow a loop as there is, for machines with much to do.
      let command = try PadCommand(
        ["--sim", "--no-log", "--priority", "0", "--control-rate", "50"], of: "teleop", home: home)
      try #require(command.says("Microsoft X-Box 360 pad connected"))
      for code in [ABS_X, ABS_Y, ABS_RX, ABS_RY, ABS_Z, ABS_RZ] { pad.axis(code, 1) }
      // What was pressed before the loop ran asks for nothing.
      try #require(command.says("| disarmed |"), "\(command.heard)")
      try #require(
        attempt(command, "| hold |") {
          pad.key(BTN_START, true)
          usleep(100_000)
          pad.key(BTN_START, false)
        }, "\(command.heard)")
      // Such a machine may stop the arm for the loop's own lateness: then enable anew, as a person would.
      try #require(
        attempt(command, "| teleoperation |") {
          pad.key(BTN_TR, false)
          usleep(200_000)
          pad.key(BTN_TR, true)
        }, "\(command.heard)")
      pad.axis(ABS_Y, -32768)
      usleep(300_000)
      bed.unplug(pad)
      try #require(command.says("is gone: unplugged"))
      usleep(300_000)
      kill(command.process.processIdentifier, SIGINT)
      let end = command.finish()
      #expect(end.code == 0, "\(end.errors)")
      #expect(end.output.contains("tool path of"))
      #expect(end.output.contains("stopped by Ctrl-C"))
    }

    /// Does something, again and again, until the command says `text`.
    private func attempt(_ command: PadCommand, _ text: String, _ action: () -> Void) -> Bool {
      let end = Date(timeIntervalSinceNow: TestPad.patience)
      repeat {
        action()
        if command.says(text, patience: 2) { return true }
      } while Date() < end
      return false
    }
  }
}
