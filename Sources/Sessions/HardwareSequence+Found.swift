import ArmModel
import Control
import Safety

// An arm that was found under torque: a run that held it has ended, or was killed. The safety core stays in `boot` until the
// operator has said what becomes of it; until then nothing is switched and nothing commanded.
extension HardwareSequence {
  /// What becomes of torque that was found.
  enum Takeover: UInt8, BitwiseCopyable {
    /// Nothing has been agreed to.
    case none = 0
    /// The operator has agreed; the arm's next step is its first.
    case agreed = 1
    /// The arm takes its own steps to holding; once it holds, so does the core, at the servos' own goals.
    case adopting = 2

    @_noLocks
    static func == (a: Takeover, b: Takeover) -> Bool { a.rawValue == b.rawValue }
    @_noLocks
    static func != (a: Takeover, b: Takeover) -> Bool { a.rawValue != b.rawValue }
  }

  /// Ns that taking over may last, as long as switching torque on may.
  static var takeoverTime: Int64 { @_noLocks get { 2_000_000_000 } }

  /// Tells the core how the arm's torque is. What was found on is nobody's yet: to a core in `boot` it is unknown, until the
  /// operator has agreed and the arm has taken it over.
  @_noLocks
  func tellFoundTorque(_ core: inout RunCore) {
    guard core.loop.decision.state == .boot else { return }
    core.loop.inputs.servoGoal = core.heldGoal
    switch core.loop.inputs.power {
    case .on: if takeover != .adopting { core.loop.inputs.power = .unknown }
    case .unknown, .off, .energising, .mixed: break
    }
  }

  /// Whether the arm is to take its next step towards holding in this tick.
  @_noLocks
  func isTakingOver(_ core: borrowing RunCore) -> Bool {
    takeover != .none && core.loop.decision.state == .boot && core.loop.inputs.readSucceeded
      && core.loop.inputs.power != .off
  }

  /// The arm has taken such a step.
  @_noLocks
  mutating func noteTakeoverStep() { takeover = .adopting }

  /// The arm cannot be taken over: it is left as it was found, and the run ends.
  @_noLocks
  mutating func noteTakeoverFailure(_ core: inout RunCore, _ error: ArmError) {
    takeover = .none
    hasArmed = false
    // A port that is gone shows in the next reading.
    if isDisconnected(error) { return }
    core.takeoverFailure = error
    if !wasStopped { core.ending = .interrupted }
    if !core.isEnding { end(&core) }
  }

  /// Gives up what takes too long.
  @_noLocks
  mutating func watchTakeover(_ core: inout RunCore) {
    guard takeover != .none, core.loop.clock.now() > takeoverUntil else { return }
    noteTakeoverFailure(
      &core, ArmError(.timedOut, reason: "the arm was not taken over in time; check its servos and their cable"))
  }

  /// Asks the operator at the terminal.
  @_noLocks
  mutating func awaitTakeover(_ core: inout RunCore, _ answers: OperatorAnswers) -> Step {
    guard takeover == .none, core.loop.inputs.readSucceeded, canTakeOver(core) else { return .goOn }
    guard ask(.takeOver, &core, answers) else { return .goOn }
    if answers.refusals != answersSeen.refusals { return refuse(&core) }
    guard answers.consents != answersSeen.consents else { return .goOn }
    beginTakeover(&core)
    return .goOn
  }

  /// The person in charge takes the arm over as they would arm it: by start, with enable let go and the sticks at rest.
  @_noLocks
  mutating func personTakesOver(_ core: inout RunCore) {
    guard takeover == .none, core.loop.pressed.has(.start) else { return }
    let device = core.loop.inputs.person
    if !core.loop.inputs.readSucceeded || !canTakeOver(core) {
      person.refuse(&core, .notRead)
    } else if !device.isPresent {
      person.refuse(&core, .operatorAbsent)
    } else if device.mayBeEnabling {
      person.refuse(&core, .enableHeld)
    } else if !device.sticksAreNeutral {
      person.refuse(&core, .sticksNotNeutral)
    } else {
      beginTakeover(&core)
    }
  }

  /// What the operator was asked for is not done, and the run ends.
  @_noLocks
  mutating func refuse(_ core: inout RunCore) -> Step {
    core.ending = .stopped
    wasStopped = true
    end(&core)
    return .goOn
  }

  /// Whether every joint says that it is under torque.
  @_noLocks
  private func canTakeOver(_ core: borrowing RunCore) -> Bool {
    core.torque.isOn(all: core.loop.inputs.joints.count)
  }

  @_noLocks
  private mutating func beginTakeover(_ core: inout RunCore) {
    core.question = .none
    core.refusal = .none
    hasArmed = true
    takeover = .agreed
    takeoverUntil = core.loop.clock.now() &+ HardwareSequence.takeoverTime
  }
}
