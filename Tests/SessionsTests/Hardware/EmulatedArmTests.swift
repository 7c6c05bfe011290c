import ArmModel
import Control
import Foundation
import LoopTestSupport
import Recording
import Sessions
import Testing

/// The whole way to an arm and back, over a pseudo-terminal: the same run as in simulation.
@Suite(.serialized) struct EmulatedArmTests {
  /// Return and ending of each episode.
  private func episodes(_ path: String) throws -> [(value: Double, steps: Int)] {
    try LogContents(path: path).events(named: "episode_ended").map { ($0.value, Int($0.second)) }
  }

  @Test(
    "An episode on emulated servos ends as in simulation, with the same return but for noise",
    arguments: EmulatedArm.Make.allCases)
  func agrees(make: EmulatedArm.Make) throws {
    let folder = try TemporaryFolder()
    var plan = try reachPlan(in: folder, episodes: 2, log: folder.file("simulated.mcap"))
    plan.servo = make.model
    let simulated = try run(plan)
    let arm = try EmulatedArm(make, in: folder)
    defer { arm.server.stop() }
    // A machine that is busy with something else may miss readings, which stops the arm: that is not what is asked here.
    var report: RunReport?
    var path = ""
    for attempt in 0..<4 where report?.ending != .completed {
      path = folder.file("emulated-\(attempt).mcap")
      report = try runWithConsent(arm.plan(in: folder, episodes: 2, log: path))
    }
    let emulated = try #require(report)
    #expect(simulated.ending == .completed && emulated.ending == .completed, "\(emulated.causes.conditions)")
    #expect(emulated.hardware?.end == .released)
    #expect(arm.server.state.servos.allSatisfy { !$0.isTorqueOn })
    let wanted = try episodes(folder.file("simulated.mcap"))
    let found = try episodes(path).filter { $0.steps == 40 }
    #expect(wanted.count == 2 && found.count >= 2)
    for (one, other) in zip(wanted, found) {
      #expect(one.steps == other.steps)
      #expect(abs(one.value - other.value) < 0.1 * abs(one.value) + 0.5, "\(wanted) \(found)")
    }
    try expectSameSchema(folder.file("simulated.mcap"), path)
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
