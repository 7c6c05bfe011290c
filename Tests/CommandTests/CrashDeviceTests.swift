import ArmModel
import ArmProfiles
import BusTrials
import CSystem
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing
import VirtualServos

/// A program that dies leaves its arm as its policy says, whatever it died of: the virtual servos tell.
@Suite(.serialized, .enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct CrashDeviceTests {
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
    var configuration = VirtualBusConfiguration(servos: servos, timing: BusTiming())
    configuration.recordingLimit = 100_000
    return try ServoBusServer.pseudoTerminal(VirtualServoBus(configuration), link: folder.path("bus"))
  }

  /// Starts the probe, waits until the arm is on, lets it die, and looks at the servos once `isSettled`, or after 2 s.
  private func die(
    _ manner: String, policy: String, hasWatchdog: Bool = false, _ send: (Command) -> Void = { _ in },
    until isSettled: ([ServoState]) -> Bool
  ) throws -> Death {
    let folder = try ScratchFolder()
    let server = try serve(folder, hasWatchdog: hasWatchdog)
    defer { server.stop() }
    let command = try Command(
      [folder.path("bus"), folder.path("arm.yaml"), folder.path("profile.yaml"), manner, policy], in: folder.root,
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
    while !isSettled(server.state.servos), Date() < late { usleep(2000) }
    return Death(outcome: outcome, servos: server.state.servos, sent: server.recording.filter { $0.kind == .host })
  }

  /// A crash's outcome, the servos after it, and what the host put on the wire, in the pieces that it came in.
  private struct Death {
    let outcome: Outcome
    let servos: [ServoState]
    let sent: [BusEvent]

    var isOff: Bool { servos.allSatisfy { !$0.isTorqueOn } }
    var isOn: Bool { servos.allSatisfy(\.isTorqueOn) }
    /// All bytes from the host, as text.
    var text: String { sent.map { $0.bytes.map { String(format: "%02X", $0) }.joined() }.joined() }
  }

  private static let manners = [
    "out-of-bounds", "overflow", "fatal-error", "nil", "segmentation-fault", "stack-overflow", "uncaught-throw",
    "abort",
    "main-thread",
  ]

  @Test(
    "A crash of the control thread, or of another, lets go of the arm where that is asked for",
    arguments: manners, [false, true])
  func crashReleases(manner: String, hasWatchdog: Bool) throws {
    let death = try die(manner, policy: "release", hasWatchdog: hasWatchdog) { !$0.contains(where: \.isTorqueOn) }
    #expect(death.outcome.code != 0)
    #expect(death.isOff, "\(death.outcome.errors)")
    #expect(death.outcome.errors.contains("the words of a crash"))
  }

  @Test(
    "Else a crash puts the last goals on the wire once more, and the servos hold them",
    arguments: manners, [false, true])
  func crashHolds(manner: String, hasWatchdog: Bool) throws {
    // Longer than the watchdogs' 300 ms: they must not stop servos that hold.
    let later = Date(timeIntervalSinceNow: 0)
    var last = later
    let death = try die(manner, policy: "hold", hasWatchdog: hasWatchdog) { servos in
      if last == later { last = Date() }
      return Date().timeIntervalSince(last) > 0.7
    }
    #expect(death.outcome.code != 0)
    #expect(death.isOn && death.servos.allSatisfy { !$0.isWatchdogTripped }, "\(death.outcome.errors)")
    try expectHeld(death, hasWatchdog: hasWatchdog)
    #expect(death.outcome.errors.contains("the words of a crash"))
  }

  /// The last goals came three times more at the end, the same for every servo, each time with the watchdogs' end behind.
  private func expectHeld(_ death: Death, hasWatchdog: Bool) throws {
    // Sync write to everybody: goal position, two bytes (STS) or four (DYNAMIXEL), behind each servo's id.
    let head = hasWatchdog ? "8374000400" : "832A02"
    let data = 2 * 6 * (hasWatchdog ? 5 : 3)
    let goals = death.text.ranges(of: head).map { death.text[$0.upperBound...].prefix(data) }
    try #require(goals.count >= 4, "\(death.text.suffix(600))")
    #expect(Set(goals.suffix(4)).count == 1, "\(goals.suffix(4))")
    // The last command was 0.03 rad beside where the arm stood: some ticks, whichever way the joint counts.
    for servo in death.servos { #expect(abs(servo.goal - servo.position) <= 25) }
    guard hasWatchdog else { return }
    let endings = death.text.ranges(of: "8362000100" + "010002000300040005000600")
    let first = try #require(death.text.ranges(of: head).suffix(3).first)
    #expect(endings.suffix(3).allSatisfy { $0.lowerBound > first.lowerBound }, "\(death.text.suffix(600))")
  }

  @Test(
    "The third stop signal in a row ends a program that does not listen, and says what becomes of the arm",
    arguments: ["release", "hold"], [false, true])
  func insistence(policy: String, hasWatchdog: Bool) throws {
    // A key counts at once, a supervisor's word a second after the last.
    let signal = hasWatchdog ? SIGINT : SIGTERM
    let death = try die("insistence", policy: policy, hasWatchdog: hasWatchdog) { command in
      for _ in 0..<3 {
        command.send(signal)
        usleep(signal == SIGINT ? 100_000 : 1_200_000)
      }
    } until: { servos in
      policy == "release" && !servos.contains(where: \.isTorqueOn)
    }
    #expect(death.outcome.code == 128 + signal)
    #expect(death.outcome.errors.contains("the words of a crash"))
    #expect(policy == "release" ? death.isOff : death.isOn)
    #expect(death.servos.allSatisfy { !$0.isWatchdogTripped })
  }

  @Test("A killed program says nothing: servos without a watchdog stay as they are")
  func killed() throws {
    let death = try die("idle", policy: "release") {
      $0.send(SIGKILL)
    } until: { _ in
      false
    }
    #expect(death.outcome.code == nil)
    #expect(death.isOn)
  }

  @Test("Servos with a watchdog stop by themselves when the program is killed, under torque")
  func watchdog() throws {
    let death = try die("idle", policy: "hold", hasWatchdog: true) {
      $0.send(SIGKILL)
    } until: { servos in
      servos.allSatisfy(\.isWatchdogTripped)
    }
    #expect(death.outcome.code == nil)
    #expect(death.isOn && death.servos.allSatisfy(\.isWatchdogTripped))
  }

  /// What became of an arm whose program was killed.
  private struct Kill: Sendable {
    /// How far the shaft that went furthest went on, and how far it may, rad.
    var residual: Double
    var bound: Double
    /// Whether it stands still under torque, by its servos' watchdogs where they have some.
    var isHeld: Bool
    /// From the kill until every watchdog had tripped, s; 0 without watchdogs.
    var tripped = 0.0
  }

  /// How many programs are killed: `SINEW_KILLS`, or a few.
  private static func kills(_ few: Int) -> Int {
    ProcessInfo.processInfo.environment["SINEW_KILLS"].flatMap { Int($0) } ?? few
  }

  /// Kills a program that moves an arm at full speed, `delay` s after it got there.
  private func killInMotion(hasWatchdog: Bool, delay: Double) throws -> Kill {
    let folder = try ScratchFolder()
    let server = try serve(folder, hasWatchdog: hasWatchdog)
    defer { server.stop() }
    let command = try Command(
      [folder.path("bus"), folder.path("arm.yaml"), folder.path("profile.yaml"), "motion", "hold"], in: folder.root,
      environment: ["SWIFT_BACKTRACE": "enable=no"], executable: Self.probe)
    let end = Date(timeIntervalSinceNow: 60)
    func speed() -> Double { server.state.servos.map(\.shaft.velocity.magnitude).max() ?? 0 }
    // On a busy machine the core may stop the arm meanwhile: then it is waited for once more.
    var isMoving = false
    while !isMoving, Date() < end {
      while speed() < 0.25, Date() < end { usleep(1000) }
      usleep(UInt32(delay * 1e6))
      isMoving = speed() > 0.1 && server.state.servos.allSatisfy(\.isTorqueOn)
    }
    guard isMoving else {
      command.send(SIGKILL)
      _ = try command.finish()
      throw Unmoved(errors: command.errors)
    }
    let began = Date()
    let before = server.state.servos.map(\.shaft.position)
    command.send(SIGKILL)
    guard try command.finish().code == nil else { throw Unmoved(errors: command.errors) }
    let died = Date().timeIntervalSince(began)
    var tripped = 0.0
    while hasWatchdog, !server.state.servos.allSatisfy(\.isWatchdogTripped), Date() < began.addingTimeInterval(3) {
      usleep(2000)
      tripped = Date().timeIntervalSince(began)
    }
    if !hasWatchdog { usleep(400_000) }
    let after = server.state.servos
    usleep(200_000)
    let last = server.state.servos
    let residual = zip(before, last).map { abs($0 - $1.shaft.position) }.max() ?? 0
    let rests = zip(after, last).allSatisfy { abs($0.shaft.position - $1.shaft.position) < 0.004 }
    let isHeld = rests && last.allSatisfy { $0.isTorqueOn && (!hasWatchdog || $0.isWatchdogTripped) }
    // Until it was dead it went on by itself; then what its last goals were ahead, and two encoder ticks.
    let bound = DrivenArm.speed * (2 * 0.01 + died) + 0.004
    return Kill(residual: residual, bound: bound, isHeld: isHeld, tripped: tripped)
  }

  private struct Unmoved: Error, CustomStringConvertible {
    let errors: String
    var description: String { "the arm never moved, or its program had died by itself: \(errors)" }
  }

  @Test(
    "An arm whose program is killed at full speed goes no further than its goals were ahead", arguments: [false, true])
  func killedInMotion(hasWatchdog: Bool) throws {
    let kills = Self.kills(2)
    let found = Mutex<[Kill]>([])
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: kills) { _ in
      do {
        let kill = try killInMotion(hasWatchdog: hasWatchdog, delay: .random(in: 0...0.3))
        found.withLock { $0.append(kill) }
      } catch { failures.withLock { $0.append("\(error)") } }
    }
    let all = found.withLock { $0 }
    #expect(failures.withLock { $0 } == [] && all.count == kills)
    for kill in all {
      #expect(kill.residual <= kill.bound)
      #expect(kill.isHeld, "it does not stand still under torque")
    }
    guard kills > 2, let furthest = all.map(\.residual).max(), let worst = all.map({ $0.residual / $0.bound }).max()
    else { return }
    let middle = all.map(\.residual).sorted()[all.count / 2]
    print(
      "\(kills) kills at full speed, \(hasWatchdog ? "with" : "without") watchdogs: residual motion "
        + "\((middle * 1e4).rounded() / 10) mrad in the median, \((furthest * 1e4).rounded() / 10) mrad at most, "
        + "\((worst * 100).rounded()) % of its bound"
        + (hasWatchdog ? "; the last watchdog after \(all.map(\.tripped).max() ?? 0) s" : ""))
  }

  @Test("Killed while torque comes on, servos are all under torque or none is", arguments: [false, true])
  func killedWhileEnergising(hasWatchdog: Bool) throws {
    for _ in 0..<Self.kills(2) {
      let folder = try ScratchFolder()
      let server = try serve(folder, hasWatchdog: hasWatchdog)
      defer { server.stop() }
      let command = try Command(
        [folder.path("bus"), folder.path("arm.yaml"), folder.path("profile.yaml"), "idle", "hold"], in: folder.root,
        environment: ["SWIFT_BACKTRACE": "enable=no"], executable: Self.probe)
      let before = server.state.servos.map(\.shaft.position)
      let end = Date(timeIntervalSinceNow: 30)
      while server.state.counts.bytesFromHost == 0, Date() < end { usleep(1000) }
      // Examination, settings, goals, torque, and what comes after.
      usleep(.random(in: 0...1_500_000))
      command.send(SIGKILL)
      #expect(try command.finish().code == nil)
      usleep(300_000)
      let servos = server.state.servos
      #expect(Set(servos.map(\.isTorqueOn)).count == 1, "\(servos.map(\.isTorqueOn))")
      for (servo, start) in zip(servos, before) { #expect(abs(servo.shaft.position - start) < 0.035) }
    }
  }
}
