import ArmModel
import ArmProfiles
import Foundation
import LoopTestSupport
import Recording
import Sessions
import Testing

/// The SO-101 task through the loop: a position arm with servos, limits and several control ticks to a step.
@Suite struct ReachTests {
  @Test func `Each row of the SO-101 task follows from its joints, target and last action`() throws {
    let folder = try TemporaryFolder()
    let network = DensePolicy.reach(isGaussian: true)
    let path = folder.file("run.mcap")
    let report = try run(
      plan(task: "reach", policy: network.write(to: folder), episodes: 3, log: path) { $0.selection = .sample })
    let rows = try LogContents(path: path).transitions
    #expect(report.ending == .completed)
    #expect(rows.count == 600)
    let profile = try ArmProfile.named("so101")
    for (index, row) in rows.enumerated() {
      let o = row.observation.map { Double($0) }
      let isFirst = row.stepInEpisode == 0
      #expect(row.duration == 0.02)
      #expect(row.isTruncated == (row.stepInEpisode == 199))
      for joint in 0..<5 {
        #expect(o[joint] == Double(row.position[joint]))
        #expect(abs(o[5 + joint] - 0.2 * Double(row.velocity[joint])) < 1e-6)
      }
      for joint in 0..<6 {
        #expect(abs(row.command[joint]) <= Float(max(profile.limits.upper[joint], -profile.limits.lower[joint])) + 1e-6)
      }
      for axis in 0..<3 { #expect(abs(o[16 + axis] - 5 * (o[10 + axis] - o[13 + axis])) < 1e-5) }
      let previous = isFirst ? [Float](repeating: 0, count: 5) : rows[index - 1].action
      #expect(row.observation[19..<24].elementsEqual(previous))
      let expected = network.action(row.observation)
      #expect(zip(expected, row.actionMean).allSatisfy { abs($0 - $1) < 1e-5 })
      // The action moves the last goal; the gripper has none and stays. An arm begins with the goal that it was put to,
      // and stands a little below it.
      var reference = isFirst ? row.position : rows[index - 1].proposal
      if isFirst { for joint in 0..<5 { reference[joint] += row.observation[24 + joint] / 5 } }
      for joint in 0..<5 { #expect(abs(o[24 + joint] - 5 * Double(reference[joint] - row.position[joint])) < 1e-5) }
      if isFirst {
        #expect((0..<5).allSatisfy { abs(o[24 + $0]) < 0.5 } && (0..<5).contains { abs(o[24 + $0]) > 0.005 })
      }
      for joint in 0..<5 {
        let step = 0.06 * min(1, max(-1, Double(row.action[joint])))
        let measured = Double(row.position[joint])
        let wanted = min(measured + 0.3, max(measured - 0.3, Double(reference[joint]) + step))
        let goal = min(profile.limits.upper[joint], max(profile.limits.lower[joint], wanted))
        #expect(abs(Double(row.proposal[joint]) - goal) < 1e-5)
      }
      let first = rows[index - Int(row.stepInEpisode)]
      #expect(row.proposal[5] == first.proposal[5] && abs(row.proposal[5] - first.position[5]) < 0.05)
      let isFollowed = zip(row.command, row.proposal).allSatisfy { abs($0 - $1) < 1e-6 }
      #expect(isFollowed || row.flags.contains(.altered))
    }
  }

  @Test func `A duration that ends in mid-episode brings the arm to rest first`() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("run.mcap")
    let report = try run(
      plan(task: "reach", policy: DensePolicy.reach().write(to: folder), duration: 1.013, log: path) {
        $0.limitOverrides = [tighter(.acceleration, to: 5)]
      })
    let log = try LogContents(path: path)
    let last = try #require(log.transitions.last)
    #expect(report.ending == .completed)
    #expect(report.statistics.count == 0)
    #expect(report.latched == .none)
    // It took its time to decelerate.
    #expect(report.loopSeconds > 1.05 && report.loopSeconds < 3)
    #expect(last.isTruncated && !last.isTerminated)
    #expect(last.finalObservation.count == 29)
    #expect(log.transitions.dropLast().allSatisfy { !$0.isTruncated })
    #expect(log.events(named: "safety_state_changed").last?.text == "safety state: stopping -> hold")
  }

  @Test func `The shipped policy brings the tool point to within 1 cm of its targets, limits and all`() throws {
    let report = try run(plan(task: "reach", policy: "reach", episodes: 20, seed: 42))
    #expect(report.ending == .completed)
    #expect(report.statistics.successCount >= 19)
  }
}
