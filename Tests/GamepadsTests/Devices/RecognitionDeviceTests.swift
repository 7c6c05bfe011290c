import ArmModel
import CEvdev
import Testing

@testable import Gamepads

extension GamepadDeviceTests {
  @Suite struct Recognition {
    /// What a pad's codes must mean, written from the drivers' tables and not from our own.
    struct Expectation: Sendable, CustomTestStringConvertible {
      let fixture: String
      let mapping: String
      let enable: Int32
      let stop: Int32
      let shift: Int32
      /// The two codes that X and Y may be.
      let unused: [Int32]
      let buttons: [OperatorRole: Int32]
      let sticks: [Int32]
      /// Least, middle, most of the sticks.
      let stick: (least: Int32, middle: Int32, most: Int32)
      let triggers: [Int32]
      let trigger: Int32
      var testDescription: String { fixture }

      static func standard(
        _ fixture: String, _ mapping: String, stick: (Int32, Int32, Int32), trigger: Int32
      ) -> Expectation {
        Expectation(
          fixture: fixture, mapping: mapping, enable: 0x137, stop: 0x131, shift: 0x136, unused: [0x133, 0x134],
          buttons: [.start: 0x13B, .success: 0x130, .failure: 0x13A], sticks: [0, 1, 3, 4], stick: stick,
          triggers: [2, 5], trigger: trigger)
      }
    }

    static let expectations = [
      Expectation.standard("xbox360", "built in (Xbox)", stick: (-32768, 0, 32767), trigger: 255),
      .standard("xboxone-usb", "built in (Xbox)", stick: (-32768, 0, 32767), trigger: 1023),
      .standard("dualshock4", "built in (PlayStation)", stick: (0, 128, 255), trigger: 255),
      .standard("f310-x", "built in (Xbox)", stick: (-32768, 0, 32767), trigger: 255),
      .standard("madcatz", "built in (Xbox)", stick: (-32768, 0, 32767), trigger: 255),
    ]

    @Test("every recorded pad is recognised, and its controls have the right roles", arguments: expectations)
    func roles(_ pad: Expectation) throws {
      let bed = try Testbed()
      defer { bed.end() }
      let device = try bed.plug(pad.fixture)
      var monitor = try makeMonitor()
      #expect(monitor.poll { $0.status.has(.present) })
      guard case .connected(let identity, let mapping) = try #require(monitor.takeNotes().first) else {
        Issue.record("no pad connected")
        return
      }
      #expect(identity.path == "/dev/input/event5")
      #expect(mapping == pad.mapping)
      touchSticks(device, pad.sticks.map { ($0, pad.stick.most, pad.stick.middle) })
      touchSticks(device, pad.triggers.map { ($0, pad.trigger, 0) })
      #expect(monitor.poll { $0.status.has([.known, .neutral]) })

      for (role, code) in pad.buttons.merging([.enable: pad.enable, .stop: pad.stop], uniquingKeysWith: { $1 }) {
        var presses = OperatorPresses()
        _ = presses.take(monitor.input)
        device.key(code, true)
        #expect(monitor.poll { $0.held.has(role) }, "\(role.name)")
        #expect(monitor.input.held == OperatorButtons(role), "\(role.name) alone")
        #expect(presses.take(monitor.input) == OperatorButtons(role))
        device.key(code, false)
        #expect(monitor.poll { $0.held.rawValue == 0 }, "\(role.name) let go")
      }
      // The shift control turns the stop into a release.
      device.key(pad.shift, true)
      device.key(pad.stop, true)
      #expect(monitor.poll { $0.held.has(.release) && $0.held.has(.stop) })
      device.key(pad.stop, false)
      device.key(pad.shift, false)
      #expect(monitor.poll { $0.held.rawValue == 0 })
      // The d-pad.
      for (role, code, value) in [
        (OperatorRole.discard, ABS_HAT0X, Int32(-1)), (.mode, ABS_HAT0X, 1), (.faster, ABS_HAT0Y, -1),
        (.slower, ABS_HAT0Y, 1),
      ] {
        device.axis(code, value)
        #expect(monitor.poll { $0.held == OperatorButtons(role) }, "\(role.name)")
        device.axis(code, 0)
        #expect(monitor.poll { $0.held.rawValue == 0 })
      }
      // The two buttons that drivers name differently do nothing at all.
      let before = monitor.input.presses
      for code in pad.unused { device.key(code, true) }
      monitor.settle(device)
      #expect(monitor.input.held.rawValue == 0)
      for index in 0..<16 { #expect(monitor.input.presses[index] == before[index]) }
      for code in pad.unused { device.key(code, false) }

      try sticksAndTriggers(pad, device, &monitor)
    }

    func sticksAndTriggers(_ pad: Expectation, _ device: TestPad, _ monitor: inout GamepadMonitor) throws {
      device.axis(pad.sticks[0], pad.stick.most)
      #expect(monitor.poll { $0.leftX > 0.99 && abs($0.leftY) < 0.02 })
      device.axis(pad.sticks[0], pad.stick.middle)
      // Up is away from the person; the kernel's y is negative there.
      device.axis(pad.sticks[1], pad.stick.least)
      #expect(monitor.poll { abs($0.leftX) < 0.02 && $0.leftY > 0.99 })
      device.axis(pad.sticks[1], pad.stick.middle)
      device.axis(pad.sticks[2], pad.stick.least)
      #expect(monitor.poll { $0.rightX < -0.99 && abs($0.rightY) < 0.02 })
      device.axis(pad.sticks[2], pad.stick.middle)
      device.axis(pad.sticks[3], pad.stick.most)
      #expect(monitor.poll { $0.rightY < -0.99 })
      device.axis(pad.sticks[3], pad.stick.middle)
      device.axis(pad.triggers[0], pad.trigger)
      #expect(monitor.poll { $0.gripper == -1 })
      #expect(!monitor.input.status.has(.neutral))
      device.axis(pad.triggers[0], 0)
      device.axis(pad.triggers[1], pad.trigger)
      #expect(monitor.poll { $0.gripper == 1 })
      device.axis(pad.triggers[1], 0)
      #expect(monitor.poll { $0.status.has(.neutral) && $0.gripper == 0 })
    }

    @Test("a recorded life of each pad ends with nothing held", arguments: expectations.map(\.fixture))
    func recording(_ fixture: String) throws {
      let bed = try Testbed()
      defer { bed.end() }
      let device = try bed.plug(fixture)
      var monitor = try makeMonitor()
      #expect(monitor.poll { $0.status.has(.present) })
      var sent = 0
      for event in device.events {
        device.send(Int32(event.type), Int32(event.code), event.value)
        sent += 1
        if sent % 100 == 0 { monitor.settle(device) }
      }
      monitor.settle(device)
      let reports = device.events.count { $0.type == 0 }
      #expect(monitor.interpreter?.eventCount == device.events.count - reports)
      #expect(monitor.input.losses == 0)
      // Each button of the scripts was pressed once.
      if fixture != "madcatz" {
        for role in [OperatorRole.enable, .stop, .success, .failure, .start, .discard, .mode, .faster, .slower] {
          #expect(monitor.input.presses[Int(role.rawValue)] == 1, "\(role.name)")
        }
        for role in [OperatorRole.release, .reset, .park] { #expect(monitor.input.presses[Int(role.rawValue)] == 0) }
        #expect(monitor.input.held.rawValue == 0)
      }
    }

    @Test("pads without a recording are recognised by the driver's tables", arguments: MadePad.all)
    func made(_ made: MadePad) throws {
      let bed = try Testbed()
      defer { bed.end() }
      let device = try bed.plug("xbox360") { made.apply(to: &$0) }
      var monitor = try makeMonitor()
      #expect(monitor.poll { $0.status.has(.present) })
      guard case .connected(_, let mapping) = try #require(monitor.takeNotes().first) else {
        Issue.record("no pad connected")
        return
      }
      #expect(mapping == made.mapping)
      #expect(monitor.input.status.has(.wireless) == (made.bus == 5 || made.isReceiver))
      touchSticks(device, made.sticks.map { ($0, made.range.1, (made.range.0 + made.range.1) / 2) })
      #expect(monitor.poll { $0.status.has([.known, .neutral]) })
      device.key(made.enable, true)
      #expect(monitor.poll { $0.held == OperatorButtons(.enable) && $0.status.has(.neutralAtEnable) })
      device.key(made.stop, true)
      #expect(monitor.poll { $0.held.has(.stop) && $0.held.has(.enable) })
      device.axis(made.sticks[2], made.range.1)
      #expect(monitor.poll { $0.rightX > 0.99 && $0.leftX == 0 })
      if made.triggers.isEmpty {
        device.key(made.triggerKeys[1], true)
      } else {
        device.axis(made.triggers[1], made.triggerMost)
      }
      #expect(monitor.poll { $0.gripper == 1 })
    }
  }
}
