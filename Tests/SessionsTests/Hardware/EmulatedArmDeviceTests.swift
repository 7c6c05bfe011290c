import ArmModel
import Control
import Foundation
import LoopTestSupport
import Recording
import Sessions
import TestSupport
import Testing

/// The whole way to an arm and back, over a pseudo-terminal: the same run as in simulation.
@Suite(.serialized, .enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct EmulatedArmDeviceTests {
  /// The returns of the episodes that went their whole way, by their numbers.
  private func returns(_ path: String) throws -> [Int64: Double] {
    let whole = try LogContents(path: path).events(named: "episode_ended").filter { $0.second == 40 }
    return Dictionary(uniqueKeysWithValues: whole.map { ($0.first, $0.value) })
  }

  @Test(
    "An episode on emulated servos ends as in simulation, with the same return but for noise",
    arguments: EmulatedArm.Make.allCases, EmulatedArm.Port.allCases)
  func agrees(make: EmulatedArm.Make, port: EmulatedArm.Port) throws {
    let folder = try TemporaryFolder()
    var plan = try reachPlan(in: folder, episodes: 12, log: folder.file("simulated.mcap"))
    plan.servo = make.model
    let simulated = try run(plan)
    let arm = try EmulatedArm(make, in: folder, port: port)
    defer { arm.server.stop() }
    // Both ends ask for real-time priority: then what else the machine does matters little. Where they do not get it, and
    // where the kernel's worker behind a pseudo-terminal has to wait, readings are missed and the arm falls behind: that
    // is not what is asked here, and such a run says little of returns.
    var report: RunReport?
    var kept = ""
    var refusal = ""
    for attempt in 1...5 where report.map(isUndisturbed) != true {
      let path = folder.file("emulated-\(attempt).mcap")
      do {
        let next = try runWithConsent(arm.plan(in: folder, episodes: 2, log: path))
        if next.ending == .completed || report == nil { (report, kept) = (next, path) }
      } catch { refusal = "\(error)" }
    }
    let emulated = try #require(report, "\(refusal)")
    #expect(simulated.ending == .completed && emulated.ending == .completed, "\(emulated.causes.conditions)")
    #expect(emulated.hardware?.end == .released)
    #expect(arm.server.state.servos.allSatisfy { !$0.isTorqueOn })
    let mayBeDisturbed = port == .pseudoTerminal || !hasPriority(emulated, arm)
    #expect(mayBeDisturbed || isUndisturbed(emulated), "\(String(describing: emulated.loop))")
    // An episode that was cut short leaves the samples of those after it as they are.
    let wanted = try returns(folder.file("simulated.mcap"))
    let found = try returns(kept)
    #expect(wanted.count == 12 && found.count >= 2)
    for (episode, value) in found {
      let expected = try #require(wanted[episode])
      let tolerance = isUndisturbed(emulated) ? 0.1 * abs(expected) + 0.5 : abs(expected)
      #expect(abs(value - expected) < tolerance, "\(wanted) \(found)")
    }
    try expectSameSchema(folder.file("simulated.mcap"), kept)
  }

  /// Whether a run came to its end as on a machine with nothing else to do.
  private func isUndisturbed(_ report: RunReport) -> Bool {
    guard let loop = report.loop else { return false }
    return report.ending == .completed && loop.readFailureCount <= 2 && loop.overrunCount == 0
  }

  /// Whether control thread and servos run in real time.
  private func hasPriority(_ report: RunReport, _ arm: EmulatedArm) -> Bool {
    report.grant?.priority ?? 0 > 0 && arm.server.priorityRefusal == 0
  }

  /// Topic, type and text of every channel are the same; hardware has one more for the bus.
  private func expectSameSchema(_ simulated: String, _ emulated: String) throws {
    func channels(_ path: String) throws -> [String: String] {
      var found: [String: String] = [:]
      try LogReader(path: path).forEachMessage { channel, schema, _ in
        found[channel.topic] = "\(schema?.name ?? "") \(String(decoding: schema?.data ?? [], as: UTF8.self))"
        return true
      }
      return found
    }
    let wanted = try channels(simulated)
    var found = try channels(emulated)
    #expect(found.removeValue(forKey: "/bus")?.hasPrefix("sinew_msgs/msg/Bus") == true)
    #expect(wanted == found)
  }
}
