import CSystem
import Numerics

/// Any number of equal environments, stepped together on a pool of threads.
///
/// Worker i takes a fixed share of them, and every environment draws from a stream of its own, so the numbers are the same
/// whatever the number of threads. An environment whose episode ended begins the next one at once: its last observation
/// stays in `finalObservations`, its first new one is in `observations`. Nothing allocates after `init`.
public struct ParallelEnvironments<E: Environment & ~Copyable>: ~Copyable {
  public let count: Int
  public let observationCount: Int
  public let actionCount: Int
  public let actionRange: ClosedRange<Double>
  public let stepLimit: Int
  let work: EnvironmentWork<E>
  private let pool: OpaquePointer

  /// Makes the environments; each has a stream of its own for its resets.
  /// - Parameters:
  ///   - threads: the most threads to step on, the calling one included; at most one an environment.
  ///   - make: makes environment `index`.
  public init(count: Int, threads: Int, seed: UInt64, make: (_ index: Int) throws -> E) throws {
    precondition(count > 0, "at least one environment")
    let threads = max(1, min(threads, count))
    let environments = UnsafeMutablePointer<E>.allocate(capacity: count)
    for index in 0..<count {
      do {
        (environments + index).initialize(to: try make(index))
      } catch {
        environments.deinitialize(count: index)
        environments.deallocate()
        throw error
      }
    }
    let work = EnvironmentWork(environments, count: count, threads: threads, seed: seed)
    let pool = try Self.makePool(threads: threads)
    self.count = count
    observationCount = work.observationCount
    actionCount = work.actionCount
    actionRange = environments[0].actionRange
    stepLimit = work.stepLimit
    self.work = work
    self.pool = pool
  }

  private static func makePool(threads: Int) throws(LearningError) -> OpaquePointer {
    var pool: OpaquePointer?
    // Spinning pays only where every thread owns a processor.
    let spins = threads > 1 && threads <= Int(sinew_cpu_count()) ? 20_000 : 0
    let status = sinew_pool_make(CInt(threads), CInt(spins), &pool)
    guard status == 0, let pool else {
      throw LearningError(.system, "\(threads) threads could not be started (errno \(status)); ask for fewer")
    }
    return pool
  }

  deinit { sinew_pool_delete(pool) }

  /// The action of every environment, to be filled before `step`; inside `actionRange`.
  public var actions: UnsafeMutablePointer<Float> { work.actions }
  /// The observation that the next action is for.
  public var observations: UnsafePointer<Double> { UnsafePointer(work.observations) }
  /// The last observation of an episode that the latest step ended; else what an earlier one left.
  public var finalObservations: UnsafePointer<Double> { UnsafePointer(work.finalObservations) }
  /// How the latest step ended in each environment.
  public var steps: UnsafePointer<EnvironmentStep> { UnsafePointer(work.steps) }
  /// The episode that the latest step ended: sum of rewards without discount, and steps.
  public var finishedEpisodes: UnsafePointer<FinishedEpisode> { UnsafePointer(work.finished) }

  /// Begins a new episode everywhere.
  public func beginAll() {
    work.hasBegun = true
    work.isBeginning = true
    sinew_pool_run(pool, runEnvironmentChunk, Unmanaged.passUnretained(work as EnvironmentChunks).toOpaque())
    work.isBeginning = false
  }

  /// One step everywhere.
  public func step() throws(LearningError) {
    sinew_pool_run(pool, runEnvironmentChunk, Unmanaged.passUnretained(work as EnvironmentChunks).toOpaque())
    for index in 0..<count where work.steps[index].failure != 0 {
      throw LearningError(
        .environment,
        "environment \(index) failed with code \(work.steps[index].failure): its simulation diverged; check the model and "
          + "the action's scale")
    }
  }

  /// The next episodes are the first `episodes` that one environment would draw one after the other from the stream `reset`
  /// of a seed: number k is played by environment k mod `count`. What is played beyond them is the last one again.
  public func schedule(seed: UInt64, episodes: Int) { work.schedule(seed: seed, episodes: episodes) }
}

/// An episode that ended.
public struct FinishedEpisode: Sendable, BitwiseCopyable {
  /// Sum of its rewards, without discount or scale.
  public var total = 0.0
  public var steps = 0
  public var success = false
}

/// A pool's job: a class without generic parameters, because a C function calls it.
class EnvironmentChunks {
  func run(chunk: Int) {}
}

private func runEnvironmentChunk(_ context: UnsafeMutableRawPointer?, _ chunk: CInt) {
  guard let context else { return }
  Unmanaged<EnvironmentChunks>.fromOpaque(context).takeUnretainedValue().run(chunk: Int(chunk))
}

/// The environments with all that a step reads and writes.
final class EnvironmentWork<E: Environment & ~Copyable>: EnvironmentChunks {
  let environments: UnsafeMutablePointer<E>
  let count: Int
  let threads: Int
  let observationCount: Int
  let actionCount: Int
  let stepLimit: Int
  let actions: UnsafeMutablePointer<Float>
  let observations: UnsafeMutablePointer<Double>
  let finalObservations: UnsafeMutablePointer<Double>
  let steps: UnsafeMutablePointer<EnvironmentStep>
  let finished: UnsafeMutablePointer<FinishedEpisode>
  /// The running episode, and what it takes to repeat it: the stream it began from and its actions.
  let running: UnsafeMutablePointer<FinishedEpisode>
  let streams: UnsafeMutablePointer<RandomStream>
  let startStreams: UnsafeMutablePointer<RandomStream>
  let playedActions: UnsafeMutablePointer<Float>
  /// The streams that given episodes begin from, if any are; and the one that each environment begins next.
  private var scheduled: [RandomStream] = []
  private let nextScheduled: UnsafeMutablePointer<Int>
  var isBeginning = false
  /// Episodes run.
  var hasBegun = false

  init(_ environments: UnsafeMutablePointer<E>, count: Int, threads: Int, seed: UInt64) {
    self.environments = environments
    self.count = count
    self.threads = threads
    observationCount = environments[0].observationCount
    actionCount = environments[0].actionCount
    stepLimit = environments[0].stepLimit
    func memory<T: BitwiseCopyable>(_ value: T, _ count: Int) -> UnsafeMutablePointer<T> {
      let pointer = UnsafeMutablePointer<T>.allocate(capacity: count)
      pointer.initialize(repeating: value, count: count)
      return pointer
    }
    actions = memory(0, count * actionCount)
    observations = memory(0, count * observationCount)
    finalObservations = memory(0, count * observationCount)
    steps = memory(EnvironmentStep(reward: 0, terminated: false, truncated: false), count)
    finished = memory(FinishedEpisode(), count)
    running = memory(FinishedEpisode(), count)
    let stream = RandomStream(seed: 0)
    streams = memory(stream, count)
    startStreams = memory(stream, count)
    playedActions = memory(0, count * stepLimit * actionCount)
    nextScheduled = memory(0, count)
    super.init()
    seedStreams(seed)
  }

  deinit {
    environments.deinitialize(count: count)
    environments.deallocate()
    actions.deallocate()
    observations.deallocate()
    finalObservations.deallocate()
    steps.deallocate()
    finished.deallocate()
    running.deallocate()
    streams.deallocate()
    startStreams.deallocate()
    playedActions.deallocate()
    nextScheduled.deallocate()
  }

  func seedStreams(_ seed: UInt64) {
    for index in 0..<count { streams[index] = RandomStream(seed: seed, index: index, name: "reset") }
  }

  func schedule(seed: UInt64, episodes: Int) {
    scheduled.removeAll(keepingCapacity: true)
    var stream = RandomStream(seed: seed, name: "reset")
    for _ in 0..<max(1, episodes) {
      scheduled.append(stream)
      environments[0].begin(random: &stream, observation: observations)
    }
    for index in 0..<count { nextScheduled[index] = index }
  }

  override func run(chunk: Int) {
    for index in (chunk * count / threads)..<((chunk + 1) * count / threads) {
      if isBeginning { begin(index) } else { step(index) }
    }
  }

  private func begin(_ index: Int) {
    if !scheduled.isEmpty {
      streams[index] = scheduled[min(nextScheduled[index], scheduled.count - 1)]
      nextScheduled[index] += count
    }
    startStreams[index] = streams[index]
    running[index] = FinishedEpisode()
    environments[index].begin(random: &streams[index], observation: observations + index * observationCount)
  }

  private func step(_ index: Int) {
    let action = actions + index * actionCount
    let observation = observations + index * observationCount
    let played = running[index].steps
    (playedActions + (index * stepLimit + played) * actionCount).update(from: action, count: actionCount)
    let result = environments[index].step(action: action, observation: observation)
    steps[index] = result
    running[index].total += result.reward
    running[index].steps = played + 1
    running[index].success = result.success
    guard result.terminated || result.truncated else { return }
    finished[index] = running[index]
    (finalObservations + index * observationCount).update(from: observation, count: observationCount)
    begin(index)
  }

  /// Repeats a stored episode up to where it stood.
  func replay(_ index: Int, steps: Int) {
    streams[index] = startStreams[index]
    begin(index)
    for step in 0..<steps {
      let action = playedActions + (index * stepLimit + step) * actionCount
      let result = environments[index].step(
        action: action, observation: observations + index * observationCount)
      running[index].total += result.reward
      running[index].steps = step + 1
      running[index].success = result.success
    }
  }
}

// One thread gives it work and waits; workers touch separate environments.
extension EnvironmentWork: @unchecked Sendable {}

extension RandomStream {
  /// A stream for one of many equal consumers of a run's seed.
  init(seed: UInt64, index: Int, name: StaticString) {
    // The golden ratio's fraction keeps the seeds of neighbours apart; SplitMix64 then mixes them.
    self.init(seed: seed &+ 0x9e37_79b9_7f4a_7c15 &* UInt64(index &+ 1), name: name)
  }
}
