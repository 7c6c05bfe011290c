import ArmModel
import CSystem
import Foundation
import ServoBus
import TestSupport
import Testing
import VirtualServos

/// On the control thread nothing is asked of the allocator, whatever the bus does.
///
/// Here ticks in which an error is thrown are left out: the testing library takes a backtrace of every error, on the heap.
/// A typed error that is thrown allocates nothing; a program without that library shows it.
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

  @Test(
    "Ticks that throw: damaged, lost and late answers, a mute servo, a port that is gone",
    arguments: ["so101", "vx300s"])
  func throwing(arm: String) throws {
    let probe = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent("allocation-probe")
    let process = Process()
    process.executableURL = probe
    process.arguments = [arm, "100"]
    let output = Pipe()
    process.standardOutput = output
    // A machine that is very busy may not find the arm at first.
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    var thrown: [String: Int] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      try #require(words.count == 5)
      thrown[words[0]] = Int(words[2])
      #expect(words[3] == "0" && words[4] == "0", "\(line)")
    }
    #expect(thrown.count == 10)
    for phase in ["damaged", "damaged-requests", "bytes-lost", "all-mute", "port-gone"] {
      #expect(thrown[phase] ?? 0 > 0, "\(phase): \(text)")
    }
  }
}
