import ArmModel
import ArmProfiles
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
}
