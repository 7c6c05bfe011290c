import ArmModel
import Sessions

extension RunSummary {
  /// How a physical arm was left, and what its bus counted.
  static func print(_ hardware: HardwareReport, joints: [String]) {
    // Of an arm that was never asked anything there are no figures.
    if hardware.bus.requests > 0 { printFigures(hardware) }
    switch hardware.end {
    case .untouched: Swift.print("torque was never switched on; the arm is as it was found")
    case .foundOn(let torque):
      Swift.print(
        "warning: TORQUE IS ON, as the arm was found: \(TorqueText.describe(torque, joints)); \(hardware.releaseAdvice)"
      )
    case .released:
      Swift.print(
        hardware.servosAnswer
          ? "torque off, read back from every servo" : "torque off, the board says that its outputs are off")
      if hardware.parkDistance > 0.1 {
        Swift.print(
          "warning: not parked: torque went off with a joint \(Format.fixed(hardware.parkDistance, 2)) rad from the park pose"
        )
      }
    case .heldInPart(let torque):
      Swift.print(
        "warning: torque was to stay on, and this is what the servos say: \(TorqueText.describe(torque, joints)); "
          + hardware.releaseAdvice)
    case .held:
      Swift.print(
        "warning: TORQUE IS ON, read back from every servo: they hold the last goal; \(hardware.releaseAdvice)")
    case .unconfirmed(let reason): Swift.print("warning: how the arm was left is not known: \(reason)")
    }
  }

  private static func printFigures(_ hardware: HardwareReport) {
    let bus = hardware.bus
    var text =
      "bus: \(bus.requests) requests, \(bus.answers) answers, \(bus.timeouts) timed out, \(bus.damaged) damaged, "
      + "\(bus.unexpected) unexpected, \(bus.retries) retries, \(bus.refusals) refused"
    if hardware.reopenCount > 0 { text += ", port opened again \(hardware.reopenCount) times" }
    Swift.print(text)
    if let watch = hardware.watch {
      Swift.print(
        "watchdog: \(watch.priority > 0 ? "SCHED_FIFO priority \(watch.priority)" : "ordinary scheduling"), a tick of "
          + "\(Format.duration(watch.limit)) would have been ended")
    } else {
      Swift.print("watchdog: nobody watched the loop")
    }
  }
}

/// An arm's torque in words.
enum TorqueText {
  /// "shoulder_pan (servo 1), elbow_flex (servo 3) hold; gripper (servo 6) is limp": what is known of which joint.
  static func describe(_ torque: JointTorque, _ joints: [String]) -> String {
    func names(_ isMeant: (Int) -> Bool) -> [String] { joints.indices.filter(isMeant).map { joints[$0] } }
    let holding = names { torque.isOn($0) }
    let limp = names { torque.isOff($0) }
    let silent = names { !torque.isOn($0) && !torque.isOff($0) }
    var parts: [String] = []
    func add(_ names: [String], _ one: String, _ many: String) {
      if !names.isEmpty { parts.append("\(names.joined(separator: ", ")) \(names.count == 1 ? one : many)") }
    }
    add(holding, "holds", "hold")
    add(limp, "is limp", "are limp")
    add(silent, "has not said how it is", "have not said how they are")
    return parts.joined(separator: "; ")
  }

  /// Where an arm is held: "shoulder_pan (servo 1) at 0.000 rad, …".
  static func describe(_ goal: JointVector, _ joints: [String]) -> String {
    joints.enumerated().filter { $0.offset < goal.count }
      .map { "\($0.element) at \(Format.fixed(goal[$0.offset], 3)) rad" }.joined(separator: ", ")
  }
}
