import ArmModel
import ArmProfiles
import CSystem
import Control
import Glibc
import RealTime
import ServoBus
import Synchronization

/// Reads a leader arm on a thread of its own, once every control period, and keeps the newest reading at hand for the
/// control thread.
///
/// The leader is looked at only: neither torque nor a goal is ever written to it, nor anything that lasts. A port that goes
/// away is tried again twice a second.
// Unchecked: the pointers lead to what the reader's thread and the control thread share, which is made for that.
final class LeaderReader: @unchecked Sendable {
  /// The control thread's end; it must not outlive the reader.
  let feed: LeaderFeed
  /// What the user should know of the leader, one line each.
  let notes: [String]
  /// What the log keeps of the leader.
  let logged: LoggedArm
  private let shared: SharedReading
  private let thread: Mutex<ControlThread>

  /// Connects the leader, and starts to read it. `joints` and `limits` are those of the arm that follows, `gripper` the place
  /// of its gripper's joint. With `endsOnStopSignals` a stop signal ends the search for its servos.
  init(
    _ settings: LeaderSettings, joints: [String], limits: JointLimits, gripper: Int?, period: Int64, priority: Int?,
    endsOnStopSignals: Bool
  ) throws {
    let whole = try ArmProfile.named(settings.profile)
    guard whole.bus != nil else {
      throw SessionError("leader '\(whole.name)' has no servos on a bus; choose another --leader")
    }
    guard whole.bus?.wire != ArmBus.firmwareWire else {
      throw SessionError(
        "leader '\(whole.name)' has hobby servos, which do not say where a hand has turned them; choose another --leader"
      )
    }
    guard let identity = try CalibratedArm(whole, calibration: settings.calibration, joints: joints) else {
      let missing = joints.filter { !whole.jointNames.contains($0) }
      throw SessionError(
        "leader '\(whole.name)' has no joint \(missing.joined(separator: ", ")) of the arm that follows; its joints are "
          + "\(whole.jointNames.joined(separator: ", ")); choose another --leader")
    }
    var configuration = ServoArmConfiguration(
      profile: identity.profile, calibration: identity.calibration, controlPeriod: period)
    configuration.endsOnStopSignals = endsOnStopSignals
    let arm = try ServoArm.connect(path: settings.port, baud: settings.baud, configuration: configuration)
    try LeaderReader.requireNoTorque(arm, settings, wire: whole.bus?.wire ?? "")
    notes = [
      "leader \(whole.name) '\(identity.calibration.name)' on \(settings.port), read only: "
        + "\(arm.report.servos.count) servos at \(arm.report.baud) bit/s"
    ]
    logged = LoggedArm(
      metadata: identity.metadata(arm.report, port: settings.port),
      attachments: [identity.attachment("leader-calibration.yaml")])
    let shared = SharedReading(count: joints.count)
    self.shared = shared
    feed = .live(shared.buffer)
    let hand = LeaderHand(arm: arm, limits: limits, gripper: gripper, period: period)
    thread = Mutex(try ControlThread { hand.read(into: shared, priority: priority) })
  }

  deinit { stop() }

  /// Ends the thread and closes the port. From then on the leader is gone.
  func stop() {
    shared.isStopped.store(true, ordering: .releasing)
    thread.withLock { $0.join() }
  }

  /// A leader under torque cannot be moved by hand, and it is not this program's to switch it off.
  private static func requireNoTorque(_ arm: borrowing ServoArm, _ settings: LeaderSettings, wire: String) throws {
    let held = arm.report.servos.filter(\.isTorqueOn).map { "\($0.id)" }
    guard held.isEmpty else {
      throw SessionError(
        "the leader on \(settings.port) is under torque (servo \(held.joined(separator: ", "))); switch it off with "
          + "'sinew servo write torque_enable 0 --port \(settings.port) --protocol \(wire) --id N', or cut its power for a "
          + "moment",
        isWrongInput: false)
    }
  }
}

/// The leader and what turns its joints into a pose of the arm that follows; the reader's thread alone touches it.
// Unchecked: it is made on one thread and handed to the other.
private final class LeaderHand: @unchecked Sendable {
  private var arm: ServoArm
  private var state: JointState
  private let limits: JointLimits
  private let gripper: Int?
  /// The leader's own range of its gripper, rad.
  private let gripperRange: ClosedRange<Double>
  private let period: Int64

  /// Ns between two attempts to open a lost port.
  private static let reopenInterval: Int64 = 500_000_000

  init(arm: consuming ServoArm, limits: JointLimits, gripper: Int?, period: Int64) {
    state = JointState(count: arm.jointCount)
    gripperRange = gripper.map { arm.calibratedRange(of: $0) } ?? 0...1
    self.limits = limits
    self.gripper = gripper
    self.period = period
    self.arm = arm
  }

  func read(into shared: SharedReading, priority: Int?) {
    _ = sinew_thread_set_name("sinew-leader")
    // Below the control thread; without the right to it an ordinary thread does.
    if let priority { _ = sinew_thread_set_fifo(Int32(clamping: priority)) }
    var schedule = TickSchedule(period: period)
    schedule.start(at: sinew_now_ns())
    while !shared.isStopped.load(ordering: .acquiring) {
      _ = sinew_sleep_until_ns(schedule.nextDeadline)
      let now = sinew_now_ns()
      _ = schedule.begin(at: now)
      do throws(ArmError) {
        try arm.read(into: &state, now: now)
        shared.buffer.pointee.publish(reading(at: sinew_now_ns()))
      } catch {
        // A reading that fails once is passed over: its silence shows. A port that is gone does not come back by itself.
        guard error.code == .disconnected else { continue }
        shared.buffer.pointee.publish(LeaderReading(count: state.count))
        reopen(until: shared)
        schedule.start(at: sinew_now_ns())
      }
    }
    shared.buffer.pointee.publish(LeaderReading(count: state.count))
  }

  /// The pose that the leader's joints stand for: the same angles, and the gripper as far open as the leader's is.
  private func reading(at now: Int64) -> LeaderReading {
    var reading = LeaderReading(count: state.count)
    reading.pose = state.position
    var oldest = 0.0
    for joint in 0..<state.count { oldest = max(oldest, state.age[joint]) }
    // A joint that was never read is as old as the clock.
    reading.isPresent = oldest.isFinite && state.present.contains(.position)
    reading.stamp = now - Int64(min(oldest, 1e6) * 1e9)
    if let gripper {
      let part =
        (state.position[gripper] - gripperRange.lowerBound) / (gripperRange.upperBound - gripperRange.lowerBound)
      let (low, high) = (limits.lower[gripper], limits.upper[gripper])
      if low.isFinite && high.isFinite { reading.pose[gripper] = low + min(1, max(0, part)) * (high - low) }
    }
    return reading
  }

  /// Tries to have the port back until it is there without torque, or the reader is stopped.
  private func reopen(until shared: SharedReading) {
    var next = sinew_now_ns()
    while !shared.isStopped.load(ordering: .acquiring) {
      if sinew_now_ns() >= next {
        next = sinew_now_ns() + LeaderHand.reopenInterval
        do throws(ServoArmError) {
          try arm.reconnect()
          if !arm.report.servos.contains(where: \.isTorqueOn) { return }
        } catch {
          // Not yet.
        }
      }
      _ = sinew_sleep_until_ns(sinew_now_ns() + 20_000_000)
    }
  }
}

/// What the reader's thread and the control thread share.
// Unchecked: the buffer has one writer and one reader, the rest is atomic.
private final class SharedReading: @unchecked Sendable {
  let buffer: UnsafeMutablePointer<TripleBuffer<LeaderReading>>
  let isStopped = Atomic<Bool>(false)

  init(count: Int) {
    buffer = .allocate(capacity: 1)
    buffer.initialize(to: TripleBuffer(initial: LeaderReading(count: count)))
  }

  deinit {
    buffer.deinitialize(count: 1)
    buffer.deallocate()
  }
}

extension SessionParts {
  /// The leader arm that the plan names, connected and read; nil without one. A log that is begun later tells of it.
  mutating func makeLeader() throws -> LeaderReader? {
    guard let settings = plan.operation?.leader else { return nil }
    if let port = plan.hardware?.port, port == settings.port {
      throw SessionError("leader and arm are both on \(port); each needs a bus of its own")
    }
    let reader = try LeaderReader(
      settings, joints: plan.task.joints, limits: limits, gripper: gripperJoint, period: controlPeriod,
      priority: plan.realTime.priority.map { max(1, $0 - 10) }, endsOnStopSignals: plan.hearsEarlierStops)
    leader = reader.logged
    return reader
  }
}
