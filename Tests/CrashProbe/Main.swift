import ArmModel
import ArmProfiles
import BusTrials
import CSystem
import Glibc
import RealTime
import ServoBus

/// Switches an arm of servos on and then dies in the way that is asked for: `crash-probe PORT CALIBRATION PROFILE MANNER
/// POLICY`. The policy is what a crash does to the arm: hold or release.
///
/// Writes "on" to standard output once the arm is under torque and the crash handlers stand.
@main
enum CrashProbe {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 6 else { exit(64) }
    let profile = try ArmProfile.named(arguments[3])
    let manner = arguments[4]
    var configuration = ServoArmConfiguration(
      profile: profile, calibration: try ArmCalibration.load(path: arguments[2], for: profile),
      controlPeriod: manner == "motion" ? 10_000_000 : 100_000_000)
    if manner == "motion" { try move(try connect(arguments[1], configuration), configuration) }
    configuration.crashPolicy = arguments[5] == "hold" ? .hold : .release
    let holder = Holder(try connect(arguments[1], configuration))
    // The port must be open when the end comes, whatever way it comes.
    _ = Unmanaged.passRetained(holder)
    try switchOn(&holder.arm)
    // The bytes change with every goal: first others, then those of now.
    sinew_crash_stop_say("sinew: the words of a crash\n")
    guard sinew_crash_stop_arm(holder.arm.descriptor, [0xFF], 1) == 0 else { exit(65) }
    let frame = holder.arm.crashFrame
    guard let start = frame.baseAddress else { exit(69) }
    sinew_crash_stop_update(start, frame.count)
    if manner == "insistence" {
      guard sinew_install_stop_signals() == 0 else { exit(66) }
      sinew_stop_signals_exit_at(3)
    }
    print("on")
    fflush(nil)
    if let manner = Runaway.Manner(rawValue: manner) {
      let thread = try ControlThread(stackBytes: 256 << 10) {
        do { try Runaway.run(&holder.arm, manner) } catch { exit(71) }
      }
      thread.join()
    }
    switch manner {
    case "main-thread": trap("out-of-bounds")
    case "uncaught-throw": throw Unexpected()
    case "abort": abort()
    case "idle", "insistence":
      // Servos with a watchdog must hear from us.
      var state = JointState(count: holder.arm.jointCount)
      while true {
        try? holder.arm.read(into: &state, now: sinew_now_ns())
        usleep(20_000)
      }
    default:
      let thread = try ControlThread(stackBytes: 256 << 10) { trap(manner) }
      thread.join()
    }
    exit(0)
  }

  /// To and fro at full speed until somebody kills this process; "on" whenever it has full speed.
  private static func move(_ arm: consuming ServoArm, _ configuration: ServoArmConfiguration) throws -> Never {
    var driven = DrivenArm(arm, profile: configuration.profile, period: configuration.controlPeriod)
    while true {
      guard driven.raise(), driven.run() else { continue }
      print("on")
      fflush(nil)
      while driven.decision.state == .teleoperation { driven.tick() }
    }
  }

  private struct Unexpected: Error {}

  // Unchecked: one thread at a time drives the arm.
  private final class Holder: @unchecked Sendable {
    var arm: ServoArm
    init(_ arm: consuming ServoArm) { self.arm = arm }
  }

  /// A machine that is late now and then is no reason to give up.
  private static func connect(_ path: String, _ configuration: ServoArmConfiguration) throws -> ServoArm {
    let end = sinew_now_ns() + 15_000_000_000
    while sinew_now_ns() < end {
      if let arm = try? ServoArm.connect(path: path, baud: nil, configuration: configuration) { return arm }
    }
    return try ServoArm.connect(path: path, baud: nil, configuration: configuration)
  }

  private static func switchOn(_ arm: inout ServoArm) throws {
    var state = JointState(count: arm.jointCount)
    let end = sinew_now_ns() + 20_000_000_000
    while arm.power != .on, sinew_now_ns() < end {
      try? arm.read(into: &state, now: sinew_now_ns())
      try? arm.energise(now: sinew_now_ns())
      _ = sinew_sleep_until_ns(sinew_now_ns() + 20_000_000)
    }
    guard arm.power == .on else { exit(67) }
    var command = JointCommand(mode: .position, goal: state.position, stamp: 0)
    command.stamp = sinew_now_ns()
    for joint in 0..<arm.jointCount { command.goal[joint] += 0.03 }
    try? arm.write(command)
  }
}

/// Dies on the calling thread. The values come from where the compiler cannot see them.
private func trap(_ manner: String) {
  let number = Int(getpid())
  switch manner {
  case "out-of-bounds":
    let list = [1, 2, 3]
    print(list[number])
  case "overflow":
    let most = Int.max - (number > 0 ? 0 : 1)
    print(most + number)
  case "fatal-error": fatalError("as asked")
  case "nil":
    let missing: Int? = number > 0 ? nil : 1
    // Dying of it is what this is for.
    print(unsafeUnwrapped(missing))
  case "segmentation-fault":
    let nowhere = UnsafeMutablePointer<Int>(bitPattern: 8 + (number & 0))
    nowhere?.pointee = number
  case "stack-overflow": print(deep(number))
  default: exit(68)
  }
}

// swift-format-ignore: NeverForceUnwrap
private func unsafeUnwrapped(_ number: Int?) -> Int { number! }

@inline(never)
private func deep(_ depth: Int) -> Int { depth == .min ? 0 : deep(depth + 1) + depth % 7 }
