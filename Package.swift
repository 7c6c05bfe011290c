// swift-tools-version: 6.2
import PackageDescription

/// In CI a warning in our own targets is an error; elsewhere a newer compiler's new warnings stop nobody.
let isStrict = Context.environment["CI"] == "true"
/// Every Swift target: Swift 6 language mode comes with the tools version; nothing unsafe is passed to the compiler.
let swiftSettings: [SwiftSetting] =
  [.enableUpcomingFeature("ExistentialAny")] + (isStrict ? [.treatAllWarnings(as: .error)] : [])
/// C targets see the GNU interfaces (affinity, thread names) that Glibc hides by default.
let cSettings: [CSetting] =
  [.define("_GNU_SOURCE")]
  + (isStrict ? [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)] : [])

func room(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: dependencies + ["TestSupport"], resources: resources,
    swiftSettings: swiftSettings)
}

let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "sinew",
  products: [.executable(name: "sinew", targets: ["sinew"])],
  dependencies: [
    // The command line: sub-commands, help and validation that we would otherwise write ourselves.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // YAML with line and column of every node, for errors that point at the mistake. Only Configuration imports it.
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // Floor 0: what Swift cannot import or must not do itself.
    .target(name: "CSystem", cSettings: cSettings, linkerSettings: [.linkedLibrary("m")]),
    .target(name: "CKernels", exclude: ["impl"], cSettings: cSettings, linkerSettings: [.linkedLibrary("m")]),
    .systemLibrary(name: "CMuJoCoLibrary", pkgConfig: "mujoco"),
    .target(name: "CMuJoCo", dependencies: ["CMuJoCoLibrary"], cSettings: cSettings),
    .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CMessageDigest", pkgConfig: "libmd", providers: [.apt(["libmd-dev"])]),
    .systemLibrary(name: "CEvdev", pkgConfig: "libevdev", providers: [.apt(["libevdev-dev"])]),
    .systemLibrary(name: "CSerialPort", pkgConfig: "libserialport", providers: [.apt(["libserialport-dev"])]),

    // Floor 1: values and time.
    room("Numerics", ["CSystem"]),
    room("RealTime", ["CSystem"]),
    room("ArmModel", ["Numerics"]),
    room("Configuration", ["CMessageDigest", yams]),
    // The firmware protocol: codec and the board's state machine; compiles as Embedded Swift too (tools/check-embedded).
    room("ServoWire"),
    // The same for processors without Swift; the tests hold the two against each other.
    .target(name: "CServoWire", path: "firmware-protocol/c", cSettings: cSettings),

    // Floor 2: networks and tasks.
    room("Networks", ["CKernels", "CSystem", "Numerics"]),
    room("Tasks", ["ArmModel", "Configuration", "CSystem", "Numerics"], resources: [.copy("Resources/tasks")]),
    room("ArmProfiles", ["ArmModel", "Configuration"], resources: [.copy("Resources/arms")]),

    // Floor 3: the rooms around the loop.
    room("Safety", ["ArmModel", "CSystem", "Numerics"]),
    room(
      "Simulation", ["ArmModel", "CMuJoCo", "CSystem", "Configuration", "Numerics"],
      resources: [.copy("Resources/models"), .copy("Resources/servos")]),
    room("Policies", ["Configuration", "CSystem", "Networks", "Numerics"], resources: [.copy("Resources/policies")]),
    room("Learning", ["CSystem", "Networks", "Numerics"]),
    room("Recording", ["ArmModel", "CLZ4", "CSystem", "CZlib", "CZstd", "RealTime"]),
    room("ServoBus", ["ArmModel", "ArmProfiles", "Configuration", "CSerialPort", "CSystem", "RealTime", "ServoWire"]),
    room(
      "Gamepads", ["ArmModel", "CEvdev", "CSystem", "Configuration", "RealTime"],
      resources: [.copy("Resources/gamepads")]),
    // The door for the public MCAP conformance cases: their JSON on one side, our reader and writer on the other.
    room("McapConformance", ["Recording"]),
    .executableTarget(name: "mcap-conformance", dependencies: ["McapConformance"], swiftSettings: swiftSettings),

    // Floor 4: the loop, and whole runs made of it.
    room(
      "Control",
      ["ArmModel", "CSystem", "Numerics", "Policies", "RealTime", "Recording", "Safety", "Simulation", "Tasks"]),
    // From the logs of a policy's own runs to a better policy: examination, offline PPO, the gate before a new bundle.
    room(
      "FineTuning",
      ["ArmModel", "CSystem", "Configuration", "Learning", "Networks", "Numerics", "Policies", "Recording", "Tasks"]),
    // The servos' side of the bus; shares no code with the host's side, so that one mistake cannot pass both ways.
    room(
      "VirtualServos",
      ["ArmModel", "ArmProfiles", "CSystem", "Configuration", "Numerics", "RealTime", "ServoWire", "Simulation"]),
    // From a hand that turns joints to the file that says what the servos' ticks mean.
    room("Calibration", ["ArmModel", "ArmProfiles", "Configuration", "ServoBus"]),
    room("Sessions", ["ArmProfiles", "Configuration", "Control", "ServoBus"]),
    // Learning on tasks and simulated arms: settings, checkpoints, curves, bundles.
    room(
      "Training",
      [
        "CSystem", "CZlib", "Configuration", "Learning", "Networks", "Numerics", "Policies", "Sessions", "Simulation",
        "Tasks",
      ]),
    // Both sides of the bus against each other on virtual time, with faults.
    room(
      "BusTrials",
      [
        "ArmModel", "ArmProfiles", "CSystem", "Configuration", "Numerics", "RealTime", "Safety", "ServoBus",
        "VirtualServos",
      ]),

    // Floor 5: one file per subcommand.
    .executableTarget(
      name: "sinew",
      dependencies: [
        "BusTrials", "Calibration", "FineTuning", "Gamepads", "Sessions", "Training", "ServoBus", "ServoWire",
        "VirtualServos", "CKernels",
        "CMuJoCo", argumentParser,
      ],
      swiftSettings: swiftSettings),

    // Stands in for malloc in the test program, to count what a stretch of code allocates.
    .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter", cSettings: cSettings),
    .target(
      name: "TestSupport", dependencies: ["CAllocationCounter"], path: "Tests/TestSupport", swiftSettings: swiftSettings
    ),
    tests("System", ["CSystem", "CAllocationCounter"]),
    tests("RealTime", ["Numerics", "RealTime"]),
    tests("ArmModel", ["ArmModel"]),
    tests("Numerics", ["Numerics"]),
    tests("Configuration", ["Configuration"]),
    tests("Networks", ["Networks", "CKernels"]),
    tests("Learning", ["Learning", "Networks", "Numerics"]),
    tests("Tasks", ["Tasks"]),
    tests("ArmProfiles", ["ArmProfiles", "Numerics", "Tasks"]),
    tests("Safety", ["Safety"]),
    tests("Simulation", ["Simulation", "Tasks"]),
    tests("Policies", ["Policies"]),
    // A made-up run, and a process that records one until it is killed.
    .target(
      name: "RecordingTestSupport", dependencies: ["ArmModel", "Recording"], path: "Tests/RecordingTestSupport",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "recording-writer", dependencies: ["Recording", "RecordingTestSupport"], path: "Tests/RecordingWriter",
      swiftSettings: swiftSettings),
    tests("Recording", ["ArmModel", "McapConformance", "Recording", "RecordingTestSupport", "recording-writer"]),
    // Made-up input devices; libumockdev is looked for at run time.
    .target(
      name: "CPadTestbed", path: "Tests/CPadTestbed", cSettings: cSettings, linkerSettings: [.linkedLibrary("dl")]),
    tests("Gamepads", ["ArmModel", "CEvdev", "Configuration", "CPadTestbed", "CSystem", "Gamepads", "sinew"]),
    tests("VirtualServos", ["VirtualServos", "ArmProfiles", "Simulation"]),
    // Opens a serial port and reads a servo, in a process of its own: the tests load a stand-in for the driver into it.
    .executableTarget(
      name: "servo-port-probe", dependencies: ["CSystem", "ServoBus"], path: "Tests/ServoPortProbe",
      swiftSettings: swiftSettings),
    tests("BusTrials", ["BusTrials", "ServoBus", "VirtualServos"]),
    tests("ServoBus", ["CSystem", "Numerics", "ServoBus", "servo-port-probe"]),
    // Arms of virtual servos, driven through the real bus code.
    tests(
      "ServoArm", ["ArmModel", "Control", "CSystem", "ServoBus", "Simulation", "VirtualServos", "allocation-probe"]),
    // Counts what ticks with faults allocate, in a process where nobody looks at the errors thrown.
    .executableTarget(
      name: "allocation-probe",
      dependencies: ["ArmModel", "CAllocationCounter", "CSystem", "ServoBus", "VirtualServos"],
      path: "Tests/AllocationProbe", swiftSettings: swiftSettings),
    // Arms behind a controller board: the host's driver against virtual boards.
    tests(
      "BoardArm",
      ["ArmModel", "ArmProfiles", "CSystem", "Configuration", "ServoBus", "ServoWire", "VirtualServos"]),
    // Takes hold of an arm and then dies: in a process of its own.
    .executableTarget(
      name: "crash-probe",
      dependencies: ["ArmModel", "ArmProfiles", "BusTrials", "CSystem", "RealTime", "ServoBus"],
      path: "Tests/CrashProbe", swiftSettings: swiftSettings),
    // The list of injected faults, on real threads around an arm of virtual servos.
    tests(
      "LiveInjection",
      [
        "ArmModel", "ArmProfiles", "Control", "CSystem", "LoopTestSupport", "Numerics", "RealTime", "Safety",
        "ServoBus", "VirtualServos",
      ]),
    // Policies made on the spot, and an arm that follows a script.
    .target(
      name: "LoopTestSupport", dependencies: ["ArmModel", "Configuration", "Recording"], path: "Tests/LoopTestSupport",
      swiftSettings: swiftSettings),
    tests("Control", ["Control", "LoopTestSupport"]),
    tests("Training", ["CZlib", "Training", "LoopTestSupport", "Sessions"]),
    tests("Sessions", ["Gamepads", "Sessions", "LoopTestSupport", "ServoBus", "VirtualServos"]),
    tests("Calibration", ["ArmProfiles", "Calibration", "Configuration", "Numerics", "ServoBus", "VirtualServos"]),
    // Boards of both kinds behind one door, and random hosts.
    .target(
      name: "ServoWireTestSupport", dependencies: ["CServoWire", "Numerics", "ServoWire"],
      path: "Tests/ServoWireTestSupport", swiftSettings: swiftSettings),
    tests("ServoWire", ["Numerics", "ServoWire", "ServoWireTestSupport"]),
    // A million frames to both kinds of board, in a release build.
    .executableTarget(
      name: "servo-wire-trials", dependencies: ["ServoWireTestSupport"], path: "Tests/ServoWireTrials",
      swiftSettings: swiftSettings),
    // The command itself, driven from outside as a user drives it.
    tests(
      "Command",
      [
        "sinew", "ArmModel", "ArmProfiles", "BusTrials", "Configuration", "CSystem", "FineTuning", "Learning",
        "LoopTestSupport", "Networks", "Policies", "Recording", "ServoWire", "VirtualServos", "crash-probe",
      ]),
  ]
)
