import CSystem
import Numerics
import Policies
import RealTime
import Synchronization

/// A policy on a thread of its own, for networks too large for the tick.
///
/// The control thread hands it an observation and goes on; a later tick finds the answer. One question is under way at
/// a time: a policy slower than its rate is asked less often, and the age of its last proposal tells the safety core.
/// The proposal's stamp is that of its observation, so that age counts the thinking too.
public final class PolicyWorker {
  private let memory: PolicyExchange
  private var thread: ControlThread?

  /// Starts the thread, which waits for questions. `random` is the stream its samples are drawn from.
  ///
  /// - Parameters:
  ///   - policy: the policy, which it takes over.
  ///   - realTime: the rights of the thread; a priority is lowered by one, below the control thread's.
  public init(
    policy: consuming Policy, selection: ActionSelection, random: RandomStream, realTime: RealTimeSettings
  ) throws(ControlThread.StartError) {
    let exchange = PolicyExchange(
      observationCount: policy.observationCount, actionCount: policy.actionCount)
    memory = exchange
    let worker = PolicyWorkerBody(policy: policy, selection: selection, random: random, exchange: exchange)
    var rights = realTime
    rights.priority = realTime.priority.map { max(1, $0 - 1) }
    // The network may well need a core of its own.
    rights.processor = nil
    rights.holdsLatency = false
    rights.locksMemory = false
    let settings = rights
    thread = try ControlThread(stackBytes: settings.stackBytes) {
      if settings.priority != nil { _ = RealTimeGrant.apply(settings, name: "sinew-policy") }
      worker.serve()
    }
  }

  /// The control thread's end. It must not outlive the worker.
  public func makeLink() -> PolicyLink { PolicyLink(memory: memory) }

  deinit {
    memory.isEnding.pointee.store(true, ordering: .releasing)
    sinew_event_signal(memory.event)
    thread?.join()
    memory.deallocate()
  }
}

/// The control thread's end of a `PolicyWorker`. Real-time safe: nothing here waits.
public struct PolicyLink: ~Copyable {
  let memory: PolicyExchange
  private var question: UInt64 = 0
  /// Whether a question is under way.
  private(set) var isAwaiting = false
  private var resetsNext = true

  init(memory: PolicyExchange) { self.memory = memory }

  /// The policy shall begin anew with the next question; an answer under way will be thrown away.
  @_noLocks
  mutating func reset() {
    resetsNext = true
    isAwaiting = false
  }

  /// Whether a question would be taken now.
  var canAsk: Bool {
    @_noLocks get { memory.state.pointee.load(ordering: .acquiring) != PolicyExchange.asked }
  }

  /// Hands over an observation; false, and nothing happened, while an older question is still being thought about.
  @_noLocks
  mutating func ask(_ observation: UnsafePointer<Double>) -> Bool {
    let state = memory.state.pointee.load(ordering: .acquiring)
    if state == PolicyExchange.asked { return false }
    question &+= 1
    for index in 0..<memory.observationCount { memory.observation[index] = observation[index] }
    memory.scalars.pointee.question = question
    memory.scalars.pointee.resets = resetsNext
    resetsNext = false
    isAwaiting = true
    memory.state.pointee.store(PolicyExchange.asked, ordering: .releasing)
    sinew_event_signal(memory.event)
    return true
  }

  /// Whether the answer to the question under way has come; it is read through `memory` until the next question.
  @_noLocks
  mutating func takeAnswer() -> Bool {
    guard isAwaiting, memory.state.pointee.load(ordering: .acquiring) == PolicyExchange.answered,
      memory.scalars.pointee.question == question
    else { return false }
    isAwaiting = false
    return true
  }
}

/// The memory that control thread and policy thread share; `state` says whose turn it is.
struct PolicyExchange {
  static var idle: UInt32 { @_noLocks get { 0 } }
  static var asked: UInt32 { @_noLocks get { 1 } }
  static var answered: UInt32 { @_noLocks get { 2 } }

  /// Numbers that go along with question and answer.
  struct Scalars: BitwiseCopyable {
    var question: UInt64 = 0
    var resets = false
    var isUsable = false
    var logProbability: Float = .nan
    var value: Float = .nan
  }

  let observationCount: Int
  let actionCount: Int
  let observation: UnsafeMutablePointer<Double>
  /// Mean, log standard deviation, raw action, action: `actionCount` numbers each.
  let results: UnsafeMutablePointer<Float>
  let scalars: UnsafeMutablePointer<Scalars>
  let state: UnsafeMutablePointer<Atomic<UInt32>>
  let isEnding: UnsafeMutablePointer<Atomic<Bool>>
  let event: UnsafeMutablePointer<UInt32>

  init(observationCount: Int, actionCount: Int) {
    self.observationCount = observationCount
    self.actionCount = actionCount
    observation = .allocate(capacity: observationCount)
    observation.initialize(repeating: 0, count: observationCount)
    results = .allocate(capacity: 4 * actionCount)
    results.initialize(repeating: .nan, count: 4 * actionCount)
    scalars = .allocate(capacity: 1)
    scalars.initialize(to: Scalars())
    state = .allocate(capacity: 1)
    state.initialize(to: Atomic(0))
    isEnding = .allocate(capacity: 1)
    isEnding.initialize(to: Atomic(false))
    event = .allocate(capacity: 1)
    event.initialize(to: 0)
  }

  func deallocate() {
    observation.deallocate()
    results.deallocate()
    scalars.deallocate()
    state.deinitialize(count: 1)
    state.deallocate()
    isEnding.deinitialize(count: 1)
    isEnding.deallocate()
    event.deallocate()
  }
}

/// What the policy's thread runs. Unchecked: made on one thread, then used by the policy's thread alone; the exchange is
/// handed back and forth by its atomic state.
private final class PolicyWorkerBody: @unchecked Sendable {
  private var policy: Policy
  private let selection: ActionSelection
  private var random: RandomStream
  private let exchange: PolicyExchange

  init(policy: consuming Policy, selection: ActionSelection, random: RandomStream, exchange: PolicyExchange) {
    self.policy = policy
    self.selection = selection
    self.random = random
    self.exchange = exchange
  }

  func serve() {
    var seen: UInt32 = 0
    while !exchange.isEnding.pointee.load(ordering: .acquiring) {
      if exchange.state.pointee.load(ordering: .acquiring) == PolicyExchange.asked {
        answer()
        exchange.state.pointee.store(PolicyExchange.answered, ordering: .releasing)
      }
      seen = sinew_event_wait(exchange.event, seen, 100_000_000)
    }
  }

  private func answer() {
    if exchange.scalars.pointee.resets { policy.reset() }
    let status = policy.act(observation: UnsafePointer(exchange.observation), sampling: selection, random: &random)
    exchange.scalars.pointee.isUsable = status == .ok
    exchange.scalars.pointee.logProbability = policy.logProbability
    exchange.scalars.pointee.value = policy.value
    let count = exchange.actionCount
    for index in 0..<count {
      exchange.results[index] = policy.mean[index]
      exchange.results[count + index] = policy.logStandardDeviation[index]
      exchange.results[2 * count + index] = policy.rawAction[index]
      exchange.results[3 * count + index] = policy.action[index]
    }
  }
}
