import ArmModel
import CSystem
import ServoBus
import TestSupport
import Testing
import VirtualServos

/// On the control thread nothing is asked of the allocator, whatever the bus does.
@Suite(.enabled(if: AllocationCount.isAvailable)) struct AllocationTests {
  @Test(arguments: [(Rig.Kind.sts, 10_000), (.xl330, 10_000), (.xl430, 1000), (.scs, 1000), (.ax, 1000)])
  func `Ticks, torque on and off, and faults`(kind: Rig.Kind, count: Int) throws {
    var rig = try Rig(kind)
    rig.bus.faults.bitErrorsToHost = 1e-5
    try rig.run { server, arm in
      var state = JointState(count: 3)
      // The testing library looks at every error that is thrown, which takes one allocation each: these are not ours.
      var thrown = 0
      func ticks(_ count: Int, _ arm: inout ServoArm) {
        for _ in 0..<count {
          let now = sinew_now_ns()
          do throws(ArmError) { try arm.read(into: &state, now: now) } catch { thrown += 1 }
          do throws(ArmError) {
            if arm.power == .on || arm.power == .mixed {
              try arm.write(JointCommand(mode: .position, goal: JointVector(repeating: 0.1, count: 3), stamp: now))
            } else {
              try arm.energise(now: now)
            }
          } catch { thrown += 1 }
        }
      }
      func disturb(_ arm: inout ServoArm) {
        do throws(ArmError) { try arm.release(now: sinew_now_ns()) } catch { thrown += 1 }
      }
      // Everything once, so that the first call of each path is over.
      ticks(200, &arm)
      server.restart(1)
      ticks(100, &arm)
      disturb(&arm)
      ticks(200, &arm)
      thrown = 0
      let running = AllocationCount.during { ticks(count, &arm) }
      #expect(running.allocations <= thrown && running.frees <= thrown)
      #expect(thrown * 20 < count)
      server.restart(1)
      thrown = 0
      let failing = AllocationCount.during {
        ticks(count / 10, &arm)
        disturb(&arm)
        ticks(count / 10, &arm)
      }
      #expect(failing.allocations <= thrown && failing.frees <= thrown)
    }
  }
}
