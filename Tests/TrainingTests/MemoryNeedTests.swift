import Learning
import Testing

@testable import Training

/// What a run's buffers take.
@Suite("Memory of a training run") struct MemoryNeedTests {
  @Test("a replay buffer's need is that of its rows, and it is refused where there is less")
  func replay() throws {
    var replay = ReplayOptions()
    replay.bufferSize = 100_000_000
    let shape = DeterministicShape(observationCount: 10, actionCount: 2, actionRange: -1...1)
    let need = MemoryNeed(shape, replay: replay, hasTwin: true, environments: 1)
    // 2·10 + 2 + 2 floats a row; networks add little.
    #expect(need.bytes >= 9.6e9 && need.bytes < 9.7e9)
    try need.check(available: 1e10)
    let error = #expect(throws: LearningError.self) { try need.check(available: 9e9) }
    #expect(error?.code == .setting)
    let text = error?.description ?? ""
    for part in ["buffer_size 100000000", "9160 MiB", "8584 MiB", "lower buffer_size"] {
      #expect(text.contains(part), "\(text)")
    }
  }

  @Test("a rollout's need grows with steps, environments, layers and memory of the policy")
  func rollout() {
    var shape = ActorCriticShape(observationCount: 10, actionCount: 2, actionRange: -1...1)
    let small = MemoryNeed(shape, steps: 2048, environments: 8)
    #expect(small.bytes > 5e6 && small.bytes < 100e6)
    #expect(MemoryNeed(shape, steps: 2048, environments: 16).bytes == 2 * small.bytes)
    #expect(MemoryNeed(shape, steps: 1_000_000, environments: 4096).bytes > 1e12)
    shape.memory = MemoryShape(.gru, size: 64)
    let recurrent = MemoryNeed(shape, steps: 2048, environments: 8)
    #expect(recurrent.bytes > small.bytes)
    shape.actorHidden = [4096]
    #expect(MemoryNeed(shape, steps: 2048, environments: 8).bytes > recurrent.bytes)
  }

  @Test("the machine's memory is known")
  func available() { #expect(MemoryNeed.available > 1e8) }
}
