import ArmModel
import CEvdev
import CPadTestbed
import CSystem
import Foundation
import Glibc
import TestSupport
import Testing

@testable import Gamepads

extension GamepadDeviceTests {
  @Suite struct Reader {
    /// Waits until the reader's newest input is as wanted.
    func wait(_ reader: GamepadReader, until condition: (OperatorInput) -> Bool) -> Bool {
      let end = sinew_now_ns() + Int64(TestPad.patience * 1e9)
      repeat {
        if condition(reader.latest()) { return true }
        usleep(500)
      } while sinew_now_ns() < end
      return false
    }

    func makeReader() throws -> GamepadReader {
      try GamepadReader(options: GamepadOptions(mapper: PadMapper(userFolder: nil)))
    }

    @Test("the reader's thread hands over the newest input, keeps its stamp young, and ends with nobody there")
    func reader() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      let reader = try makeReader()
      #expect(wait(reader) { $0.status.has(.present) })
      pad.key(BTN_EAST, true)
      #expect(wait(reader) { $0.held.has(.stop) && $0.presses[1] == 1 })
      let stamp = reader.latest().stamp
      #expect(wait(reader) { $0.stamp > stamp })
      #expect(reader.takeNotes().count == 1)
      reader.stop()
      #expect(reader.latest().status.rawValue == 0)
      #expect(reader.latest().stamp == 0)
    }

    @Test(
      "looking at the reader allocates nothing",
      .enabled(if: AllocationCount.isAvailable, "this program has another allocator"))
    func allocations() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      let reader = try makeReader()
      #expect(wait(reader) { $0.status.has(.present) })
      pad.key(BTN_EAST, true)
      var presses = OperatorPresses()
      var seen: UInt16 = 0
      func look() {
        let input = reader.latest().current(at: sinew_now_ns())
        seen |= presses.take(input).rawValue | input.held.rawValue
        reader.play(.armed)
      }
      look()
      let count = AllocationCount.during { for _ in 0..<1000 { look() } }
      #expect(count == AllocationCount(allocations: 0, frees: 0))
    }

    @Test("a press of the stop shorter than anybody looks is found by its count")
    func shortPress() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      let reader = try makeReader()
      #expect(wait(reader) { $0.status.has(.present) })
      var presses = OperatorPresses()
      _ = presses.take(reader.latest())
      pad.send(EV_KEY, BTN_EAST, 1)
      pad.send(EV_KEY, BTN_EAST, 0)
      pad.report()
      #expect(wait(reader) { presses.take($0).has(.stop) && $0.held.rawValue == 0 })
    }

    @Test("20,000 events at up to 10,000 a second: none is lost, the last counts, a stop behind them acts")
    func flood() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      let reader = try makeReader()
      #expect(wait(reader) { $0.status.has(.present) })
      touchSticks(pad, xboxSticks)
      #expect(wait(reader) { $0.status.has(.neutral) })
      var sent = 0
      let start = sinew_now_ns()
      // 5,000 frames of two events each second, fewer where the reader cannot.
      while sent < 10_000 {
        let due = min(10_000, Int((sinew_now_ns() - start) / 200_000))
        while sent < due {
          pad.axis(ABS_X, sent % 2 == 0 ? 30000 : -30000)
          sent += 1
        }
        usleep(200)
      }
      pad.key(BTN_EAST, true)
      #expect(wait(reader) { $0.held.has(.stop) })
      pad.axis(ABS_X, 32767)
      #expect(wait(reader) { $0.leftX > 0.99 }, "\(reader.latest())")
      #expect(reader.latest().losses == 0 && reader.latest().connection == 1)
    }

    @Test("a stop behind as many events as a device holds acts in the turn in which it is read")
    func stopBehindMany() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      var monitor = try makeMonitor()
      #expect(monitor.poll { $0.status.has(.present) })
      touchSticks(pad, xboxSticks)
      monitor.settle(pad)
      let before = monitor.interpreter?.eventCount ?? 0
      // Two for the stop and its report.
      let frames = TestPad.room / 2 - 1
      for frame in 0..<frames { pad.axis(ABS_X, frame % 2 == 0 ? 30000 : -30000) }
      pad.key(BTN_EAST, true)
      #expect(pad.unread == TestPad.room)
      monitor.settle(pad)
      #expect(monitor.input.held.has(.stop) && monitor.input.presses[1] == 1)
      #expect(monitor.interpreter?.eventCount == before + frames + 1)
    }

    @Test("what a turn leaves of many events is taken in the next ones, though nothing more comes")
    func turns() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      var monitor = try makeMonitor()
      #expect(monitor.poll { $0.status.has(.present) })
      touchSticks(pad, xboxSticks)
      monitor.settle(pad)
      monitor.mostEventsPerTurn = TestPad.room / 3 + 1
      for frame in 0..<(TestPad.room / 2 - 1) { pad.axis(ABS_X, frame % 2 == 0 ? 30000 : -30000) }
      pad.key(BTN_EAST, true)
      // As a rule the first turn reads all of them, and takes a third.
      monitor.settle(pad)
      for _ in 0..<2 { monitor.poll(until: sinew_now_ns()) }
      #expect(monitor.input.held.has(.stop) && monitor.input.presses[1] == 1)
    }

    @Test("rumble: the effect is stored and played; the second pulse follows the first")
    func rumble() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360") { fixture in
        withUnsafeMutableBytes(of: &fixture.state.force_bits) { $0[Int(FF_RUMBLE) / 8] |= 1 << UInt8(FF_RUMBLE % 8) }
        withUnsafeMutableBytes(of: &fixture.state.event_bits) { $0[Int(EV_FF) / 8] |= 1 << UInt8(EV_FF % 8) }
      }
      var monitor = try makeMonitor()
      #expect(monitor.poll { $0.status.has(.present) })
      #expect(monitor.capabilities?.hasRumble == true)
      monitor.play(.recorded)
      #expect(monitor.poll { _ in pad.asked.rumbles_stored == 2 })
      #expect(pad.asked.last_rumble.type == UInt16(FF_RUMBLE))
      #expect(pad.asked.last_rumble.replay.length == 100)
      #expect(pad.asked.last_rumble.u.rumble.strong_magnitude > 0)
      let written = [pad.received(), pad.received()]
      #expect(written.allSatisfy { $0?.type == UInt16(EV_FF) && $0?.value == 1 })
    }

    @Test("a pad without rumble is asked for none")
    func noRumble() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360") { fixture in
        fixture.state.force_bits = sinew_pad_state().force_bits
      }
      var monitor = try makeMonitor()
      #expect(monitor.poll { $0.status.has(.present) })
      monitor.play(.stopped)
      monitor.idle()
      #expect(pad.asked.rumbles_stored == 0)
      #expect(pad.received(patience: 0) == nil)
    }

    @Test("the battery and the motion sensors of a pad are found; its steady stream keeps a wireless pad alive")
    func heartbeat() throws {
      let bed = try Testbed()
      defer { bed.end() }
      try bed.plug("dualshock4") { $0.state.id.bustype = 5 }
      let place = "/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0"
      try bed.add(
        """
        P: \(place)/input/input7/event7
        N: input/event7
        E: DEVNAME=/dev/input/event7
        E: SUBSYSTEM=input
        E: MAJOR=13
        E: MINOR=71
        A: dev=13:71

        P: \(place)/input/input7
        E: SUBSYSTEM=input
        A: name=Sony Interactive Entertainment Wireless Controller Motion Sensors
        A: properties=40
        A: capabilities/key=0
        A: capabilities/abs=3f

        P: \(place)/power_supply/ps-controller-battery-a0:ab:51:00:00:01
        E: SUBSYSTEM=power_supply
        A: capacity=85
        A: status=Discharging

        """)
      let found = try #require(PadDiscovery.scan().first)
      #expect(found.battery == PadBattery(percent: 85, state: "Discharging"))
      #expect(found.heartbeatPath == "/dev/input/event7")
      #expect(found.identity.isWireless)
      #expect(found.lastingPath == "/dev/input/by-id/usb-dualshock4-event-joystick")
      var monitor = try makeMonitor()
      #expect(monitor.poll { $0.status.has([.present, .wireless, .heartbeat]) })
    }

    @Test("a device that floods without ever closing a report is taken in parts")
    func noReports() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      var monitor = try makeMonitor()
      #expect(monitor.poll { $0.status.has(.present) })
      for round in 0..<6 {
        for step in 0..<100 { pad.send(EV_ABS, ABS_X, Int32(round * 100 + step)) }
        monitor.settle(pad)
      }
      #expect(monitor.interpreter?.eventCount == 600)
      pad.key(BTN_EAST, true)
      #expect(monitor.poll { $0.held.has(.stop) })
    }
  }
}
