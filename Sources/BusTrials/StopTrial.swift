import ArmModel
import ArmProfiles
import CSystem
import Configuration
import Glibc
import Numerics
import RealTime
import ServoBus
import Synchronization
import VirtualServos

/// Why a trial could not be made.
public struct StopTrialError: Error, CustomStringConvertible {
  public let description: String
}

/// From a press of the stop button to the first stop frame: a servo arm at full speed on a thread of its own, virtual servos
/// behind a socket pair, and a button that another thread presses at random times.
public struct StopTrial: Sendable {
  /// How often the button is pressed.
  public var presses: Int
  /// The control period, ns.
  public var period: Int64
  public var seed: UInt64
  /// What the control thread asks of the machine.
  public var realTime: RealTimeSettings

  public init(presses: Int, period: Int64 = 5_000_000, seed: UInt64 = 1, realTime: RealTimeSettings = .ordinary) {
    self.presses = presses
    self.period = period
    self.seed = seed
    self.realTime = realTime
  }

  /// The times that were found.
  public struct Result: Sendable {
    /// From the press until the first stop frame's bytes were handed to the line, ns.
    public var latency: LatencySummary
    /// The control period, ns.
    public var period: Int64
    /// Presses after which somebody still moved the arm in the tick that saw the button.
    public var unheeded = 0
    /// Runs that something else stopped before the press (an overrun, a lost answer): repeated.
    public var repeated = 0
    /// The mean speed at the presses, rad/s.
    public var speed = 0.0
    /// What the control thread got.
    public var grant: RealTimeGrant

    /// The latency at p99.9 in control periods.
    public var periods: Double { Double(latency.p999) / Double(period) }
    /// Whether the button is heeded at once, and its frame on the line within two periods at p99.9.
    public var holds: Bool { unheeded == 0 && periods <= 2 }
  }

  /// The button, between the two threads.
  private final class Button: Sendable {
    /// How many presses were asked for, and whether all is over.
    let wanted = Atomic<Int>(0)
    let isOver = Atomic<Bool>(false)
    /// When it was pressed, ns; 0 while it is not.
    let pressed = Atomic<Int64>(0)

    /// Presses at a random time within the next twenty periods, again and again.
    func press(period: Int64, seed: UInt64) {
      var random = RandomStream(seed: seed, name: "stop button")
      var done = 0
      while !isOver.load(ordering: .acquiring) {
        if wanted.load(ordering: .acquiring) == done {
          _ = sinew_sleep_until_ns(sinew_now_ns() + 200_000)
          continue
        }
        done += 1
        _ = sinew_sleep_until_ns(sinew_now_ns() + Int64(random.uniform() * 20 * Double(period)))
        pressed.store(sinew_now_ns(), ordering: .releasing)
      }
    }
  }

  /// An arm of virtual servos at one end of a socket pair: a server, its descriptor for the host, and what to connect as.
  /// `priority`: SCHED_FIFO priority of the servos' thread, for a shaft that follows late is led slowly; nil for none.
  public static func serve(
    period: Int64, priority: Int? = nil
  ) throws -> (server: ServoBusServer, host: Int32, configuration: ServoArmConfiguration) {
    let model = try VirtualServos.ServoModel.named("sts3215-7v4")
    let ids = [UInt8](1...6)
    let profile = try ArmProfile.named("so101")
    let calibration = try EmulatedCalibration.make(profile: "so101", model: model, ids: ids)
    let servos = zip(try ServoSetup.servos(model, ids: ids, baud: 1_000_000), calibration.joints).map {
      $0.calibrated(as: $1)
    }
    // Stiff servos: a shaft that lags far behind is led slowly, for its goals stay within reach of it.
    let joints = ids.map { _ in IndependentJoints.Joint(timeConstant: 0.002) }
    let bus = try VirtualServoBus(
      VirtualBusConfiguration(servos: servos, timing: VirtualServos.BusTiming(baud: 1_000_000)),
      physics: IndependentJoints(joints))
    let (server, host) = try ServoBusServer.socketPair(bus, priority: priority)
    return (
      server, host, ServoArmConfiguration(profile: profile, calibration: calibration, controlPeriod: period)
    )
  }

  /// Takes about half a second a press.
  ///
  /// - Parameter progress: how many presses are done; called from the control thread.
  public func run(progress: @escaping @Sendable (Int) -> Void = { _ in }) throws -> Result {
    let (server, host, configuration) = try Self.serve(
      period: period, priority: realTime.priority.map { max(1, $0 - 10) })
    defer { server.stop() }
    let button = Button()
    let seed = seed
    let period = period
    let presser = try ControlThread { button.press(period: period, seed: seed) }
    defer {
      button.isOver.store(true, ordering: .releasing)
      presser.join()
    }
    let shared = Shared()
    let trial = self
    let control = try ControlThread {
      let found = Swift.Result { () throws(StopTrialError) -> Result in
        try trial.measure(host, configuration, button, progress)
      }
      shared.outcome.withLock { $0 = found }
    }
    control.join()
    return try shared.outcome.withLock { try $0.get() }
  }

  /// What the control thread leaves.
  private final class Shared: Sendable {
    let outcome = Mutex<Swift.Result<Result, StopTrialError>>(.failure(StopTrialError(description: "it never ran")))
  }

  /// The control thread.
  private func measure(
    _ host: Int32, _ configuration: ServoArmConfiguration, _ button: Button, _ progress: (Int) -> Void
  ) throws(StopTrialError) -> Result {
    let grant = RealTimeGrant.apply(realTime, name: "stop-trial")
    var driven = try Self.connect(host, configuration)
    guard driven.raise() else { throw StopTrialError(description: "the arm did not come under torque") }
    var times = LatencyHistogram()
    var result = Result(latency: times.summary, period: period, grant: grant)
    var done = 0
    var failures = 0
    while done < presses {
      guard let latency = Self.press(&driven, button, &result) else {
        failures += 1
        result.repeated += 1
        guard failures < 200 else {
          throw StopTrialError(
            description: "the machine is too busy: 200 runs in a row were stopped by something else "
              + "(\(driven.decision.active.conditions.map(\.name).joined(separator: ", ")))")
        }
        continue
      }
      failures = 0
      times.record(latency)
      done += 1
      result.speed += (driven.topSpeed - result.speed) / Double(done)
      progress(done)
    }
    driven.lower()
    result.latency = times.summary
    return result
  }

  static func connect(
    _ host: Int32, _ configuration: ServoArmConfiguration
  ) throws(StopTrialError) -> DrivenArm {
    do {
      let arm = try connectSurely(host, configuration)
      return DrivenArm(arm, profile: configuration.profile, period: configuration.controlPeriod)
    } catch { throw StopTrialError(description: "\(error)") }
  }

  /// A machine that is late now and then is no reason to give up.
  private static func connectSurely(_ host: Int32, _ configuration: ServoArmConfiguration) throws -> ServoArm {
    for _ in 0..<20 {
      let copy = dup(host)
      guard copy >= 0 else { break }
      if let arm = try? ServoArm.connect(Transport(descriptor: copy), configuration: configuration) {
        close(host)
        return arm
      }
    }
    return try ServoArm.connect(Transport(descriptor: host), configuration: configuration)
  }

  /// One press at full speed: how long it took, ns; nil when something else was faster.
  private static func press(_ driven: inout DrivenArm, _ button: Button, _ result: inout Result) -> Int64? {
    guard driven.raise(), driven.run() else { return nil }
    button.wanted.wrappingAdd(1, ordering: .releasing)
    var pressed: Int64 = 0
    let end = sinew_now_ns() + 2_000_000_000
    var wasStopped = false
    while pressed == 0, sinew_now_ns() < end {
      driven.tick {
        pressed = button.pressed.load(ordering: .acquiring)
        return pressed != 0
      }
      if pressed == 0 && driven.decision.state != .teleoperation { wasStopped = true }
    }
    button.pressed.store(0, ordering: .releasing)
    guard pressed != 0, !wasStopped else { return nil }
    if driven.decision.source != .stop || !driven.decision.active.has(.stopRequested) { result.unheeded += 1 }
    let latency = driven.written - pressed
    driven.rest()
    return latency
  }
}
