import ArmModel
import ServoBus
import ServoWire
import Testing
import VirtualServos

/// An arm of three hobby servos on channels 2, 0 and 1 of a board with six, on virtual time.
struct Rig {
  static let period: Int64 = 10_000_000
  static let names = ["base", "elbow", "gripper"]
  /// Channels, signs and centres, µs.
  static let channels: [UInt8] = [2, 0, 1]
  static let signs = [1, -1, 1]
  static let centres = [1500.0, 1480, 1000]
  static let park = [0.1, -0.2, 0.5]
  /// µs for a radian.
  static let scale = 600.0

  var configuration: ServoArmConfiguration
  var board = VirtualBoardConfiguration()
  var boardRate = 1.0

  init(period: Int64 = Rig.period) {
    let joints = Rig.names.indices.map { index in
      JointProfile(
        name: Rig.names[index], lower: index == 2 ? 0 : -1, upper: 1, velocity: 2, acceleration: 20, jerk: 1000)
    }
    let servos = Rig.names.indices.map { index in
      JointServo(
        joint: Rig.names[index], servo: Rig.channels[index], models: ["mg996r"], sign: Rig.signs[index],
        pulse: PulseDrive(centre: 1500, perRadian: Rig.scale, range: 500...2500))
    }
    let profile = ArmProfile(
      name: "rig", description: "", model: nil, commandMode: .position, joints: joints, home: [0, 0, 0],
      park: Rig.park, bus: ArmBus(wire: ArmBus.firmwareWire, baud: 115_200, supply: 4.8...7.2, servos: servos))
    let calibration = ArmCalibration(
      name: "mine", profile: "rig",
      joints: Rig.names.indices.map { index in
        JointCalibration(
          joint: Rig.names[index], servo: Rig.channels[index], model: "mg996r", zero: Rig.centres[index] * 4,
          sign: Rig.signs[index], lower: 2800, upper: 9200, ticksPerRadian: Rig.scale * 4)
      })
    configuration = ServoArmConfiguration(profile: profile, calibration: calibration, controlPeriod: period)
  }

  /// The pulse of a joint position, µs.
  static func pulse(_ joint: Int, _ position: Double) -> Double {
    centres[joint] + Double(signs[joint]) * position * scale
  }

  /// Connects an arm and hands it out with its line.
  func run(session: UInt16 = 0x1234, _ body: (BoardLine, inout Bench) throws -> Void) throws {
    let line = BoardLine(board, boardRate: boardRate)
    // The board knows its inputs after 5 ms.
    line.advance(to: line.now + 20_000_000)
    var bench = Bench(
      arm: try BoardArm.connect(line.makeTransport(), configuration: configuration, session: session), line: line)
    try body(line, &bench)
  }
}

/// The arm in ticks, as a control loop drives it.
struct Bench: ~Copyable {
  var arm: BoardArm
  let line: BoardLine
  var state = JointState(count: 3)
  var next: Int64
  /// The errors of the last tick.
  var readError: ArmError?
  var actError: ArmError?

  init(arm: consuming BoardArm, line: BoardLine) {
    self.arm = arm
    self.line = line
    next = line.now
  }

  enum Act {
    case nothing, energise, release
    case move([Double])
  }

  /// One tick: read, then act.
  mutating func tick(_ act: Act = .nothing) {
    line.advance(to: next)
    let now = line.now
    next = max(next, now) + Rig.period
    (readError, actError) = (nil, nil)
    do throws(ArmError) { try arm.read(into: &state, now: now) } catch { readError = error }
    do throws(ArmError) {
      switch act {
      case .nothing: break
      case .energise: try arm.energise(now: now)
      case .release: try arm.release(now: now)
      case .move(let goal):
        try arm.write(JointCommand(mode: .position, goal: JointVector(goal), stamp: now))
      }
    } catch { actError = error }
  }

  mutating func ticks(_ count: Int, _ act: Act = .nothing) { for _ in 0..<count { tick(act) } }

  /// Energises until torque is on, some ticks at most.
  mutating func energise(within most: Int = 20) {
    for _ in 0..<most where arm.power != .on { tick(.energise) }
  }
}
