import ArmProfiles
import Control
import Policies
import RealTime
import Recording
import Safety
import Simulation
import Tasks

/// Everything that decides a run, checked when the session is prepared.
public struct SessionPlan: Sendable {
  public var task: TaskDefinition
  /// A shipped policy's name, a bundle folder or an ONNX file.
  public var policy: String
  /// A shipped model's name or a file; nil takes the task's.
  public var model: String?
  /// The shipped or given arm profile; nil takes the one of the model's name, or none for other models.
  public var profile: String?
  /// The servo profile of every joint: a shipped one by name, a file, or `none`; nil takes what fits the arm.
  public var servo: String?
  /// Limits tighter than the profile's.
  public var limitOverrides: [LimitOverride] = []
  /// The box that the arm stays in; nil for none but the model's floor.
  public var workspace: Workspace?
  /// Whether goals are kept from leading the arm into itself or into the model's floor. Nil: a physical arm's are; policies
  /// that learn in simulation may touch what they like.
  public var checksSelfCollision: Bool?
  /// Control rate, Hz; nil takes the policy's rate for torque arms and its first multiple of at least 100 Hz otherwise.
  public var controlRate: Double?
  /// The simulator's time step, s; nil takes the model's.
  public var physicsTimestep: Double?
  public var selection: ActionSelection = .mean
  public var interpolation: GoalInterpolation = .hold
  public var seed: UInt64 = 0
  /// Perturbations of the simulator.
  public var perturbations: Perturbations
  public var clock: TickClock.Kind = .virtual
  /// When to end: loop time, s, or finished episodes; whichever comes first. On the virtual
  /// clock one of the two must be given.
  public var duration: Double?
  public var episodes: Int?
  public var realTime: RealTimeSettings = .ordinary
  /// The recorded episode that takes the policy's place; nil for a policy.
  public var replay: ReplayLog?
  /// How a person takes part; nil for a run without one.
  public var operation: OperationPlan?
  /// The physical arm to run on; nil for a simulated one.
  public var hardware: HardwareSettings?
  /// Where the policy runs.
  public var policyPlacement = PolicyPlacement.automatic
  /// Whether the run starts although real-time rights were refused.
  public var allowsNonRealTime = true
  /// Whether a stop signal that came before the run was prepared ends it, too: the program has listened since then.
  public var hearsEarlierStops = false
  /// Where the log goes; nil for none.
  public var log: String?
  public var recorderOptions = RecorderOptions()
  /// The folder, on a file system in memory, in which the run keeps its black box.
  public var blackBoxFolder = BlackBoxKeeper.memoryFolder
  /// The configuration file's text, for the log.
  public var configurationText: String?
  /// The program's version, for the log's metadata.
  public var programVersion = ""
  public var gitRevision = ""

  public init(task: TaskDefinition, policy: String, perturbations: Perturbations) {
    self.task = task
    self.policy = policy
    self.perturbations = perturbations
  }
}

/// Which physical arm a run drives, and how it treats it.
public struct HardwareSettings: Sendable {
  /// A serial device, a pseudo-terminal or the path of a socket.
  public var port: String
  /// The arm's calibration: a file, or a name.
  public var calibration: String
  /// Speed of the line, bit/s; nil takes the arm profile's.
  public var baud: Int?
  /// What is done with the arm in the end.
  public var exit = ArmExit.park
  /// What becomes of the arm when the program dies.
  public var onCrash = CrashPolicy.hold
  /// What a lost port means.
  public var onUnplug = UnplugPolicy.end
  /// Control periods after which a watchdog has put the stop frame of `onCrash` onto the port and ends the program, when a
  /// tick does not end; 0: nobody watches. Nil: four, and at least two seconds where the loop may run without real time.
  public var stallPeriods: Int?
  /// Whether the run waits for its operator after an episode that a condition cut short.
  public var asksAfterInterruption = true
  /// Whether the operator has said that the policy may move the arm with nobody holding enable. The log keeps it.
  public var isUnsupervised = false

  public init(port: String, calibration: String) {
    self.port = port
    self.calibration = calibration
  }

  /// How long a tick may last until the stop frame is on the wire, ns; nil where nobody watches. Without strict real time a
  /// thread may have to wait for others; it is no runaway for that.
  func stallLimit(period: Int64, isStrict: Bool) -> Int64? {
    guard let stallPeriods else { return isStrict ? 4 * period : max(4 * period, 2_000_000_000) }
    return stallPeriods > 0 ? Int64(stallPeriods) * period : nil
  }
}

/// Where a run's policy runs.
public enum PolicyPlacement: String, Sendable, CaseIterable {
  /// In the tick when it fits into a quarter of the control period, else on a thread; in simulated time in the tick.
  case automatic
  /// In the tick, whatever it takes.
  case tick
  /// On a thread of its own, in real time only.
  case thread
}

/// Why a session could not be prepared: one line with the cause and the next step.
public struct SessionError: Error, CustomStringConvertible, Sendable {
  public let description: String
  /// Whether something was asked for that cannot be; else an arm is not as it should be.
  public let isWrongInput: Bool
  public init(_ description: String, isWrongInput: Bool = true) {
    self.description = description
    self.isWrongInput = isWrongInput
  }
}
