import ArmModel
import ArmProfiles
import Configuration
import LoopTestSupport
import RealTime
import Recording
import Sessions
import Testing
import VirtualServos

/// An SO-101 of virtual servos behind a pseudo-terminal, with the simulated arm's physics: nobody can tell it from a
/// real one.
struct EmulatedArm {
  /// Which servos, and the arm profile that says so.
  enum Make: String, CaseIterable, CustomTestStringConvertible {
    case feetech, dynamixel
    var model: String { self == .feetech ? "sts3215-7v4" : "xm430-w350" }
    var testDescription: String { rawValue }
  }

  let server: ServoBusServer
  let settings: HardwareSettings
  let profile: String

  /// Where its host comes to it.
  enum Port: String, CaseIterable, CustomTestStringConvertible {
    /// As a real one, byte by byte through a worker of the kernel, which a busy machine lets wait.
    case pseudoTerminal
    /// Without anybody in between.
    case socket
    var testDescription: String { rawValue }
  }

  /// The servos ask for real-time priority: real ones are not held up by what else the computer does.
  init(_ make: Make, in folder: TemporaryFolder, timing: BusTiming = BusTiming(), port: Port = .pseudoTerminal) throws {
    let model = try ServoModel.named(make.model)
    profile = make == .feetech ? "so101" : try Self.dynamixelProfile(folder)
    let calibration = try EmulatedCalibration.make(profile: profile, model: model, ids: Array(1...6))
    try folder.write("arm.yaml", calibration.text)
    let servos = zip(try ServoSetup.servos(model, ids: Array(1...6), baud: 1_000_000), calibration.joints).map {
      $0.calibrated(as: $1)
    }
    let physics = try SimulatedArmPhysics(profile: profile, servo: model)
    let bus = try VirtualServoBus(VirtualBusConfiguration(servos: servos, timing: timing), physics: physics)
    server =
      switch port {
      case .pseudoTerminal: try ServoBusServer.pseudoTerminal(bus, link: folder.file("bus"), priority: 60)
      case .socket: try ServoBusServer.listening(bus, at: "unix:" + folder.file("bus"), priority: 60)
      }
    settings = HardwareSettings(port: folder.file("bus"), calibration: folder.file("arm.yaml"))
  }

  /// The SO-101 with DYNAMIXEL servos in the place of its own: an arm that nobody has built, on the other protocol.
  private static func dynamixelProfile(_ folder: TemporaryFolder) throws -> String {
    let text = try ArmProfile.text(of: "so101")
      .replacing("name: feetech,", with: "name: dynamixel2,")
      .replacing("every_joint: [sts3215]", with: "every_joint: [xm430-w350]")
      .replacing("    upper: 12.6\n", with: "    upper: 14.8\n")
    return try folder.write("so101-dynamixel.yaml", text)
  }

  /// A plan for it: `reach` with a small policy, episodes of 40 steps.
  func plan(in folder: TemporaryFolder, episodes: Int, log: String? = nil) throws -> SessionPlan {
    var plan = try reachPlan(in: folder, episodes: episodes, log: log)
    plan.profile = profile
    plan.hardware = settings
    plan.hardware?.asksAfterInterruption = false
    plan.clock = .monotonic
    plan.realTime = RealTimeSettings(priority: 80, locksMemory: false, holdsLatency: false)
    return plan
  }
}

/// The same task and policy for the simulator and for the emulated arm.
func reachPlan(in folder: TemporaryFolder, episodes: Int, log: String? = nil) throws -> SessionPlan {
  var plan = try plan(
    task: "reach", policy: DensePolicy.reach(seed: 11).write(to: folder), episodes: episodes, seed: 5, log: log)
  plan.task.timeLimitSteps = 40
  // A policy drawn at random touches what it likes, in both alike.
  plan.checksSelfCollision = false
  // One tick a step: the busiest machine keeps up with 50 Hz.
  plan.controlRate = 50
  return plan
}

/// Runs it, and gives every consent that is asked for.
func runWithConsent(_ plan: SessionPlan) throws -> RunReport {
  let session = try HardwareSession(plan)
  return try session.runBlocking { status in if status.question != .none { session.consent() } }
}
