import Safety
import Sessions
import Testing

/// In a replay no policy proposes, and none is to blame.
struct ReplayAdviceTests {
  @Test("limits that alter a replay's commands are answered with a lower speed, and nothing blames a policy")
  func blame() {
    #expect(Condition.clampedTooOften.advice(inReplay: true).contains("replay them with a lower --speed"))
    #expect(Condition.clampedTooOften.advice(inReplay: false).contains("the policy asks for more than the limits"))
    for condition in Condition.allCases {
      #expect(!condition.advice(inReplay: true).contains("policy"), "\(condition.name)")
      #expect(condition.advice(inReplay: false) == condition.advice)
    }
  }
}
