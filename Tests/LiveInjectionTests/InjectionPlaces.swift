/// Where each row of the project's list of injected faults is tested, three ways: the pure core on a virtual clock, real
/// threads over a socket pair, a pseudo-terminal.
struct InjectionPlaces: Sendable {
  /// One of the three ways.
  enum Place: Sendable {
    /// A row of docs/safety-injections.md (`InjectionTests`).
    case core
    /// A row of `LiveInjection.all`, over both lines.
    case live
    /// A test in a file below Tests, by its name.
    case test(String, String)
    /// It makes no sense there; why.
    case senseless(String)
    /// It is not there yet; what is missing.
    case missing(String)
  }

  let number: Int
  let injected: String
  let core: Place
  let threads: Place
  let terminal: Place

  init(_ number: Int, _ injected: String, core: Place, threads: Place, terminal: Place) {
    self.number = number
    self.injected = injected
    self.core = core
    self.threads = threads
    self.terminal = terminal
  }

  /// On the core and live on both lines.
  private static func everywhere(_ number: Int, _ injected: String) -> InjectionPlaces {
    InjectionPlaces(number, injected, core: .core, threads: .live, terminal: .live)
  }

  private static let noBus = Place.senseless("no servo has a part in it")
  private static let process = Place.senseless("it happens to a process, which has a port: see the pseudo-terminal")
  private static let beforeCore = Place.senseless("it is settled before there is a core")
  private static let sameCode = Place.senseless("the same code as over the socket pair: nothing depends on the line")
  private static let readings = "ServoArmTests/ReadingTests"
  private static let hardware = "CommandTests/HardwareRunDeviceTests"
  private static let crashes = "CommandTests/CrashDeviceTests"

  /// Every row of the list.
  static var all: [InjectionPlaces] {
    operators + policies + lines + arms + processes + rest
  }

  private static var operators: [InjectionPlaces] {
    [
      everywhere(1, "stop button in POLICY at v_max"), everywhere(2, "S0 chord"),
      everywhere(3, "enable released mid-motion"), everywhere(4, "gamepad gone (ENODEV)"),
      everywhere(5, "replugged with stick deflected and enable held"),
      everywhere(6, "gamepad silent, enable held, wireless"), everywhere(7, "SYN_DROPPED with a lost release"),
      InjectionPlaces(
        8, "two gamepads, the second sends sticks", core: .senseless("the core sees one device"),
        threads: .test(
          "GamepadsTests/Devices/LifeDeviceTests",
          "a second pad is named and ignored, its stop and its sticks too; it never takes over"), terminal: noBus),
      everywhere(9, "stuck enable at arm time"),
      InjectionPlaces(
        10, "10 kHz event flood", core: .senseless("the core sees one state a tick"), threads: .live, terminal: .live),
    ]
  }

  private static var policies: [InjectionPlaces] {
    [
      everywhere(11, "policy returns NaN"), everywhere(12, "+Inf, 1e308, denormals"),
      everywhere(13, "short or long action vector"), everywhere(14, "policy hangs"),
      everywhere(15, "policy thread dies"), everywhere(16, "policy emits bang-bang ± max"),
      everywhere(17, "policy output frozen"), everywhere(18, "action chunk stamped in the past or future"),
      InjectionPlaces(
        19, "wrong policy file", core: beforeCore,
        threads: .test(
          "PoliciesTests/BadBundleTests", "a wrong bundle is refused with one line that names file and cause"),
        terminal: .test(hardware, "Requests that cannot be are refused with 2 and the next step, and torque stays off")),
      InjectionPlaces(
        20, "inference 3 × slower under load", core: .senseless("the core sees proposals, not who makes them"),
        threads: .test(
          "ControlTests/PolicyThreadTests",
          "A policy slower than its rate is asked less often, and no step ends before its action was executed"),
        terminal: noBus),
      everywhere(21, "hand-over with the stick at the opposite end"),
      everywhere(22, "hand-over requested during STOPPING"),
    ]
  }

  private static var lines: [InjectionPlaces] {
    [
      everywhere(23, "servo 3 mute 1 / 3 / 20 ticks"), everywhere(24, "all servos mute (bus cut)"),
      everywhere(25, "bit flips 1e-3 on replies"),
      InjectionPlaces(
        26, "valid checksum but wrong id, duplicate, echo", core: .senseless("the core sees counts only: row 25"),
        threads: .live, terminal: .live),
      InjectionPlaces(
        27, "partial frame, silence, rest next tick",
        core: .test(
          "ServoBusTests/ParserPropertyTests",
          "random streams never trap, lose no byte, and yield only frames that check out"), threads: .live,
        terminal: .live),
      everywhere(28, "reply delayed 0.9T / 1.1T / 5T"), everywhere(29, "port closed (HUP) and reopened"),
      everywhere(30, "write returns EAGAIN"), everywhere(31, "servo resets itself mid-run (torque 0)"),
      everywhere(32, "error bits overload / heat / voltage"),
      everywhere(33, "encoder jumps once / thrice"),
      InjectionPlaces(
        34, "wrap 4095 → 0", core: .core,
        threads: .test(
          readings, "A range over the end of the encoder's turn is one range, also when the servo starts again"),
        terminal: sameCode),
    ]
  }

  private static var arms: [InjectionPlaces] {
    [
      everywhere(35, "start pose outside a soft limit"), everywhere(36, "virtual joint blocked, current rises"),
      everywhere(37, "gravity pulls a joint 5° in HOLD"), everywhere(38, "goal into table or self"),
      everywhere(39, "loop body +0.6T once / every tick / 20T once"),
      everywhere(40, "SIGSTOP 3 s, SIGCONT"),
    ]
  }

  private static var processes: [InjectionPlaces] {
    let crash = Place.test(
      crashes, "A crash of the control thread, or of another, lets go of the arm where that is asked for")
    let interrupt = Place.test(hardware, "Ctrl-C parks the arm, switches torque off, and says so only then")
    let runaway = Place.test(
      "CommandTests/RunawayDeviceTests",
      "A loop that hangs or runs away is ended by its watchdog, and the last goals are on the wire within four periods")
    return [
      InjectionPlaces(
        41, "CLOCK_REALTIME ± 1 h", core: .senseless("its time is what it is told"),
        threads: .test("LiveInjectionTests/ClockTests", "Nothing on the control thread reads the wall clock"),
        terminal: sameCode),
      InjectionPlaces(
        42, "stress-ng on the loop's core, FIFO on", core: .senseless("no clock in it"),
        threads: .test(
          "CommandTests/StressTests",
          "Under stress-ng on its processor the loop ticks on, and says how late in periods, and what the machine had to do"
        ),
        terminal: .senseless("no timing holds there")),
      InjectionPlaces(
        43, "FIFO or mlockall not permitted", core: beforeCore,
        threads: .test("SystemTests/ThreadTests", "An ordinary user without the right is refused real-time scheduling"),
        terminal: .test(
          "CommandTests/RealTimeRightsDeviceTests",
          "Without the right to real time a run on hardware is refused, says what grants it, and torque stays off")),
      InjectionPlaces(
        44, "runaway loop (endless tick)",
        core: .test(
          "RealTimeTests/StallDetectorTests",
          "A thread that stands still is found out when the limit is over, not before and not later"),
        threads: runaway, terminal: runaway),
      InjectionPlaces(45, "SIGINT in POLICY", core: .core, threads: process, terminal: interrupt),
      InjectionPlaces(
        46, "SIGINT twice / thrice during park", core: .core, threads: process,
        terminal: .test(hardware, "A second Ctrl-C leaves out the parking, not the release")),
      InjectionPlaces(
        47, "SIGTERM, SIGHUP (terminal closed)", core: .senseless("to the core all three are one"), threads: process,
        terminal: .test(
          hardware,
          "A terminal that closes hangs up several times, and a supervisor asks twice at once: the arm is parked all the same"
        )),
      InjectionPlaces(
        48, "array out of bounds, overflow, fatalError, nil, uncaught throw",
        core: .senseless("it happens to a process"), threads: process, terminal: crash),
      InjectionPlaces(
        49, "SIGSEGV; stack overflow", core: .senseless("it happens to a process"), threads: process, terminal: crash),
      InjectionPlaces(
        50, "SIGKILL at v_max", core: .senseless("it happens to a process"), threads: process,
        terminal: .test(
          crashes, "An arm whose program is killed at full speed goes no further than its goals were ahead")),
      InjectionPlaces(
        51, "SIGKILL during the torque-on sequence", core: .senseless("it happens to a process"), threads: process,
        terminal: .test(crashes, "Killed while torque comes on, servos are all under torque or none is")),
      InjectionPlaces(
        52, "second instance on the same port", core: beforeCore,
        threads: .senseless("a socket pair has one host by its nature"),
        terminal: .test(
          "ServoBusTests/SerialPortDeviceTests",
          "a port that another process has is refused, and that process named; it goes on undisturbed")),
    ]
  }

  private static var rest: [InjectionPlaces] {
    let adoption = Place.test(
      "ServoArmTests/EndingTests", "An arm that holds is adopted with its own goal and does not move")
    return [
      InjectionPlaces(
        53, "restart while servos hold", core: .core, threads: adoption, terminal: sameCode),
      InjectionPlaces(
        54, "logger disk full, or slow", core: .senseless("the core writes no log"),
        threads: .test(
          "RecordingTests/DiskFailureTests",
          "a disk that blocks for longer loses records, counts them and says so in the log; the producer never waits"),
        terminal: noBus),
      everywhere(55, "telemetry sends garbage, start, or never reads"), everywhere(56, "telemetry stop"),
      everywhere(57, "reset spam while the cause is active"), everywhere(58, "condition toggles every tick"),
      InjectionPlaces(
        59, "calibration of another arm", core: beforeCore,
        threads: .test("ServoArmTests/RefusalTests", "Position limits of another arm"), terminal: sameCode),
      InjectionPlaces(
        60, "model check, random event sequences",
        core: .test("SafetyTests/RandomSequenceTests", "No random life of a core breaks a limit or an authority"),
        threads: .senseless("millions of ticks need virtual time"),
        terminal: .senseless("millions of ticks need virtual time")),
    ]
  }
}
