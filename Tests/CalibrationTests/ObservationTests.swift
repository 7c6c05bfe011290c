import ArmModel
import Calibration
import Numerics
import Testing

/// The problem that `observation` has on `subject`; "" when it has none.
private func problem(_ observation: JointObservation, _ subject: CalibrationSubject) -> String {
  do throws(JointProblem) {
    _ = try observation.calibration(of: subject)
    return ""
  } catch { return error.text }
}

@Suite("what follows from a joint's sweep")
struct ObservationTests {
  @Test("the homing offset brings the range to the middle of a Feetech servo's positions")
  func feetechOffset() throws {
    let range = 3500...5455
    let calibration = try JointObservation(range: range).calibration(of: subject(feetech))
    #expect(calibration.homingOffset == -1666 && calibration.mode == .position)
    #expect(calibration.lower == 1070 && calibration.upper == 3025 && calibration.zero == 2047.5)
  }

  @Test("half a turn, which the register cannot hold, is one tick beside it")
  func largestOffset() throws {
    let calibration = try JointObservation(range: 4096 - 978...4096 + 978).calibration(of: subject(feetech))
    #expect(abs(calibration.homingOffset ?? 0) == 2047)
    #expect(abs(calibration.zero - 2048) == 1)
    for raw in [3118, 4000, 0, 978] {
      let expected = (Double(raw < 2048 ? raw + 4096 : raw) - 4096) / perRadian
      #expect(abs(angle(register(raw, feetech, calibration), calibration) - expected) < 1e-9)
    }
  }

  @Test("a DYNAMIXEL keeps position mode unless its range crosses the end of the turn")
  func dynamixelModes() throws {
    let near = try JointObservation(range: 600...2556).calibration(of: subject(dynamixel))
    #expect(near.mode == .position && near.homingOffset == 470 && near.lower == 1070 && near.upper == 3026)
    // An offset beyond a quarter turn is ignored in position mode: none is used.
    let far = try JointObservation(range: 2100...4056).calibration(of: subject(dynamixel))
    #expect(far.mode == .position && far.homingOffset == 0 && far.lower == 2100 && far.zero == 3078)
    let crossing = try JointObservation(range: 3500...5456).calibration(of: subject(dynamixel))
    #expect(crossing.mode == .extended && crossing.homingOffset == 1666)
    #expect(crossing.lower == 1070 && crossing.upper == 3026)
    let gripper = try JointObservation(range: 600...2556).calibration(of: subject(dynamixel, mode: .currentBased))
    #expect(gripper.mode == .currentBased)
  }

  @Test("the zero is the middle of the profile's limits, one of its ends, the marked pose, or the servo's own middle")
  func conventions() throws {
    let limits = -0.5...1.5
    let span = Int((2 * perRadian).rounded())
    let observation = JointObservation(range: 1000...1000 + span, pose: 1326)
    let low = 1000.0 + 0.5 * perRadian
    for zero in [ZeroConvention.middle, .lower, .upper, .pose] {
      let calibration = try observation.calibration(of: subject(feetech, limits: limits, zero: zero))
      let shift = Double(calibration.lower - 1000)
      #expect(abs(calibration.zero - shift - low) < 1.1, "\(zero)")
    }
    let own = try JointObservation(range: 2048 - 326...2048 + 978).calibration(
      of: subject(dynamixel, limits: limits, zero: .servo))
    #expect(own.zero == 2048 && own.homingOffset == 0 && own.mode == .position)
  }

  @Test("with the ticks falling, a lower stop is the range's upper end")
  func reversedStop() throws {
    let calibration = try JointObservation(range: 1000...2304, sign: -1).calibration(
      of: subject(feetech, limits: -0.5...1.5, zero: .lower))
    #expect(abs(angle(calibration.upper, calibration) + 0.5) < 1e-9)
    #expect(abs(angle(calibration.lower, calibration) - 1.5) < 0.002)
  }

  @Test("a joint without an end has one turn around its zero")
  func continuous() throws {
    let turning = subject(feetech, zero: .pose, isContinuous: true)
    let observation = JointObservation(range: 0...0, isContinuous: true, pose: 300)
    let calibration = try observation.calibration(of: turning)
    #expect(calibration.isContinuous && calibration.lower == 0 && calibration.upper == 4095)
    #expect(calibration.zero == 2048 && calibration.homingOffset == -1748)
    let own = try JointObservation(range: 0...0, isContinuous: true).calibration(
      of: subject(dynamixel, zero: .servo, isContinuous: true))
    #expect(own.zero == 2048 && own.homingOffset == 0 && own.mode == .position)
    let posed = try observation.calibration(of: subject(dynamixel, zero: .pose, isContinuous: true))
    #expect(posed.mode == .extended && posed.homingOffset == 1748)
  }

  @Test("implausible sweeps are refused with the reason")
  func refusals() {
    let arm = subject(feetech)
    #expect(problem(JointObservation(range: 5...5), arm) == "did not move; turn it from stop to stop")
    #expect(problem(JointObservation(range: 0...900), arm) == "swept 79° of about 172°; turn it to both its stops")
    #expect(
      problem(JointObservation(range: 0...3000), arm)
        == "swept 264° of about 172°, more than it can; check that its horn does not slip and that the arm profile is the right one"
    )
    let wide = subject(feetech, limits: -3...3)
    #expect(problem(JointObservation(range: 0...4095), wide).contains("marked 'continuous'"))
    let posed = subject(feetech, zero: .pose)
    #expect(problem(JointObservation(range: 0...1956), posed) == "the marked pose was not shown")
    #expect(
      problem(JointObservation(range: 0...1956, pose: 100), posed).contains("reaches -9° to 163° by this zero"))
    let own = subject(dynamixel, zero: .servo)
    #expect(problem(JointObservation(range: 100...2056), own).contains("horn sits in another place"))
    let potentiometer = EncoderTraits(offset: .none)
    #expect(problem(JointObservation(range: 3500...5456), subject(potentiometer)).contains("no homing offset"))
  }

  @Test("a follower gets the offset that makes it read what its leader reads")
  func followers() throws {
    let arm = subject(dynamixel, zero: .servo, followers: [5])
    let observation = JointObservation(range: 1070...3026, followerDistances: [37])
    #expect(try observation.calibration(of: arm).followers == [FollowerCalibration(servo: 5, homingOffset: -37)])
    #expect(
      problem(JointObservation(range: 1070...3026, followerDistances: [1500]), arm).contains(
        "more than a homing offset"))
    let crossing = subject(dynamixel, followers: [5])
    #expect(
      problem(JointObservation(range: 3500...5456, followerDistances: [0]), crossing).contains("part after power-on"))
  }

  @Test("whatever the mounting, every angle is recovered within a tick", arguments: [feetech, dynamixel], [1, -1])
  func recovered(encoder: EncoderTraits, sign: Int) throws {
    var random = RandomStream(seed: UInt64(12 + sign), name: "mounting")
    for _ in 0..<500 {
      let lower = -3 + 2.5 * random.uniform()
      let upper = min(lower + 1 + 4.5 * random.uniform(), 3)
      let mounting = Mounting(zero: 4096 * random.uniform(), sign: sign)
      let zero: ZeroConvention = [.middle, .lower, .upper][Int(random.uniform() * 3)]
      var arm = subject(encoder, limits: lower...upper, sign: 1, zero: zero, direction: "it grows")
      arm.servo.mode = random.uniform() < 0.3 && encoder == dynamixel ? .extended : .position
      var procedure = CalibrationProcedure([arm])
      let start = lower + (upper - lower) * random.uniform()
      procedure.turn(mounting, from: start, to: start)
      procedure.turn(mounting, from: start, to: upper)
      procedure.turn(mounting, from: upper, to: lower)
      procedure.turn(mounting, from: lower, to: lower)
      procedure.answer(.next)
      try #require(procedure.stage == .direction(joint: 0), "\(procedure.problems)")
      procedure.turn(mounting, from: lower, to: lower + 0.5)
      procedure.answer(.next)
      if sign < 0 { procedure.answer(.yes) }
      let calibration = try #require(procedure.result.first, "\(procedure.problems)")
      #expect(calibration.sign == sign)
      for _ in 0..<20 {
        let exact = lower + (upper - lower) * random.uniform()
        let ticks = register(mounting.raw(exact), encoder, calibration)
        #expect(abs(angle(ticks, calibration) - exact) * perRadian <= 1.01)
        #expect((calibration.lower - 1...calibration.upper + 1).contains(ticks))
      }
    }
  }
}
