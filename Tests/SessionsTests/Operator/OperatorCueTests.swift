import ArmModel
import Control
import Safety
import Simulation
import Testing

@testable import Sessions

/// What a person feels in their hands.
@Suite struct OperatorCueTests {
  private static func status(
    _ state: SafetyState, causes: [Condition] = [], limitation: ToolLimitation = ToolLimitation(rawValue: 0)
  ) -> LoopStatus {
    var status = LoopStatus()
    status.state = state
    for condition in causes { status.causes = status.causes.adding(condition) }
    status.teleoperation.limitation = limitation
    return status
  }

  @Test func `Being armed is felt once, also where arming takes no time`() {
    var cues = OperatorCues()
    let felt = [SafetyState.boot, .disarmed, .hold, .hold, .teleoperation, .hold].map { cues.next(Self.status($0)) }
    #expect(felt == [nil, nil, .armed, nil, nil, nil])
    var slow = OperatorCues()
    let slowly = [SafetyState.disarmed, .arming, .arming, .hold].map { slow.next(Self.status($0)) }
    #expect(slowly == [nil, nil, nil, .armed])
  }

  @Test func `A stop is felt unless the person made it; a fault always`() {
    var cues = OperatorCues()
    _ = cues.next(Self.status(.teleoperation))
    #expect(cues.next(Self.status(.stopping, causes: [.enableReleased])) == nil)
    _ = cues.next(Self.status(.teleoperation))
    #expect(cues.next(Self.status(.stopping, causes: [.operatorLost])) == .stopped)
    #expect(cues.next(Self.status(.stopping, causes: [.operatorLost])) == nil)
    #expect(cues.next(Self.status(.faultHold)) == .stopped)
    #expect(cues.next(Self.status(.fault)) == nil)
  }

  @Test func `The end of a joint's range is felt at its beginning`() {
    var cues = OperatorCues()
    let felt = [ToolLimitation(rawValue: 0), .jointRange, .jointRange, ToolLimitation(rawValue: 0), .jointRange].map {
      cues.next(Self.status(.teleoperation, limitation: $0))
    }
    #expect(felt == [nil, .stopped, nil, nil, .stopped])
  }
}
