import CSystem

/// Finds an arm's servos on a bus, and says which are missing, doubled or strange.
enum ServoSearch {
  /// Asks every servo of the arm for itself, in order. Several tries each: one lost answer hides nobody, and what looks
  /// wrong is looked at twice, the second time with more patience.
  static func find(_ arm: ArmDescription, _ master: inout BusMaster) throws(ServoArmError) -> [PingAnswer] {
    master.operationRetries = 4
    do throws(ServoArmError) {
      return try look(arm, &master)
    } catch {
      switch error.kind {
      case .noAnswer, .missing, .duplicate, .bus: if arm.isUnwanted { throw .stopped(master.portName) }
      default: throw error
      }
      // Answers that came too late for the first look are over by then.
      _ = sinew_sleep_until_ns(sinew_now_ns() + master.lateAnswerHorizon)
      let patience = master.timing.latency
      master.timing.latency = 10 * patience
      master.operationRetries = error.kind == .noAnswer ? 0 : 2
      defer {
        master.timing.latency = patience
        master.operationRetries = 4
      }
      return try look(arm, &master)
    }
  }

  private static func look(_ arm: ArmDescription, _ master: inout BusMaster) throws(ServoArmError) -> [PingAnswer] {
    var found: [PingAnswer] = []
    var missing: [ExpectedServo] = []
    var disturbed: [ExpectedServo] = []
    for servo in arm.servos {
      if arm.isUnwanted { throw .stopped(master.portName) }
      let heard = master.receivedBytes
      do throws(BusError) {
        found.append(try master.ping(servo.id))
        if try master.lookForDuplicates(of: servo.id, tries: 4).verdict == .several { disturbed.append(servo) }
      } catch {
        switch error.kind {
        case .noAnswer, .refused:
          // Where nothing at all was heard there is nobody.
          let isSilent = master.receivedBytes == heard
          if !isSilent, try answersDamaged(servo, &master) { disturbed.append(servo) } else { missing.append(servo) }
        default: throw ServoArmError(error)
        }
      }
    }
    if found.isEmpty { throw nobody(arm, master, isDisturbed: !disturbed.isEmpty) }
    if let first = disturbed.first { throw doubled(first, disturbed.count, of: arm.servos.count) }
    if !missing.isEmpty { throw gap(missing, arm) }
    return found
  }

  /// Whether a servo that has given no sound answer to a ping gives none to other questions, either, but damaged ones.
  private static func answersDamaged(
    _ servo: ExpectedServo, _ master: inout BusMaster
  ) throws(ServoArmError) -> Bool {
    do throws(BusError) {
      return try master.lookForDuplicates(of: servo.id, tries: 4).verdict == .several
    } catch { throw ServoArmError(error) }
  }

  private static func nobody(
    _ arm: ArmDescription, _ master: borrowing BusMaster, isDisturbed: Bool
  ) -> ServoArmError {
    let ids = arm.servos.map { "\($0.id)" }.joined(separator: ", ")
    let place = "\(master.portName) at \(master.timing.baud) baud, \(arm.wire.name)"
    if isDisturbed {
      return ServoArmError(
        .noAnswer, "something answers on \(place), but no answer is whole",
        suggestion: "check speed and protocol: 'sinew servo scan' tries them all")
    }
    return ServoArmError(
      .noAnswer, "no servo answers on \(place) (asked for \(ids))",
      suggestion: "check that the arm has power, that this is its port and its speed: 'sinew servo scan' tries them all"
    )
  }

  private static func doubled(_ servo: ExpectedServo, _ count: Int, of all: Int) -> ServoArmError {
    if count > 1, count == all {
      return ServoArmError(
        .bus, "the answers of all servos are damaged, late or come twice",
        suggestion:
          "check cable, ground and adaptor; another program on the same bus does this, too, and so does a busy machine")
    }
    return ServoArmError(
      .duplicate(servo.id),
      "the answers of id \(servo.id) are damaged, late or come twice, as where two servos have one id",
      suggestion: "connect one of them alone and give it another id with 'sinew servo set-id'; if there is only one, "
        + "check its cable")
  }

  /// Names the place of the gap: the cable behind the last servo that answered, or the one servo.
  private static func gap(_ missing: [ExpectedServo], _ arm: ArmDescription) -> ServoArmError {
    let ids = missing.map(\.id)
    let names = missing.map(\.name).joined(separator: ", ")
    let first = missing[0]
    let place = arm.servos.firstIndex { $0.id == first.id } ?? 0
    let isTail = Array(arm.servos.map(\.id).suffix(ids.count)) == ids && place > 0
    let verb = missing.count == 1 ? "does not answer" : "do not answer"
    if isTail {
      let before = arm.servos[place - 1]
      return ServoArmError(
        .missing(ids), "\(names) \(verb), the servos before do",
        suggestion: "check the cable between \(before.name) and \(first.name), and that no other servo took its id")
    }
    return ServoArmError(
      .missing(ids), "\(names) \(verb), others behind do",
      suggestion: "it may have another id or speed, or have shut down: connect it alone and run 'sinew servo scan'")
  }
}
