import Foundation
import Glibc
import VirtualServos

/// Virtual servos on a pseudo-terminal, the hand that turns their shafts, and `sinew calibrate` with a person at it.
final class CalibrationScene {
  let folder: ScratchFolder
  private let server: ServoBusServer
  private var command: Command?
  private var pipe: Int32 = -1

  /// Servos whose shafts turn between mechanical stops, as fast as a hand turns them.
  init(_ servos: [ServoSetup], ranges: [ClosedRange<Double>]) throws {
    folder = try ScratchFolder()
    let joints = IndependentJoints(ranges.map { IndependentJoints.Joint(start: 0.1, speed: 6, range: $0) })
    server = try ServoBusServer.pseudoTerminal(
      VirtualServoBus(VirtualBusConfiguration(servos: servos), physics: joints), link: folder.path("bus"))
  }

  deinit {
    if pipe >= 0 { close(pipe) }
    server.stop()
  }

  /// Starts the command; it hears what `say` says.
  func start(_ arguments: [String]) throws {
    if pipe >= 0 { close(pipe) }
    unlink(folder.path("answers"))
    try folder.makePipe("answers")
    // Both ends at once, so that neither opening waits for the other.
    pipe = open(folder.path("answers"), O_RDWR | O_CLOEXEC)
    command = try Command(
      ["calibrate", "--port", "bus"] + arguments, in: folder.root, input: folder.path("answers"))
  }

  /// Waits until the command has said `text` so often; false when it never does.
  func hears(_ text: String, times: Int = 1) -> Bool {
    let end = Date(timeIntervalSinceNow: 30)
    while Date() < end {
      if errors.components(separatedBy: text).count > times { return true }
      usleep(5000)
    }
    return false
  }

  var errors: String { command?.errors ?? "" }

  func say(_ line: String = "") { _ = write(pipe, line + "\n", line.utf8.count + 1) }

  /// A hand turns shafts to angles and waits until the command has seen them there. In steps of at most 1 rad, each of which
  /// the command samples: however busy the machine is, none can look like a way over the end of the turn.
  func turn(_ angles: [Int: Double]) {
    let end = Date(timeIntervalSinceNow: 60)
    let start = server.state.servos.map(\.shaft.position)
    let steps = Int(angles.map { abs($0.value - start[$0.key]) }.max()?.rounded(.up) ?? 1)
    for step in 1...max(1, steps) {
      let part = Double(step) / Double(max(1, steps))
      turnQuietly(
        Dictionary(uniqueKeysWithValues: angles.map { ($0.key, start[$0.key] + ($0.value - start[$0.key]) * part) }))
      let before = server.state.counts.instructions
      while Date() < end, server.state.counts.instructions < before + 4 * server.state.servos.count { usleep(2000) }
    }
  }

  /// The same when the command has ended.
  func turnQuietly(_ angles: [Int: Double]) {
    for (index, angle) in angles {
      server.withBus { bus in (bus.physics as? IndependentJoints)?.hold(index, at: angle) }
    }
    arrive(angles, before: Date(timeIntervalSinceNow: 20))
  }

  private func arrive(_ angles: [Int: Double], before end: Date) {
    while Date() < end {
      let states = server.state.servos
      if angles.allSatisfy({ abs(states[$0.key].shaft.position - $0.value) < 1e-6 }) { break }
      usleep(5000)
    }
  }

  /// The position register of a servo, ticks.
  func ticks(_ index: Int) -> Int { server.state.servos[index].position }

  func register(_ index: Int, _ address: Int) -> Int? { server.withBus { $0.register(index, at: address) } }

  var flashWrites: Int { server.state.servos.map(\.flashWrites).reduce(0, +) }

  func send(_ signal: Int32) { command?.send(signal) }

  func finish() throws -> Outcome? { try command?.finish(patience: 60) }
}
