import ArmModel
import ArmProfiles
import CSystem
import Control
import Glibc
import LoopTestSupport
import RealTime
import Recording
import ServoBus
import Testing

@testable import Sessions

/// A scripted arm at one end of a line: every command is one byte on it, "g", and a crash's frame another, "C". From some
/// read on the reading never ends.
private struct HangingDevice: ~Copyable, PhysicalArm {
  var arm: ScriptedArm
  let descriptor: Int32
  private var readsUnderTorque = 0
  private let frame: UnsafeMutableBufferPointer<UInt8>
  /// The read under torque that never ends.
  static let last = 20

  init(descriptor: Int32) {
    arm = ScriptedArm(position: HardwareRig.home)
    arm.power = .off
    self.descriptor = descriptor
    frame = .allocate(capacity: 1)
    frame.initialize(repeating: UInt8(ascii: "C"))
  }

  var jointCount: Int { arm.jointCount }
  var power: ArmPower { arm.power }
  var health: ArmHealth { arm.health }
  mutating func read(into state: inout JointState, now: Int64) throws(ArmError) {
    if arm.power == .on { readsUnderTorque += 1 }
    // Until somebody ends this process.
    if readsUnderTorque == Self.last { while sinew_now_ns() != 0 {} }
    try arm.read(into: &state, now: now)
  }
  mutating func write(_ command: JointCommand) throws(ArmError) {
    _ = sinew_write_some(descriptor, true, "g", 1)
    try arm.write(command)
  }
  mutating func energise(now: Int64) throws(ArmError) { try arm.energise(now: now) }
  mutating func release(now: Int64) throws(ArmError) { try arm.release(now: now) }
  var busRecord: BusRecord { BusRecord(count: arm.jointCount) }
  var crashFrame: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(frame) }
  mutating func reopen() throws(SessionError) {}
  var torque: JointTorque { JointTorque(arm.power == .on, count: arm.jointCount) }
  var heldGoal: JointVector { JointVector(arm.position) }
  var wasFoundHolding: Bool { false }
  mutating func conclude(holding: Bool, deadline: Int64) throws(SessionError) {}
}

/// The other end of the line: what came, and when.
private final class LineEnd: Sendable {
  private let listener: Int32
  let path: String

  init(_ path: String) throws {
    self.path = path
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard withAddress(path, { bind(listener, $0, $1) }) == 0, listen(listener, 1) == 0 else {
      throw SessionError("\(path): errno \(errno)")
    }
  }

  deinit { close(listener) }

  /// Everything that comes until the other end is gone, at most for a minute, with its times in s.
  func receive() -> [(byte: UInt8, time: Double)] {
    var wait = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
    guard poll(&wait, 1, 60_000) == 1 else { return [] }
    let line = accept(listener, nil, nil)
    defer { close(line) }
    var found: [(byte: UInt8, time: Double)] = []
    var bytes = [UInt8](repeating: 0, count: 64)
    while true {
      let count = read(line, &bytes, bytes.count)
      guard count > 0 else { return found }
      let time = Double(sinew_now_ns()) * 1e-9
      found += bytes.prefix(count).map { ($0, time) }
    }
  }
}

/// What a thread has received; to be read once it is joined.
private final class Received: @unchecked Sendable {
  var bytes: [(byte: UInt8, time: Double)] = []
}

private func withAddress<Result>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
  }
}

/// What a run on a physical arm does when one of its ticks never ends.
@Suite struct RunawayLoopTests {
  /// Runs on a device that hangs; never returns.
  private static func runOnHangingDevice(_ path: String, stallPeriods: Int?) throws {
    let line = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard withAddress(path, { connect(line, $0, $1) }) == 0, sinew_descriptor_prepare(line) == 0 else { exit(60) }
    let folder = try TemporaryFolder()
    var plan = try plan(task: "reach", policy: DensePolicy.reach().write(to: folder), duration: 60)
    plan.clock = .monotonic
    plan.profile = "so101"
    plan.controlRate = 50
    var settings = HardwareSettings(port: "nowhere", calibration: "none")
    settings.stallPeriods = stallPeriods
    plan.hardware = settings
    plan.blackBoxFolder = folder.path
    var parts = try SessionParts(plan)
    var worker: PolicyWorker?
    let port = OperatorPort()
    var run = HardwareRun(
      loop: try parts.makeLoop(
        twin: parts.setup.makeTwin(), armingTicks: HardwareRun<HangingDevice>.armingTicks,
        parkPose: JointVector(HardwareRig.park), worker: &worker,
        about: LoggedArm(metadata: [:], attachments: [])),
      device: HangingDevice(descriptor: line), bounds: parts.bounds, settings: settings, ear: port.ear)
    // The operator agrees whenever asked.
    let agreeing = try ControlThread {
      while true {
        port.consent()
        usleep(20_000)
      }
    }
    run.warmUp()
    run.prepare(RunRights())
    run.run(TripleBuffer(initial: LoopStatus()))
    withExtendedLifetime(agreeing) {}
    exit(61)
  }

  @Test func `A tick that never ends is ended by the watchdog, with the stop frame on the line before`() async throws {
    let folder = try TemporaryFolder()
    let end = try LineEnd(folder.file("line"))
    let path = end.path
    // A thread of its own: tasks wait for one another where all tests run at once, and times are taken here.
    let received = Received()
    let receiver = try ControlThread { received.bytes = end.receive() }
    let result = await #expect(
      processExitsWith: .signal(SIGABRT), observing: [\.standardErrorContent]
    ) { [path = path as String] in
      try Self.runOnHangingDevice(path, stallPeriods: 20)
    }
    let errors = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(errors.contains("a control tick did not end within 400.0 ms"), "\(errors)")
    #expect(errors.contains("told to hold its last goal"), "\(errors)")
    receiver.join()
    let bytes = received.bytes
    let text = String(decoding: bytes.map(\.byte), as: UTF8.self)
    #expect(text.hasPrefix("ggg") && text.hasSuffix("gCCC"), "\(text)")
    #expect(text.filter { $0 == "C" }.count == 3)
    guard bytes.count > 3 else { return }
    // The last word of a tick came up to a period before the heartbeat of the one that never ended.
    let waited = bytes[bytes.count - 3].time - bytes[bytes.count - 4].time
    #expect(waited > 0.3 && waited < 2.4, "\(waited) s")
  }

  @Test func `Four periods are the limit where real time is strict; elsewhere it is two seconds at least`() {
    var settings = HardwareSettings(port: "nowhere", calibration: "none")
    #expect(settings.stallLimit(period: 5_000_000, isStrict: true) == 20_000_000)
    #expect(settings.stallLimit(period: 5_000_000, isStrict: false) == 2_000_000_000)
    #expect(settings.stallLimit(period: 700_000_000, isStrict: false) == 2_800_000_000)
    settings.stallPeriods = 7
    #expect(settings.stallLimit(period: 5_000_000, isStrict: true) == 35_000_000)
    #expect(settings.stallLimit(period: 5_000_000, isStrict: false) == 35_000_000)
    settings.stallPeriods = 0
    #expect(settings.stallLimit(period: 5_000_000, isStrict: true) == nil)
  }
}
