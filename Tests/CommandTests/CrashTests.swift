import ArmModel
import ArmProfiles
import BusTrials
import CSystem
import Foundation
import Glibc
import Testing
import VirtualServos

/// A program that dies lets go of its arm: the virtual servos see torque off, whatever it died of.
@Suite(.serialized) struct CrashTests {
  private static let probe = Command.executable.replacing("/sinew", with: "/crash-probe")

  /// Calibrated servos of an SO-101 behind a pseudo-terminal; of an SO-101 with DYNAMIXEL servos where `hasWatchdog`.
  private func serve(_ folder: ScratchFolder, hasWatchdog: Bool) throws -> ServoBusServer {
    let model = try ServoModel.named(hasWatchdog ? "xm430-w350" : "sts3215-7v4")
    var profile = try ArmProfile.text(of: "so101")
    if hasWatchdog {
      profile = profile.replacing("name: feetech,", with: "name: dynamixel2,")
        .replacing("every_joint: [sts3215]", with: "every_joint: [xm430-w350]")
        .replacing("    upper: 12.6\n", with: "    upper: 14.8\n")
    }
    try folder.write(profile, to: "profile.yaml")
    let calibration = try EmulatedCalibration.make(
      profile: folder.path("profile.yaml"), model: model, ids: Array(1...6))
    try folder.write(calibration.text, to: "arm.yaml")
    let servos = zip(try ServoSetup.servos(model, ids: Array(1...6), baud: 1_000_000), calibration.joints).map {
      $0.calibrated(as: $1)
    }
    return try ServoBusServer.pseudoTerminal(
      VirtualServoBus(VirtualBusConfiguration(servos: servos, timing: BusTiming())), link: folder.path("bus"))
  }

  /// Starts the probe, waits until the arm is on, lets it die, and looks at the servos.
  private func die(
    _ manner: String, hasWatchdog: Bool = false, _ send: (Command) -> Void = { _ in }
  ) throws -> (Outcome, [Bool]) {
    let folder = try ScratchFolder()
    let server = try serve(folder, hasWatchdog: hasWatchdog)
    defer { server.stop() }
    let command = try Command(
      [folder.path("bus"), folder.path("arm.yaml"), folder.path("profile.yaml"), manner], in: folder.root,
      environment: ["SWIFT_BACKTRACE": "enable=no"], executable: Self.probe)
    let end = Date(timeIntervalSinceNow: 25)
    var wasOn = false
    while !wasOn, Date() < end {
      wasOn = server.state.servos.allSatisfy(\.isTorqueOn)
      usleep(2000)
    }
    #expect(wasOn, "the arm never came under torque")
    usleep(50_000)
    send(command)
    let outcome = try command.finish()
    // What is on the line still has to reach the servos.
    let late = Date(timeIntervalSinceNow: 2)
    if hasWatchdog {
      while !server.state.servos.allSatisfy(\.isWatchdogTripped), Date() < late { usleep(2000) }
      return (outcome, server.state.servos.map(\.isWatchdogTripped))
    }
    while server.state.servos.contains(where: \.isTorqueOn), Date() < late { usleep(2000) }
    return (outcome, server.state.servos.map(\.isTorqueOn))
  }

  private let allOff = [Bool](repeating: false, count: 6)

  @Test(
    "A crash of the control thread, or of another, lets go of the arm",
    arguments: [
      "out-of-bounds", "overflow", "fatal-error", "nil", "segmentation-fault", "stack-overflow", "uncaught-throw",
      "abort", "main-thread",
    ])
  func crash(manner: String) throws {
    let (outcome, torque) = try die(manner)
    #expect(outcome.code != 0)
    #expect(torque == allOff, "\(outcome.errors)")
  }

  @Test("The third stop signal in a row ends a program that does not listen, and lets go of the arm")
  func insistence() throws {
    let (outcome, torque) = try die("insistence") { command in
      for _ in 0..<3 {
        command.send(SIGTERM)
        usleep(100_000)
      }
    }
    #expect(outcome.code == 128 + SIGTERM)
    #expect(torque == allOff)
  }

  @Test("A killed program says nothing: servos without a watchdog stay as they are")
  func killed() throws {
    let (outcome, torque) = try die("idle") { $0.send(SIGKILL) }
    #expect(outcome.code == nil)
    #expect(torque == allOff.map { !$0 })
  }

  @Test("Servos with a watchdog stop by themselves when the program is killed")
  func watchdog() throws {
    let (outcome, tripped) = try die("idle", hasWatchdog: true) { $0.send(SIGKILL) }
    #expect(outcome.code == nil)
    #expect(tripped == allOff.map { !$0 })
  }

  /// How far the shafts went on after a program that moved them at full speed was killed, and how far they may: rad.
  private func killInMotion(hasWatchdog: Bool, delay: Double) throws -> (residual: Double, bound: Double, held: Bool) {
    let folder = try ScratchFolder()
    let server = try serve(folder, hasWatchdog: hasWatchdog)
    defer { server.stop() }
    let command = try Command(
      [folder.path("bus"), folder.path("arm.yaml"), folder.path("profile.yaml"), "motion"], in: folder.root,
      environment: ["SWIFT_BACKTRACE": "enable=no"], executable: Self.probe)
    let end = Date(timeIntervalSinceNow: 40)
    func speed() -> Double { server.state.servos.map(\.shaft.velocity.magnitude).max() ?? 0 }
    while speed() < 0.25, Date() < end { usleep(1000) }
    #expect(speed() > 0, "the arm never moved")
    usleep(UInt32(delay * 1e6))
    let began = Date()
    let before = server.state.servos.map(\.shaft.position)
    command.send(SIGKILL)
    #expect(try command.finish().code == nil)
    let died = Date().timeIntervalSince(began)
    usleep(400_000)
    let after = server.state.servos
    if hasWatchdog {
      let late = Date(timeIntervalSinceNow: 2)
      while !server.state.servos.allSatisfy(\.isWatchdogTripped), Date() < late { usleep(2000) }
    }
    usleep(200_000)
    let last = server.state.servos
    let residual = zip(before, last).map { abs($0 - $1.shaft.position) }.max() ?? 0
    // Until it was dead it went on by itself; then what its last goals were ahead, and two encoder ticks.
    let reach = DrivenArm.speed * 2 * 0.01
    let rests = zip(after, last).allSatisfy { abs($0.shaft.position - $1.shaft.position) < 0.004 }
    let held = rests && last.allSatisfy { $0.isTorqueOn && (!hasWatchdog || $0.isWatchdogTripped) }
    return (residual, reach + DrivenArm.speed * died + 0.004, held)
  }

  /// `SINEW_KILLS` sets how often; at random phases of the motion and of the control period.
  @Test(
    "An arm whose program is killed at full speed goes no further than its goals were ahead", arguments: [false, true])
  func killedInMotion(hasWatchdog: Bool) throws {
    let kills = ProcessInfo.processInfo.environment["SINEW_KILLS"].flatMap { Int($0) } ?? 2
    var worst = 0.0
    for _ in 0..<kills {
      let (residual, bound, held) = try killInMotion(hasWatchdog: hasWatchdog, delay: .random(in: 0...0.3))
      #expect(residual <= bound)
      #expect(held, "it does not stand still under torque")
      worst = max(worst, residual / bound)
    }
    if kills > 2 { print("\(kills) kills, watchdog: \(hasWatchdog): at most \(worst) of the bound") }
  }
}
