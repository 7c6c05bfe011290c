import ArmModel
import CAllocationCounter
import CSystem
import Glibc
import ServoBus
import VirtualServos

/// Counts what the ticks of a servo arm ask of the allocator while its bus is faulty: `allocation-probe ARM TICKS`.
///
/// A program of its own, because the testing library looks at every error that is thrown, on the heap: here each thrown
/// error costs what it costs in the product. One line a phase: its name, ticks, ticks that threw, allocations, frees.
@main
enum AllocationProbe {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3, let ticks = Int(arguments[2]), sinew_allocations_are_counted() else { exit(64) }
    let emulated = try VirtualArm(arguments[1])
    let servos = try emulated.setups(baud: 1_000_000, returnDelay: 0, calibration: emulated.calibration)
    let bus = try VirtualServoBus(VirtualBusConfiguration(servos: servos), physics: emulated.independentPhysics())
    let (server, host) = try ServoBusServer.socketPair(bus)
    let configuration = ServoArmConfiguration(
      profile: emulated.profile, calibration: emulated.calibration, controlPeriod: 10_000_000)
    var arm = try ServoArm.connect(try Transport(descriptor: host), configuration: configuration)
    let mute = emulated.ids[1]

    // Everything once, so that the first call of each path is over.
    _ = drive(&arm, ticks: 100)
    for _ in 0..<2 {
      for phase in phases {
        server.withBus { $0.faults = phase.faults(mute) }
        _ = drive(&arm, ticks: 30)
      }
    }
    for phase in phases {
      server.withBus { $0.faults = phase.faults(mute) }
      report(phase.name, drive(&arm, ticks: ticks))
    }
    server.stop()
    _ = drive(&arm, ticks: 5)
    report("port-gone", drive(&arm, ticks: ticks))
  }

  /// What goes wrong in some ticks.
  private struct Phase {
    let name: String
    let faults: @Sendable (_ servo: UInt8) -> FaultSettings

    init(_ name: String, _ change: @escaping @Sendable (inout FaultSettings, UInt8) -> Void) {
      self.name = name
      faults = { servo in
        var faults = FaultSettings()
        change(&faults, servo)
        return faults
      }
    }
  }

  private static let phases = [
    Phase("clean") { _, _ in },
    Phase("damaged") { faults, _ in faults.bitErrorsToHost = 0.01 },
    Phase("damaged-requests") { faults, _ in faults.bitErrorsToServos = 0.01 },
    Phase("bytes-lost") { faults, _ in faults.byteDrop = 0.05 },
    Phase("answers-lost") { faults, _ in faults.packetDrop = 0.5 },
    Phase("late") { faults, _ in
      faults.late = 0.5
      faults.lateBy = 30_000_000
    },
    Phase("garbage-and-duplicates") { faults, _ in
      faults.garbage = 0.5
      faults.duplicate = 0.5
    },
    Phase("mute-servo") { faults, servo in faults.mute = [servo] },
    Phase("all-mute") { faults, _ in faults.packetDrop = 1 },
  ]

  private struct Tally {
    var ticks = 0
    var thrown = 0
    var allocations: UInt64 = 0
    var frees: UInt64 = 0
  }

  private static func drive(_ arm: inout ServoArm, ticks: Int) -> Tally {
    var state = JointState(count: arm.jointCount)
    var tally = Tally(ticks: ticks)
    for _ in 0..<ticks {
      let now = sinew_now_ns()
      let (allocations, frees) = (sinew_malloc_count(), sinew_free_count())
      let hasThrown = !tick(&arm, &state, now)
      tally.allocations += sinew_malloc_count() - allocations
      tally.frees += sinew_free_count() - frees
      if hasThrown { tally.thrown += 1 }
    }
    return tally
  }

  /// Reads and commands, whatever the reading said; false when either threw.
  private static func tick(_ arm: inout ServoArm, _ state: inout JointState, _ now: Int64) -> Bool {
    var isWell = true
    do throws(ArmError) { try arm.read(into: &state, now: now) } catch { isWell = false }
    do throws(ArmError) {
      if arm.power == .on || arm.power == .mixed {
        var command = JointCommand(mode: .position, goal: state.position, stamp: now)
        command.goal[0] += 0.01
        try arm.write(command)
      } else {
        try arm.energise(now: now)
      }
    } catch { isWell = false }
    return isWell
  }

  private static func report(_ name: String, _ tally: Tally) {
    print(name, tally.ticks, tally.thrown, tally.allocations, tally.frees)
  }
}
