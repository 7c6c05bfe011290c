import ArmModel
import Safety
import Sessions

/// What a person is told of the device in their hands, in the words of that device: what it lacks, what they may press next,
/// why it was refused.
struct OperatorWords {
  /// What the person holds.
  enum Device: Equatable {
    /// A gamepad: the one at `path`, or the first that comes.
    case pad(path: String?)
    case keyboard
    case recording
  }

  let device: Device

  private var isKeyboard: Bool { device == .keyboard }
  /// What begins: a button, or a key.
  private var start: String { isKeyboard ? "Enter" : "start" }
  private var reset: String { isKeyboard ? "R, with enable off (space)," : "reset, with enable let go," }

  /// Why the device moves nothing, and what the person does about it; nil where it lacks nothing.
  func lack(_ status: LoopStatus) -> String? {
    let input = status.input.status
    if !input.has(.present) { return absence }
    if !input.has(.known) { return "move both sticks once" }
    switch status.state {
    case .boot, .disarmed:
      return input.has(.neutral) ? nil : "let go: \(deflected(status.input)) not at rest"
    case .hold where input.has(.enableIsDown):
      if isKeyboard { return "space switches enable off, then on anew" }
      return input.has(.neutral)
        ? "let enable go, then hold it anew" : "let the sticks and enable go, then hold enable anew"
    default: return nil
    }
  }

  private var absence: String {
    switch device {
    case .pad(nil): "waiting for a gamepad; plug one in, or use --keyboard"
    case .pad(let path?): "waiting for the gamepad \(path); plug it in"
    case .keyboard: "no keys are read"
    case .recording: "no device"
    }
  }

  /// The controls that are not at rest, as the beginning of a sentence.
  private func deflected(_ input: OperatorInput) -> String {
    if isKeyboard { return "a key of motion is" }
    var names: [String] = []
    if input.leftX != 0 || input.leftY != 0 { names.append("left stick") }
    if input.rightX != 0 || input.rightY != 0 { names.append("right stick") }
    // Both triggers together ask for nothing of the gripper.
    if input.gripper != 0 || names.isEmpty { names.append("a trigger") }
    return names.joined(separator: ", ") + (names.count == 1 ? " is" : " are")
  }

  /// What the person may do next, where nothing is lacking; `movesHardware`: the arm may fall.
  func next(_ status: LoopStatus, movesHardware: Bool) -> String? {
    switch status.state {
    case .boot where status.torque.on != 0 && status.torque.off != 0:
      "the arm is PARTLY UNDER TORQUE: support it; \(start) releases it, then arms all of it"
    case .boot where status.torque.on != 0:
      "the arm is UNDER TORQUE; \(start) takes it over where it is held"
    case .boot, .disarmed: "\(start) arms"
    case .hold where status.episode.isRunning: isKeyboard ? "space, then keys move" : "hold enable to move"
    case .hold:
      isKeyboard ? "Enter begins an episode; space, then keys move" : "start begins an episode, enable moves"
    case .faultHold where movesHardware: "support the arm; \(reset) switches torque off"
    case .faultHold, .fault, .emergencyStop: "\(reset) leads out"
    default: nil
    }
  }

  /// Why a request was refused; of sticks that are not at rest, which, or that nothing is known of them yet.
  func refusal(_ status: LoopStatus) -> String {
    switch status.refusal {
    case .sticksNotNeutral where isKeyboard: return "a key of motion is down; let it go"
    case .sticksNotNeutral where !status.input.status.has(.present): return absence
    case .sticksNotNeutral where !status.input.status.has(.known):
      return "where the sticks stand is not known yet; move both sticks once"
    case .sticksNotNeutral where !status.input.status.has(.neutral):
      return
        "\(deflected(status.input)) not at rest; let go. 'sinew gamepad test' shows it; one that never comes to rest "
        + "needs a wider dead zone from its driver, which 'evdev-joystick --deadzone' sets"
    case .enableHeld where isKeyboard: return "enable is on; space switches it off"
    case .enableNotHeld where isKeyboard: return "enable is off; space switches it on"
    default: return status.refusal.text
    }
  }
}
