import ArmModel
import Configuration

/// What `sinew run` needs to know: `robot.yaml`. Every field has a default; every field is a command-line option too.
///
/// File names in it are as the user wrote them, relative to the working directory.
public struct RobotConfiguration: Sendable, Equatable {
  /// What a Gaussian policy acts by.
  public enum Sampling: String, Sendable, CaseIterable {
    /// The mean of the distribution.
    case mean
    /// A sample of it.
    case sample
  }
  /// Which clock drives the loop of a simulated arm.
  public enum ClockKind: String, Sendable, CaseIterable {
    /// As fast as the machine, deterministic.
    case virtual
    /// Paced in real time.
    case real
  }
  /// How a log's chunks are compressed.
  public enum Compression: String, Sendable, CaseIterable {
    case none, lz4, zstd
  }

  /// The simulated arm.
  public struct SimulationSettings: Sendable, Equatable {
    /// The model: a shipped one by name, or a path to MJCF or URDF. Nil: the arm profile's.
    public var model: String?
    /// The servo profile of every joint: a shipped one by name, a path, or `none`. Nil: what fits the arm.
    public var servo: String?
    /// Departures from nominal: a mapping that the simulator reads. Nil: nominal.
    public var perturbations: ConfigurationNode?
  }

  /// What is done with a physical arm in the end.
  public enum Exit: String, Sendable, CaseIterable {
    case park, release, hold
  }
  /// What becomes of a physical arm when the program dies.
  public enum Crash: String, Sendable, CaseIterable {
    case hold, release
  }
  /// What happens when a physical arm's port goes away.
  public enum Unplug: String, Sendable, CaseIterable {
    case end, wait
  }

  /// The physical arm.
  public struct HardwareSettings: Sendable, Equatable {
    /// The port it is on. Nil: the arm is simulated.
    public var port: String?
    /// Its calibration: a name, or a path.
    public var calibration: String?
    /// Speed of the line, bit/s. Nil: the arm profile's.
    public var baud: Int?
    /// What is done with it in the end. Nil: park.
    public var exit: Exit?
    /// What becomes of it when the program dies. Nil: it is held.
    public var onCrash: Crash?
    /// What a lost port means. Nil: the run ends.
    public var onUnplug: Unplug?
    /// Control periods that a tick may last before a watchdog stops it and ends the program, 0 for no watchdog. Nil: four,
    /// and at least two seconds where the loop may run without real time.
    public var stallPeriods: Int?
  }

  /// The log.
  public struct LogSettings: Sendable, Equatable {
    /// Whether a run is recorded.
    public var isEnabled = true
    /// The folder that log files are made in.
    public var folder = "logs"
    /// How chunks are compressed.
    public var compression = Compression.zstd
  }

  /// The loop's thread.
  public struct RealTimeSettings: Sendable, Equatable {
    /// SCHED_FIFO priority, 1 … 99.
    public var priority = 80
    /// The core that the loop runs on; nil: where the system puts it.
    public var processor: Int?
    /// Whether memory is locked into RAM.
    public var lockMemory = true
    /// Whether a run on hardware may start without these rights.
    public var allowNonRealtime = false
  }

  /// The arm profile: a shipped one by name, or a path.
  public var arm = "reacher"
  /// The task: a shipped one by name, or a path. Nil: none, for runs without observation and reward.
  public var task: String? = "reacher-v5"
  /// The policy: a bundle folder, an ONNX file, or a shipped one by name. Nil: the one shipped for the task.
  public var policy: String?
  /// The physical arm.
  public var hardware = HardwareSettings()
  /// The simulated arm.
  public var simulation = SimulationSettings()
  /// Ticks per second; a whole multiple of the policy's rate. Nil: the policy's rate.
  public var controlRate: Double?
  /// Start of all random streams.
  public var seed: UInt64 = 0
  /// Length of a run, s; nil: until stopped.
  public var duration: Double? = 10
  /// What a Gaussian policy acts by.
  public var sampling = Sampling.mean
  /// Which clock drives the loop.
  public var clock = ClockKind.real
  /// The log.
  public var log = LogSettings()
  /// The loop's thread.
  public var realTime = RealTimeSettings()
  /// Limits tighter than the arm profile's; see `ArmProfile.tightened(by:)`.
  public var safetyLimits: [LimitOverride] = []
  /// The box that the arm stays in; nil for none but the model's floor.
  public var workspace: Workspace?
  /// Whether goals are kept from leading the arm into itself or into the model's floor. Nil: a physical arm's are.
  public var checksSelfCollision: Bool?

  /// The defaults.
  public init() {}

  /// The defaults for an arm: `reacher` does reacher-v5, `so101` does reach; another arm has no task until one is named.
  public static func defaults(for arm: String) -> RobotConfiguration {
    var configuration = RobotConfiguration()
    configuration.arm = arm
    configuration.task = ["reacher": "reacher-v5", "so101": "reach", "hobby6": "reach-hobby6"][arm]
    return configuration
  }

  /// Reads `robot.yaml`. Every mistake in it is an error with its position.
  public static func load(path: String) throws(ConfigurationError) -> RobotConfiguration {
    try RobotConfiguration(ConfigurationNode.load(path: path))
  }

  /// Reads a configuration from its YAML: what is absent, or written without a value, has its default.
  public init(_ root: ConfigurationNode) throws(ConfigurationError) {
    try root.allowOnly([
      "arm", "task", "policy", "hardware", "simulation", "control", "run", "log", "realtime", "safety",
    ])
    if let arm = try root.given("arm") { self = .defaults(for: try arm.string()) }
    if let node = try root.optional("task") { task = try node.textOrNone() }
    policy = try root.given("policy")?.string()
    if let node = try root.given("hardware") { try readHardware(node) }
    if let node = try root.given("simulation") { try readSimulation(node) }
    if let node = try root.given("control") {
      try node.allowOnly(["rate_hz"])
      controlRate = try node.given("rate_hz")?.double(in: 1...10_000)
    }
    if let node = try root.given("run") { try readRun(node) }
    if let node = try root.given("log") { try readLog(node) }
    if let node = try root.given("realtime") { try readRealTime(node) }
    if let node = try root.given("safety") { try readSafety(node) }
  }

  private mutating func readHardware(_ node: ConfigurationNode) throws(ConfigurationError) {
    try node.allowOnly(["port", "calibration", "baud", "exit", "on_crash", "on_unplug", "stall_periods"])
    hardware.port = try node.given("port")?.string()
    hardware.calibration = try node.given("calibration")?.string()
    hardware.baud = try node.given("baud")?.integer(in: 1...10_000_000)
    hardware.exit = try node.given("exit")?.choice(Exit.self)
    hardware.onCrash = try node.given("on_crash")?.choice(Crash.self)
    hardware.onUnplug = try node.given("on_unplug")?.choice(Unplug.self)
    if let node = try node.given("stall_periods") {
      let periods = try node.integer(in: 0...10_000)
      guard periods != 1 else { throw node.error("a tick may take its period: give 0 for no watchdog, or 2 and more") }
      hardware.stallPeriods = periods
    }
  }

  private mutating func readSimulation(_ node: ConfigurationNode) throws(ConfigurationError) {
    try node.allowOnly(["model", "servo", "perturbations"])
    simulation.model = try node.given("model")?.string()
    simulation.servo = try node.given("servo")?.string()
    simulation.perturbations = try node.given("perturbations")
    if let perturbations = simulation.perturbations { _ = try perturbations.entries() }
  }

  private mutating func readRun(_ node: ConfigurationNode) throws(ConfigurationError) {
    try node.allowOnly(["seed", "duration", "sampling", "clock"])
    if let seed = try node.given("seed") { self.seed = UInt64(try seed.integer(in: 0...Int.max)) }
    if let duration = try node.optional("duration") {
      // Written without a value it means "until stopped", which is not the default.
      self.duration = duration.isNull ? nil : try duration.double(in: 0.001...31_536_000)
    }
    if let sampling = try node.given("sampling") { self.sampling = try sampling.choice(Sampling.self) }
    if let clock = try node.given("clock") { self.clock = try clock.choice(ClockKind.self) }
  }

  private mutating func readLog(_ node: ConfigurationNode) throws(ConfigurationError) {
    try node.allowOnly(["enabled", "folder", "compression"])
    if let enabled = try node.given("enabled") { log.isEnabled = try enabled.boolean() }
    if let folder = try node.given("folder") {
      log.folder = try folder.string()
      guard !log.folder.isEmpty else { throw folder.error("the folder has no name") }
    }
    if let compression = try node.given("compression") { log.compression = try compression.choice(Compression.self) }
  }

  private mutating func readSafety(_ node: ConfigurationNode) throws(ConfigurationError) {
    try node.allowOnly(["every_joint", "joints", "workspace", "self_collision"])
    safetyLimits = try LimitOverride.readAll(node)
    workspace = try node.given("workspace").map { node throws(ConfigurationError) in try Workspace(node) }
    checksSelfCollision = try node.given("self_collision")?.boolean()
  }

  private mutating func readRealTime(_ node: ConfigurationNode) throws(ConfigurationError) {
    try node.allowOnly(["priority", "cpu", "lock_memory", "allow_non_realtime"])
    if let priority = try node.given("priority") { realTime.priority = try priority.integer(in: 1...99) }
    realTime.processor = try node.given("cpu")?.integer(in: 0...1023)
    if let lock = try node.given("lock_memory") { realTime.lockMemory = try lock.boolean() }
    if let allow = try node.given("allow_non_realtime") { realTime.allowNonRealtime = try allow.boolean() }
  }
}

extension ConfigurationNode {
  /// The value of `key`, or nil when it is absent or written without a value.
  fileprivate func given(_ key: String) throws(ConfigurationError) -> ConfigurationNode? {
    guard let node = try optional(key), !node.isNull else { return nil }
    return node
  }

  /// A text, or nil for nothing and for `none`.
  fileprivate func textOrNone() throws(ConfigurationError) -> String? {
    if isNull { return nil }
    let text = try string()
    return text == "none" ? nil : text
  }
}
