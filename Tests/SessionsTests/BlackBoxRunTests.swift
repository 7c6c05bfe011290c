import Control
import Foundation
import LoopTestSupport
import Recording
import Safety
import TestSupport
import Testing

@testable import Sessions

/// Whole runs and their black boxes: beside the log after a fault, gone after a good end.
@Suite struct BlackBoxRunTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.file("")).filter { $0.hasSuffix(".blackbox") }.sorted()
  }

  /// A policy that turns into no number when the target's x, which an episode draws, is large.
  private func wildPolicy() throws -> String {
    var policy = DensePolicy(
      layers: [
        .init(weights: [[0, 0, 0, 0, 1e20, 0, 0, 0, 0, 0]], bias: [-1e19], activation: "relu"),
        .init(weights: [[1e30]], bias: [0]),
        .init(weights: [[1], [1]], bias: [0, 0]),
      ], jointNames: ["joint1", "joint2"])
    policy.goldenObservations = (0..<5).map { row in (0..<10).map { Float(row + $0) / 1000 } }
    return try policy.write(to: folder)
  }

  @Test func `A run that ends by a fault has the ticks before it beside its log, the last of them the fault`() throws {
    let session = try SimulatedSession(plan(policy: wildPolicy(), episodes: 1000, log: folder.file("run.mcap")))
    let report = try session.runBlocking { _ in }
    #expect(report.ending == .fault)
    #expect(report.blackBoxes == [folder.file("run.blackbox")])
    #expect(try names() == ["run.blackbox"])
    #expect(session.takeNotes().contains { $0.contains("sinew log blackbox \(folder.file("run.blackbox"))") })
    let box = try BlackBoxFile(path: folder.file("run.blackbox"))
    let last = try #require(box.records.last)
    #expect(last.latched == report.latched && last.latched.conditions == [.proposalsInvalid])
    #expect(box.records.dropLast().allSatisfy { $0.latched == .none })
    #expect(box.jointNames == session.summary.jointLabels && box.jointCount == 2)
    #expect(last.number == UInt64(report.loop?.tickCount ?? 0))
    // What the log has of the same ticks.
    let transition = try #require(LogContents(path: folder.file("run.mcap")).transitions.last)
    #expect(last.command.allSatisfy { $0.isFinite } && transition.command == [0, 0])
  }

  @Test func `A run that ends well leaves none, nor one that never ran`() throws {
    let report = try run(plan(episodes: 2, log: folder.file("run.mcap")))
    #expect(report.ending == .completed && report.blackBoxes.isEmpty)
    #expect(try names().isEmpty)
    do {
      let session = try SimulatedSession(plan(episodes: 2, log: folder.file("idle.mcap")))
      #expect(try names() == ["idle.blackbox"])
      withExtendedLifetime(session) {}
    }
    #expect(try names().isEmpty)
  }

  @Test func `With no room for a black box the run runs, and says that it has none`() throws {
    let session = try SimulatedSession(
      plan(episodes: 2, log: folder.file("run.mcap")) { $0.blackBoxFolder = "/nowhere/at/all" })
    #expect(session.summary.notes.contains { $0.contains("keeps no black box") }, "\(session.summary.notes)")
    let report = try session.runBlocking { _ in }
    #expect(report.ending == .completed && report.statistics.count == 2)
    #expect(try names().isEmpty)
  }

  @Test func `An emergency stop's black box ends with it, and has what the person's hands proposed before`() throws {
    var script = OperatorScript.ready()
    script.sticks(leftY: 1)
    script.wait(0.3)
    script.sticks()
    script.press(.release)
    script.letGo(.enable)
    script.wait(0.2)
    let track = script.track()
    var teleoperation = try plan(
      task: "reach", policy: "", duration: Double(track.duration) * 1e-9, log: folder.file("run.mcap"))
    teleoperation.operation = OperationPlan(.teleoperation, device: "script")
    let report = try OperatedSession(teleoperation, feed: track.feed, keeping: track).runBlocking { _ in }
    #expect(report.blackBoxes == [folder.file("run.blackbox")])
    let box = try BlackBoxFile(path: folder.file("run.blackbox"))
    let last = try #require(box.records.last)
    #expect(last.latched != .none && last.state == .emergencyStop && last.person.isPresent)
    #expect(last.latched.conditions == [.releaseRequested] && last.position.allSatisfy { $0.isFinite })
    #expect(box.records.contains { $0.state == .teleoperation && $0.human.allSatisfy { $0.isFinite } })
  }
}
