import ArmModel
import Calibration
import Testing

@Suite("the guided calibration")
struct ProcedureTests {
  private let mounting = Mounting(zero: 3000, sign: 1)

  @Test("a badly swept joint is refused with the reason, and nothing is lost: it can be turned further")
  func sweptAgain() {
    var procedure = CalibrationProcedure([subject(feetech)])
    #expect(procedure.stage == .sweep)
    procedure.answer(.next)
    #expect(procedure.problems.map(\.text) == ["servo 3 was not read; check its cable and power"])
    procedure.turn(mounting, from: 0, to: 0)
    procedure.turn(mounting, from: 0, to: 1.5)
    procedure.answer(.next)
    #expect(procedure.stage == .sweep)
    #expect(procedure.problems.map(\.text) == ["swept 86° of about 172°; turn it to both its stops"])
    procedure.turn(mounting, from: 1.5, to: -1.5)
    procedure.turn(mounting, from: -1.5, to: -1.5)
    procedure.answer(.next)
    #expect(procedure.stage == .complete && procedure.problems.isEmpty && procedure.result.count == 1)
  }

  @Test("the table says how far each joint got, and how often it crossed the end of its turn")
  func rows() {
    var procedure = CalibrationProcedure([subject(feetech)])
    procedure.turn(mounting, from: 0, to: 0)
    procedure.turn(mounting, from: 0, to: 1.75)
    let row = procedure.rows[0]
    #expect(row.joint == "elbow" && row.servo == 3 && row.wraps == 1 && row.problem != nil)
    #expect(
      row.range.map { $0.upperBound > 4096 } == true && abs(row.swept - 100.3) < 0.2 && abs(row.expected - 171.9) < 0.1)
  }

  @Test("a joint without an end is asked for; a no makes it one like the others")
  func continuous() {
    let joints = [
      subject(feetech, name: "a"), subject(feetech, name: "roll", zero: .pose, isContinuous: true),
    ]
    var procedure = CalibrationProcedure(joints)
    #expect(procedure.stage == .continuous(joint: 1))
    var asked = procedure
    asked.answer(.no)
    #expect(asked.stage == .sweep && !asked.rows[1].isContinuous)
    procedure.answer(.yes)
    #expect(procedure.stage == .sweep && procedure.rows[1].isContinuous)
    // One that has nothing to be swept goes on to the pose at once.
    var alone = CalibrationProcedure([joints[1]])
    alone.answer(.next)
    #expect(alone.stage == .pose)
    alone.answer(.next)
    #expect(alone.problems.map(\.text) == ["servo 3 was not read; check its cable and power"])
    alone.turn(Mounting(zero: 100, sign: 1), from: 0, to: 0)
    alone.turn(Mounting(zero: 100, sign: 1), from: 0, to: 0)
    alone.answer(.next)
    #expect(alone.stage == .complete && alone.result[0].isContinuous && alone.result[0].zero == 2048)
  }

  @Test("a servo that counts the other way is asked about before it is believed")
  func reversed() {
    let backwards = Mounting(zero: 3000, sign: -1)
    var procedure = CalibrationProcedure([subject(feetech, direction: "the forearm tips down")])
    procedure.turn(backwards, from: 0, to: 0)
    procedure.turn(backwards, from: 0, to: 1.5)
    procedure.turn(backwards, from: 1.5, to: -1.5)
    procedure.turn(backwards, from: -1.5, to: -1.5)
    procedure.answer(.next)
    #expect(procedure.stage == .direction(joint: 0))
    procedure.answer(.next)
    #expect(procedure.problems.map(\.text) == ["turned only 0°; turn it by 10° or more"])
    procedure.turn(backwards, from: -1.5, to: -1)
    procedure.answer(.next)
    #expect(procedure.stage == .reversed(joint: 0))
    procedure.answer(.no)
    #expect(procedure.stage == .direction(joint: 0))
    procedure.turn(backwards, from: -1, to: -0.5)
    procedure.answer(.next)
    procedure.answer(.yes)
    #expect(procedure.stage == .complete && procedure.result[0].sign == -1)
  }

  @Test("with the profile taken at its word nothing but the sweep is left")
  func brief() {
    var procedure = CalibrationProcedure(
      [subject(feetech, direction: "the forearm tips down")], takesProfile: true)
    procedure.turn(mounting, from: 0, to: 0)
    procedure.turn(mounting, from: -1.5, to: -1.5)
    procedure.turn(mounting, from: -1.5, to: 1.5)
    procedure.turn(mounting, from: 1.5, to: 1.5)
    procedure.answer(.next)
    #expect(procedure.stage == .complete && procedure.result[0].sign == 1)
  }

  @Test("an interrupted sweep goes on with what it had")
  func resumed() {
    var first = CalibrationProcedure([subject(feetech)])
    first.turn(mounting, from: 0, to: 0)
    first.turn(mounting, from: 0, to: 1.5)
    var second = CalibrationProcedure([subject(feetech)], ranges: first.ranges)
    second.turn(mounting, from: 1, to: 1)
    second.turn(mounting, from: 1, to: -1.5)
    second.turn(mounting, from: -1.5, to: -1.5)
    second.answer(.next)
    #expect(second.stage == .complete)
    #expect(abs(second.result[0].zero - 2048) <= 1)
  }

  @Test("a follower that turns against its leader is found while sweeping")
  func follower() {
    let arm = subject(dynamixel, zero: .servo, followers: [5])
    var good = CalibrationProcedure([arm])
    var bad = good
    for step in -24...24 {
      let leader = 2048 + 40 * step
      for _ in 0..<2 {
        good.add([[leader, leader + 12]])
        bad.add([[leader, 4096 - leader]])
      }
    }
    good.answer(.next)
    bad.answer(.next)
    #expect(good.stage == .complete, "\(good.problems)")
    #expect(good.result.first?.followers == [FollowerCalibration(servo: 5, homingOffset: -12)])
    #expect(bad.stage == .sweep)
    #expect(bad.problems.first?.text.contains("servo 5 turned against servo 3") == true)
  }

  @Test("verifying finds the joint whose angle falls")
  func verification() {
    let arm = subject(feetech, direction: "the forearm tips down")
    let joint = JointCalibration(
      joint: "elbow", servo: 3, model: "sts3215", zero: 2048, sign: -1, lower: 1070, upper: 3026)
    var verification = CalibrationVerification(
      ArmCalibration(name: "n", profile: "p", joints: [joint]), [arm])
    #expect(verification.joint == 0)
    verification.add([[1000]])
    verification.add([[1000]])
    verification.next()
    #expect(verification.problem?.text == "turned only 0°; turn it by 10° or more")
    for raw in stride(from: 1000, through: 1600, by: 100) { verification.add([[raw]]) }
    verification.next()
    #expect(verification.joint == nil)
    #expect(
      verification.failures.map(\.text) == [
        "the angle fell by 53° where the forearm tips down; calibrate this joint again"
      ])
  }
}
