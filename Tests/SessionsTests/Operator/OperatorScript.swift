import ArmModel
import Control

/// A person's input, written down moment by moment: a sound device, sticks at rest, enable let go, until told otherwise.
struct OperatorScript {
  private(set) var samples: [OperatorTrack.Sample] = []
  private(set) var input = OperatorInput()
  /// ns since the beginning.
  private(set) var time: Int64 = 0

  init() {
    input.status = [.present, .known, .neutral]
    input.connection = 1
    note()
  }

  /// The recording so far, and `rest` s more of the last moment.
  func track(rest: Double = 1) -> OperatorTrack {
    OperatorTrack(samples, duration: time + Int64(rest * 1e9))
  }

  mutating func wait(_ seconds: Double) { time += Int64(seconds * 1e9) }

  /// Presses a button for 0.1 s, and waits as long again.
  mutating func press(_ role: OperatorRole) {
    hold(role)
    wait(0.1)
    letGo(role)
    wait(0.1)
  }

  mutating func hold(_ role: OperatorRole) {
    input.held = input.held.adding(role)
    input.presses[Int(role.rawValue)] &+= 1
    if role == .enable { input.status.insert(.enableIsDown) }
    note()
  }

  mutating func letGo(_ role: OperatorRole) {
    input.held.remove(OperatorButtons(role))
    if role == .enable { input.status.remove(.enableIsDown) }
    note()
  }

  /// A press that came and went between two looks.
  mutating func tap(_ role: OperatorRole) {
    input.presses[Int(role.rawValue)] &+= 1
    note()
  }

  mutating func sticks(leftX: Double = 0, leftY: Double = 0, rightX: Double = 0, rightY: Double = 0) {
    (input.leftX, input.leftY, input.rightX, input.rightY) = (leftX, leftY, rightX, rightY)
    if leftX == 0 && leftY == 0 && rightX == 0 && rightY == 0 {
      input.status.insert(.neutral)
    } else {
      input.status.remove(.neutral)
    }
    note()
  }

  /// Changes anything else.
  mutating func change(_ edit: (inout OperatorInput) -> Void) {
    edit(&input)
    note()
  }

  private mutating func note() {
    input.eventStamp = time
    samples.append(OperatorTrack.Sample(time: time, input: input))
  }

  /// Arms the arm, begins an episode and holds enable.
  static func ready() -> OperatorScript {
    var script = OperatorScript()
    script.wait(0.2)
    script.press(.start)
    script.press(.start)
    script.hold(.enable)
    script.wait(0.2)
    return script
  }
}
