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
    /// Some joints are limp: those that hold are let go first, by the safety core, and then all are armed.
    case releasing = 3

    @_noLocks
    static func == (a: Takeover, b: Takeover) -> Bool { a.rawValue == b.rawValue }
    @_noLocks
    static func != (a: Takeover, b: Takeover) -> Bool { a.rawValue != b.rawValue }
  }

  /// Ns that taking over may last, as long as switching torque on may.
  static var takeoverTime: Int64 { @_noLocks get { 2_000_000_000 } }

  /// Tells the core how the arm's torque is. What was found on is nobody's yet: to a core in `boot` it is unknown, until the
  /// operator has agreed and the arm has taken it over. Of an arm that is to be let go the core hears that some of its
  /// joints hold and some do not, which it ends by itself.
  @_noLocks
  func tellFoundTorque(_ core: inout RunCore) {
    guard core.loop.decision.state == .boot else { return }
    core.loop.inputs.servoGoal = core.heldGoal
    guard core.loop.inputs.power != .off else { return }
    if takeover == .releasing {
      core.loop.inputs.power = .mixed
    } else if core.loop.inputs.power == .mixed || (core.loop.inputs.power == .on && takeover != .adopting) {
      core.loop.inputs.power = .unknown
    }
  }

  /// Whether nothing stands in the way of arming any more: what was found holding has let go.
  @_noLocks
  func hasLetGo(_ core: borrowing RunCore) -> Bool { takeover != .releasing || core.loop.inputs.power == .off }

  /// Whether the arm is to take its next step towards holding in this tick.
  @_noLocks
  func isTakingOver(_ core: borrowing RunCore) -> Bool {
    (takeover == .agreed || takeover == .adopting) && core.loop.decision.state == .boot
      && core.loop.inputs.readSucceeded
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
    guard takeover == .agreed || takeover == .adopting, core.loop.clock.now() > takeoverUntil else { return }
    noteTakeoverFailure(
      &core, ArmError(.timedOut, reason: "the arm was not taken over in time; check its servos and their cable"))
  }

  /// Asks the operator at the terminal.
  @_noLocks
  mutating func awaitTakeover(_ core: inout RunCore, _ answers: OperatorAnswers) -> Step {
    let question = questionOfFound(core)
    guard takeover == .none, question != .none, ask(question, &core, answers) else { return .goOn }
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
    if questionOfFound(core) == .none {
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

  /// What the person's start began with an arm of which some joints were limp goes on once the others have let go.
  @_noLocks
  mutating func armAfterRelease(_ core: inout RunCore) {
    if core.loop.inputs.readSucceeded && hasLetGo(core) {
      takeover = .none
      core.loop.request(.arm)
    } else if core.loop.clock.now() > armingUntil {
      takeover = .none
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

  /// What the operator has to decide; nothing as long as a joint has not said whether it is under torque.
  @_noLocks
  private func questionOfFound(_ core: borrowing RunCore) -> OperatorQuestion {
    let count = core.loop.inputs.joints.count
    guard core.loop.inputs.readSucceeded, core.torque.isKnown(count: count), core.torque.on != 0 else { return .none }
    return core.torque.isOn(all: count) ? .takeOver : .releaseFirst
  }

  @_noLocks
  private mutating func beginTakeover(_ core: inout RunCore) {
    let now = core.loop.clock.now()
    core.question = .none
    core.refusal = .none
    hasArmed = true
    if core.torque.isOn(all: core.loop.inputs.joints.count) {
      takeover = .agreed
      takeoverUntil = now &+ HardwareSequence.takeoverTime
    } else {
      takeover = .releasing
      wasFoundHolding = false
      armingUntil = now &+ HardwareSequence.armingPatience
    }
  }
}
