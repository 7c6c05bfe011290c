import ArmModel
import Safety
import Testing

@testable import Sessions
@testable import sinew

/// What the live line tells a person whose device does not move the arm.
struct OperatorLineTests {
  private func text(_ state: SafetyState, _ device: OperatorStatus) -> String {
    var status = LoopStatus()
    status.state = state
    status.input.status = device
    return OperatorLine(joints: ["pan"], movesHardware: true).text(status)
  }

  @Test("a pad that was plugged in again is led back to the arm step by step")
  func pluggedInAgain() {
    let none = OperatorStatus(rawValue: 0)
    let rest = OperatorStatus.present.adding(.known).adding(.neutral)
    #expect(text(.hold, none).contains("| no device |"))
    #expect(text(.hold, .present).contains("| move both sticks and triggers once |"))
    #expect(text(.hold, .present.adding(.enableIsDown)).contains("| move both sticks and triggers once |"))
    let deflected = OperatorStatus.present.adding(.known).adding(.enableIsDown)
    #expect(text(.hold, deflected).contains("| let the sticks and enable go, then hold enable anew |"))
    #expect(text(.hold, rest.adding(.enableIsDown)).contains("| let enable go, then hold it anew |"))
    #expect(text(.hold, rest).contains("enable moves"))
    #expect(!text(.teleoperation, deflected).contains("anew"))
  }
}
