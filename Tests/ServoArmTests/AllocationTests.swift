import ArmModel
import CSystem
import ServoBus
import TestSupport
import Testing
import VirtualServos

/// On the control thread nothing is asked of the allocator, whatever the bus does.
///
/// Ticks in which an error is thrown are left out: the testing library takes a backtrace of every error, on the heap. That
/// the code of such ticks neither allocates nor locks is what the compiler proves.
@Suite(.enabled(if: AllocationCount.isAvailable)) struct AllocationTests {
  /// What some ticks asked for, and how many of them were counted.
  private struct Tally {
    var counted = 0
    var allocations = 0
    var frees = 0
  }

  private func drive(_ arm: inout ServoArm, ticks: Int) -> Tally {
    var state = JointState(count: 3)
    var tally = Tally()
    for _ in 0..<ticks {
      let now = sinew_now_ns()
      var isClean = true
      let count = AllocationCount.during {
        do throws(ArmError) {
          try arm.read(into: &state, now: now)
          if arm.power == .on || arm.power == .mixed {
            try arm.write(JointCommand(mode: .position, goal: JointVector(repeating: 0.1, count: 3), stamp: now))
          } else {
            try arm.energise(now: now)
          }
        } catch { isClean = false }
      }
      guard isClean else { continue }
      tally.counted += 1
      tally.allocations += count.allocations
      tally.frees += count.frees
    }
    return tally
  }

  @Test(arguments: [(Rig.Kind.sts, 10_000), (.xl330, 10_000), (.xl430, 1000), (.scs, 1000), (.ax, 1000)])
  func `Ticks, torque on and off, and faults`(kind: Rig.Kind, count: Int) throws {
    var rig = try Rig(kind)
    rig.bus.faults.bitErrorsToHost = 1e-5
    try rig.run { server, arm in
      func release() { do throws(ArmError) { try arm.release(now: sinew_now_ns()) } catch {} }
      // Everything once, so that the first call of each path is over.
      _ = drive(&arm, ticks: 200)
      server.restart(1)
      _ = drive(&arm, ticks: 100)
      release()
      _ = drive(&arm, ticks: 200)
      let running = drive(&arm, ticks: count)
      server.restart(1)
      let failing = drive(&arm, ticks: count / 10)
      let ending = AllocationCount.during { release() }
      let again = drive(&arm, ticks: count / 10)
      for tally in [running, failing, again] { #expect(tally.allocations == 0 && tally.frees == 0) }
      #expect(ending == AllocationCount(allocations: 0, frees: 0))
      // A very busy machine starves the servos' thread, and reads are lost.
      #expect(running.counted > count / 10)
    }
  }
}
