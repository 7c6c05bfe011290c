import Foundation
import Safety
import Testing

/// Stops from every tick of a life, each tried on a copy.
@Suite struct StopFromAnywhereTests {
  @Test(arguments: 0..<24) func `A stop keeps every limit from wherever it begins, before a joint limit too`(seed: Int)
  {
    var drive = JointDrive(seed: seed, position: [0.03, 0.1, 0.3][seed % 3])
    let limit = drive.limits.upper[0]
    let restlessness = pow(10, drive.random.uniform(from: -1.3, to: -0.3))
    var side = 1.0
    var target = limit
    for tick in 0..<200 {
      if drive.random.uniform() < restlessness {
        // Towards a limit, and away from it for a while, and towards it again.
        target = target == side * limit ? drive.random.uniform(from: -limit, to: limit) : side * limit
        if drive.random.uniform() < 0.05 { side = -side }
      }
      _ = drive.tick(to: target, tick == 0 ? [.start] : .none)
      var stopped = drive
      var decision = stopped.tick(to: target, [.stop])
      for _ in 0..<400 where decision.state == .stopping { decision = stopped.tick(to: target) }
      #expect(decision.state == .hold && stopped.audit.finding == nil, "tick \(tick)")
      if stopped.audit.finding != nil { return }
    }
    #expect(drive.audit.finding == nil)
  }
}
