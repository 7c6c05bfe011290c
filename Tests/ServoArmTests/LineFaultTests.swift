import ArmModel
import CSystem
import ServoBus
import Testing
import VirtualServos

/// A bad line: no wrong reading is believed, and no datum is older than it says.
@Suite struct LineFaultTests {
  @Test(
    arguments: [Rig.Kind.sts, .xl330, .xl430, .scs], ["bit-errors=1e-4", "garbage=0.02", "duplicate=0.02", "late=0.01"])
  func `Readings are right or absent`(kind: Rig.Kind, fault: String) throws {
    var rig = try Rig(kind)
    rig.bus.faults = try FaultSettings.parse([fault])
    rig.isPuppet = true
    // Over such a line a connection may be refused as disturbed; not five times in a row.
    for seed in 0..<5 {
      rig.bus.seed = UInt64(seed)
      let (server, host) = try ServoBusServer.socketPair(rig.makeBus())
      defer { server.stop() }
      let transport = try Transport(descriptor: host)
      do throws(ServoArmError) {
        var arm = try ServoArm.connect(transport, configuration: rig.configuration)
        drive(&arm, rig)
        return
      } catch {
        switch error.kind {
        case .duplicate, .bus, .missing: continue
        default: Issue.record("\(error)")
        }
      }
    }
    Issue.record("never connected")
  }

  private func drive(_ arm: inout ServoArm, _ rig: Rig) {
    var state = JointState(count: 3)
    var (good, wrong) = (0, 0)
    let ticks = rig.kind.wire == "feetech-scs" ? 100 : 300
    for _ in 0..<ticks {
      do throws(ArmError) {
        try arm.read(into: &state, now: sinew_now_ns())
        good += 1
      } catch { continue }
      for joint in 0..<3 where abs(state.position[joint] - rig.starts[joint]) > rig.step || state.age[joint] < 0 {
        wrong += 1
      }
    }
    #expect(wrong == 0)
    #expect(good > ticks * 3 / 4)
    #expect(arm.power == .off)
  }
}
