import ArmModel
import Numerics
import Safety
import Testing

@testable import Sessions
@testable import sinew

/// What the live line tells a person whose device does not move the arm.
struct OperatorLineTests {
  private func text(
    _ state: SafetyState, _ device: OperatorStatus, of kind: OperatorWords.Device = .pad(path: nil)
  ) -> String {
    var status = LoopStatus()
    status.state = state
    status.input.status = device
    return OperatorLine(joints: ["pan"], movesHardware: true, device: kind).text(status)
  }

  @Test("a pad that was plugged in again is led back to the arm step by step")
  func pluggedInAgain() {
    let none = OperatorStatus(rawValue: 0)
    let rest = OperatorStatus.present.adding(.known).adding(.neutral)
    #expect(text(.hold, none).contains("| waiting for a gamepad; plug one in, or use --keyboard |"))
    #expect(text(.hold, .present).contains("| move both sticks once |"))
    #expect(text(.hold, .present.adding(.enableIsDown)).contains("| move both sticks once |"))
    let deflected = OperatorStatus.present.adding(.known).adding(.enableIsDown)
    #expect(text(.hold, deflected).contains("| let the sticks and enable go, then hold enable anew |"))
    #expect(text(.hold, rest.adding(.enableIsDown)).contains("| let enable go, then hold it anew |"))
    #expect(text(.hold, rest).contains("enable moves"))
    #expect(!text(.teleoperation, deflected).contains("anew"))
  }

  private static let rest = OperatorStatus.present.adding(.known).adding(.neutral)

  @Test("the pad that was named is the one that is waited for")
  func named() {
    let none = OperatorStatus(rawValue: 0)
    let line = text(.disarmed, none, of: .pad(path: "/dev/input/event5"))
    #expect(line.contains("| waiting for the gamepad /dev/input/event5; plug it in |"))
  }

  @Test("nobody is told that start arms where it would be refused", arguments: [SafetyState.boot, .disarmed])
  func startIsPossible(state: SafetyState) {
    #expect(text(state, Self.rest).contains("| start arms |"))
    for device in [OperatorStatus.present, .present.adding(.known)] {
      #expect(!text(state, device).contains("start arms"))
    }
    #expect(text(state, .present).contains("| move both sticks once |"))
    #expect(text(state, .present.adding(.known)).contains("| let go: a trigger is not at rest |"))
  }

  @Test("the keyboard's line speaks of keys")
  func keys() {
    #expect(text(.disarmed, Self.rest, of: .keyboard).contains("| Enter arms |"))
    #expect(text(.hold, Self.rest, of: .keyboard).contains("| Enter begins an episode; space, then keys move |"))
    #expect(text(.faultHold, Self.rest, of: .keyboard).contains("R, with enable off (space), switches torque off"))
    for state in SafetyState.allCases {
      for device in [Self.rest, Self.rest.adding(.enableIsDown), OperatorStatus.present.adding(.known)] {
        let line = text(state, device, of: .keyboard)
        for word in ["start", "stick", "reset", "hold enable"] { #expect(!line.contains(word), "\(line)") }
      }
    }
  }

  @Test("a refusal names the control that is not at rest, or says that the sticks were not heard of yet")
  func refusals() {
    var status = LoopStatus()
    status.refusal = .sticksNotNeutral
    status.input.status = .present
    let words = OperatorWords(device: .pad(path: nil))
    #expect(words.refusal(status) == "where the sticks stand is not known yet; move both sticks once")
    status.input.status = .present.adding(.known)
    status.input.gripper = 0.2
    #expect(words.refusal(status).hasPrefix("a trigger is not at rest; "))
    status.input.rightX = -0.4
    #expect(words.refusal(status).hasPrefix("right stick, a trigger are not at rest; "))
    status.refusal = .faultLatched
    #expect(words.refusal(status) == RefusalReason.faultLatched.text)
  }

  @Test("the tool has a place only where one was measured")
  func tool() {
    var status = LoopStatus()
    let line = OperatorLine(joints: ["pan"], movesHardware: true, device: .keyboard)
    #expect(!line.text(status).contains(" m |"))
    status.teleoperation.tool = Vector3(0.1, -0.02, 0.3)
    #expect(line.text(status).contains("| tool 0.100 -0.020 0.300 m |"))
  }
}
