import ArmModel
import CEvdev
import CPadTestbed
import CSystem
import Foundation
import Glibc
import Testing

@testable import Gamepads

extension GamepadDeviceTests {
  @Suite struct Life {
    /// An Xbox 360 pad that is known, neutral and enabled, with the left stick pushed to the right.
    func deflected(_ monitor: inout GamepadMonitor, _ pad: TestPad) {
      #expect(monitor.poll { $0.status.has(.present) })
      touchSticks(pad, xboxSticks)
      #expect(monitor.poll { $0.status.has(.neutral) })
      pad.key(BTN_TR, true)
      #expect(monitor.poll { $0.held.has(.enable) && $0.status.has(.neutralAtEnable) })
      pad.axis(ABS_X, 30000)
      #expect(monitor.poll { $0.leftX > 0.8 })
    }

    @Test("a pad that is there at the start is found at once; without one nobody is there")
    func start() throws {
      let bed = try Testbed()
      defer { bed.end() }
      // The made-up world has its /dev/input with its first device, and only then can it be watched.
      bed.unplug(try bed.plug("xbox360", number: 4))
      var monitor = try makeMonitor()
      // Not by looking once in a while: then only being told of a pad remains.
      monitor.lookInterval = 3_600_000_000_000
      monitor.idle()
      #expect(monitor.input.status.rawValue == 0)
      #expect(monitor.input.connection == 0)
      #expect(monitor.identity == nil)
      // The stamp lives all the same: the reader looks, and sees nobody.
      let stamp = monitor.input.stamp
      monitor.poll(until: sinew_now_ns())
      #expect(monitor.input.stamp > stamp)
      try bed.plug("xbox360")
      #expect(monitor.poll { $0.status.has(.present) })
      #expect(monitor.input.connection == 1)
      #expect(monitor.identity?.name == "Microsoft X-Box 360 pad")
    }

    @Test("events carry monotonic times, and the newest one is told")
    func stamps() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      var monitor = try makeMonitor()
      #expect(monitor.poll { $0.status.has(.present) })
      #expect(pad.asked.clock_choices > 0)
      let before = sinew_now_ns()
      pad.key(BTN_SOUTH, true)
      #expect(monitor.poll { $0.held.has(.success) })
      // The kernel's stamps have microseconds.
      #expect(monitor.input.eventStamp >= before - 1000)
      #expect(monitor.input.eventStamp <= monitor.input.stamp)
    }

    @Test("a pad that gives no monotonic times gets those of reading")
    func foreignClock() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360") { $0.state.clock_error = EINVAL }
      var monitor = try makeMonitor()
      #expect(monitor.poll { $0.status.has(.present) })
      let before = sinew_now_ns()
      pad.key(BTN_SOUTH, true)
      #expect(monitor.poll { $0.held.has(.success) })
      #expect(monitor.input.eventStamp >= before)
    }

    @Test("unplugged while deflected and enabled: nothing of it is left", arguments: ["hang-up", "ENODEV", "EIO"])
    func unplug(_ way: String) throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      var monitor = try makeMonitor()
      deflected(&monitor, pad)
      _ = monitor.takeNotes()
      if way == "hang-up" {
        pad.hangUp()
      } else {
        pad.change { $0.read_error = way == "ENODEV" ? ENODEV : EIO }
        pad.key(BTN_SOUTH, true)
      }
      #expect(monitor.poll { !$0.status.has(.present) })
      let input = monitor.input
      #expect(input.leftX == 0 && input.held.rawValue == 0 && input.status.rawValue == 0)
      guard case .lost(let identity, _) = try #require(monitor.takeNotes().first) else {
        Issue.record("the loss is not told")
        return
      }
      #expect(identity.path == pad.path)
    }

    @Test("events that wait when the pad goes count no more")
    func waitingEvents() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      var monitor = try makeMonitor()
      deflected(&monitor, pad)
      for step in 0..<50 { pad.axis(ABS_Y, Int32(step * 600)) }
      pad.hangUp()
      #expect(monitor.poll { !$0.status.has(.present) })
      #expect(monitor.input.leftY == 0 && monitor.input.leftX == 0)
    }

    @Test("plugged in again with the stick deflected and the enable held: nothing moves before neutral and a new press")
    func replug() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      var monitor = try makeMonitor()
      deflected(&monitor, pad)
      bed.unplug(pad)
      #expect(monitor.poll { !$0.status.has(.present) })
      let again = try bed.plug("xbox360", number: 6) {
        $0.state.setKey(Int(BTN_TR), true)
        for code in [0, 1, 3, 4] { $0.state.setAxis(code, value: 30000) }
      }
      #expect(monitor.poll { $0.status.has(.present) })
      #expect(monitor.input.connection == 2)
      #expect(monitor.identity?.path == "/dev/input/event6")
      monitor.idle()
      #expect(monitor.input.status.has([.known, .enableIsDown]))
      #expect(!monitor.input.status.has(.neutral))
      #expect(!monitor.input.held.has(.enable))
      // A new press with the sticks still deflected is an enable, but not from neutral.
      again.key(BTN_TR, false)
      again.key(BTN_TR, true)
      #expect(monitor.poll { $0.held.has(.enable) })
      #expect(!monitor.input.status.has(.neutralAtEnable))
      again.key(BTN_TR, false)
      touchSticks(again, xboxSticks)
      #expect(monitor.poll { $0.status.has(.neutral) })
      again.key(BTN_TR, true)
      #expect(monitor.poll { $0.held.has(.enable) && $0.status.has(.neutralAtEnable) })
    }

    @Test("events thrown away with a release among them: the enable counts as released until pressed anew")
    func lostRelease() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      var monitor = try makeMonitor()
      deflected(&monitor, pad)
      _ = monitor.takeNotes()
      // The release and the stick's way back never arrive as events: the kernel knows of them, and says that some were lost.
      pad.change {
        $0.setKey(Int(BTN_TR), false)
        $0.setAxis(Int(ABS_X), value: 300)
      }
      pad.send(EV_SYN, SYN_DROPPED, 0)
      pad.report()
      #expect(monitor.poll { $0.losses == 1 })
      #expect(!monitor.input.held.has(.enable))
      #expect(!monitor.input.status.has(.enableIsDown))
      #expect(monitor.input.status.has(.eventsLost))
      #expect(monitor.input.leftX == 0)
      #expect(monitor.takeNotes() == [.eventsLost])
      pad.key(BTN_TR, true)
      #expect(monitor.poll { $0.held.has(.enable) && !$0.status.has(.eventsLost) })
    }

    @Test("events thrown away while the enable stays down: it counts as released all the same")
    func lostAndStillHeld() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      var monitor = try makeMonitor()
      deflected(&monitor, pad)
      let presses = monitor.input.presses[0]
      // A stop that was pressed meanwhile acts.
      pad.change { $0.setKey(Int(BTN_EAST), true) }
      pad.send(EV_SYN, SYN_DROPPED, 0)
      pad.report()
      #expect(monitor.poll { $0.losses == 1 })
      #expect(monitor.input.held == OperatorButtons(.stop))
      #expect(monitor.input.presses[1] == 1)
      monitor.idle()
      #expect(monitor.input.status.has([.eventsLost, .enableIsDown]))
      #expect(monitor.input.presses[0] == presses)
      pad.key(BTN_TR, false)
      pad.key(BTN_TR, true)
      #expect(monitor.poll { $0.held.has(.enable) })
      #expect(monitor.input.presses[0] == presses &+ 1)
    }

    @Test("a pad that stands at 0 because it has not reported yet is not taken for a deflected stick")
    func firstReport() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("dualshock4") { for code in 0...5 { $0.state.setAxis(code, value: 0) } }
      var monitor = try makeMonitor()
      #expect(monitor.poll { $0.status.has(.present) })
      pad.key(BTN_TR, true)
      #expect(monitor.poll { $0.held.has(.enable) })
      #expect(!monitor.input.status.has(.known) && !monitor.input.status.has(.neutral))
      #expect(!monitor.input.status.has(.neutralAtEnable))
      #expect(monitor.input.leftX == 0 && monitor.input.leftY == 0)
      #expect(monitor.interpreter?.unknownControls == [.leftX, .leftY, .rightX, .rightY])
      // Three of four axes are not enough.
      for code in [ABS_X, ABS_Y, ABS_RX] { pad.axis(code, 128) }
      monitor.settle(pad)
      #expect(!monitor.input.status.has(.known))
      pad.axis(ABS_RY, 127)
      #expect(monitor.poll { $0.status.has([.known, .neutral]) })
      #expect(!monitor.input.status.has(.neutralAtEnable))
      pad.axis(ABS_X, 0)
      #expect(monitor.poll { $0.leftX < -0.99 })
    }

    @Test("a second pad is named and ignored, its stop and its sticks too; it never takes over")
    func secondPad() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let first = try bed.plug("xbox360", number: 5)
      let second = try bed.plug("xbox360", number: 6, port: "1-2")
      var monitor = try makeMonitor()
      deflected(&monitor, first)
      #expect(monitor.identity?.path == first.path)
      monitor.idle()
      #expect(
        monitor.takeNotes().contains { if case .ignored(let pad) = $0 { pad.path == second.path } else { false } })
      let held = monitor.input.held
      second.axis(ABS_Y, -32768)
      second.key(BTN_EAST, true)
      monitor.idle()
      #expect(monitor.input.held == held && abs(monitor.input.leftY) < 0.02)
      second.key(BTN_EAST, false)
      // The first goes; the second has been there all the time.
      bed.unplug(first)
      #expect(monitor.poll { !$0.status.has(.present) })
      second.key(BTN_TR, true)
      monitor.idle(1.3)
      #expect(!monitor.input.status.has(.present))
      // The first comes back.
      try bed.plug("xbox360", number: 7)
      #expect(monitor.poll { $0.status.has(.present) })
      #expect(monitor.identity?.path == "/dev/input/event7")
    }

    @Test("the pad that was named is used, and no other")
    func pinned() throws {
      let bed = try Testbed()
      defer { bed.end() }
      try bed.plug("xbox360", number: 5)
      try bed.plug("dualshock4", number: 6, port: "1-2")
      var monitor = try makeMonitor(path: "/dev/input/event6")
      #expect(monitor.poll { $0.status.has(.present) })
      #expect(monitor.identity?.vendor == 0x054C)
      var other = try makeMonitor(path: "/dev/input/event9")
      other.idle()
      #expect(!other.input.status.has(.present))
    }

    @Test("keeping the pad to oneself is asked for only on demand; a pad that another has is refused by name")
    func grab() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      var open = try makeMonitor()
      #expect(open.poll { $0.status.has(.present) })
      #expect(pad.asked.grabs == 0)
      var grabbing = try makeMonitor(grabs: true)
      #expect(grabbing.poll { $0.status.has(.present) })
      #expect(pad.asked.grabs == 1)
      pad.change { $0.grab_error = EBUSY }
      var late = try makeMonitor(grabs: true)
      late.idle()
      #expect(!late.input.status.has(.present))
      guard case .refused(let error) = try #require(late.takeNotes().first) else {
        Issue.record("the refusal is not told")
        return
      }
      #expect(error.kind == .busy)
      #expect(error.description.hasPrefix("/dev/input/event5: another program keeps this pad to itself"))
      // Set free, it is taken.
      pad.change { $0.grab_error = 0 }
      #expect(late.poll { $0.status.has(.present) })
    }

    @Test(
      "without the right to the pad the rule and the group that mend it are named; granted later, it is taken",
      .enabled(if: geteuid() == 0, "needs root to give rights up"))
    func permission() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      // Of the world itself nobody is kept out, only of the pad.
      chmod(bed.root, 0o755)
      for name in (FileManager.default.subpaths(atPath: "\(bed.root)/ioctl") ?? []) + [""] {
        chmod("\(bed.root)/ioctl/\(name)", 0o777)
      }
      chmod(pad.path, 0o600)
      var monitor = try makeMonitor()
      #expect(sinew_thread_be_nobody(true))
      defer { _ = sinew_thread_be_nobody(false) }
      monitor.idle()
      #expect(!monitor.input.status.has(.present))
      let notes = monitor.takeNotes()
      guard case .refused(let error) = try #require(notes.first) else {
        Issue.record("the refusal is not told")
        return
      }
      // Said once, however often it is looked for.
      #expect(notes.count == 1)
      #expect(error.kind == .noRights)
      #expect(error.description.contains(#"ENV{ID_INPUT_JOYSTICK}=="1", TAG+="uaccess", GROUP="plugdev""#))
      #expect(error.description.contains("usermod -aG plugdev"))
      // What is known without opening it is shown all the same.
      let found = try #require(PadDiscovery.scan().first)
      #expect(found.identity.name == "Microsoft X-Box 360 pad" && found.problem?.kind == .noRights)
      _ = sinew_thread_be_nobody(false)
      chmod(pad.path, 0o666)
      _ = sinew_thread_be_nobody(true)
      #expect(monitor.poll { $0.status.has(.present) })
    }

    @Test("what is no gamepad is left alone, and a device that is none cannot be opened")
    func others() throws {
      let bed = try Testbed()
      defer { bed.end() }
      try bed.plug("xbox360") { fixture in
        // A keyboard: letters, no axes.
        withUnsafeMutableBytes(of: &fixture.state.key_bits) {
          $0.copyBytes(from: [0xFE, 0xFF] + [UInt8](repeating: 0, count: 94))
        }
        withUnsafeMutableBytes(of: &fixture.state.abs_bits) { $0.storeBytes(of: 0, as: UInt64.self) }
        fixture.text = fixture.text.replacingOccurrences(of: "capabilities/abs=3003f", with: "capabilities/abs=0")
      }
      #expect(PadDiscovery.scan().isEmpty)
      #expect(throws: GamepadError.self) { _ = try PadDevice(path: "/dev/null") }
      #expect(throws: GamepadError.self) { _ = try PadDevice(path: "/dev/input/event99") }
    }
  }
}
