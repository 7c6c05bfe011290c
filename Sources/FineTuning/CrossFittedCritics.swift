import CSystem
import Learning
import Networks
import Numerics

/// Advantages of logged rows from critics that never saw them.
///
/// A critic follows the noise of the returns that it is fitted to. The advantage R − V of a fitted row is then too small by
/// the part of the noise that V has learned, and what is left points where the critic is poor, not where an action was good.
/// The episodes are therefore dealt into `critic_folds`; the advantage of an episode comes from the critic of its fold, which
/// is fitted on all others (cross-fitting: Chernozhukov et al., arXiv:1608.00060). Episodes that are left out altogether are
/// judged by the mean of all of them. One more critic is fitted on every row: the one that the new bundle takes along, and
/// the only one where `critic_folds` is 0.
///
/// How much of the variance of left-out rows' R the critics explain also says after which pass to stop.
struct CrossFittedCritics: ~Copyable {
  private let data: TransitionDataset
  private let options: FineTuningOptions
  /// The critic of all rows, then those of the folds.
  private let members: UnsafeMutablePointer<OfflineCritic>
  private let count: Int
  /// The parameters after the best pass, one stretch for each member.
  private let best: FloatBuffer
  private var bestExplained = -Double.infinity
  private var passesSince = 0
  private let parameterCount: Int
  /// Of each row: its episode's fold, −1 where it is left out.
  private let folds: [Int32]
  private let rewards: FloatBuffer
  /// V of each row by the critic that did not see it.
  let values: FloatBuffer
  private let nextValues: FloatBuffer
  let advantages: FloatBuffer
  private let targets: FloatBuffer
  private let flags: UnsafeMutablePointer<UInt8>
  private let inputs: FloatBuffer
  private let chunk: Int
  /// Passes without a better explained variance of left-out rows, after which there is nothing more to learn.
  private static let patience = 5

  /// - Parameters:
  ///   - episodes: those that are learned from, by their places.
  ///   - chunk: the most rows that the model evaluates at once.
  init(
    _ data: TransitionDataset, model: borrowing ActorCritic, options: FineTuningOptions, episodes: [Int],
    rewardScale: Double, chunk: Int
  ) {
    self.data = data
    self.options = options
    self.chunk = chunk
    var random = RandomStream(seed: options.seed, name: "critic folds")
    var order = episodes
    for index in stride(from: order.count - 1, to: 0, by: -1) {
      order.swapAt(index, Int(random.bits() % UInt64(index + 1)))
    }
    let parts = options.criticFolds > 1 ? min(options.criticFolds, max(2, order.count)) : 0
    var folds = [Int32](repeating: -1, count: data.count)
    if parts > 0 {
      for (place, episode) in order.enumerated() {
        for row in data.episodes[episode].rows { folds[row] = Int32(place % parts) }
      }
    }
    self.folds = folds
    count = 1 + parts
    members = .allocate(capacity: count)
    let all = episodes.sorted().flatMap { data.episodes[$0].rows.map { Int32($0) } }
    for member in 0..<count {
      let rows = member == 0 ? all : all.filter { folds[Int($0)] != Int32(member - 1) }
      (members + member).initialize(
        to: OfflineCritic(
          data, model: model, rows: rows,
          random: RandomStream(seed: options.seed &+ UInt64(member) << 32, name: "critic")))
    }
    parameterCount = model.parameters.count
    best = FloatBuffer(count: count * parameterCount)
    rewards = FloatBuffer(count: data.count)
    values = FloatBuffer(count: data.count)
    nextValues = FloatBuffer(count: data.count)
    advantages = FloatBuffer(count: data.count)
    targets = FloatBuffer(count: data.count)
    inputs = FloatBuffer(count: chunk * data.stride)
    flags = .allocate(capacity: 2 * data.count)
    for row in 0..<data.count {
      rewards.base[row] = Float(Double(data.rewards[row]) / rewardScale)
      (flags + row).initialize(to: data.terminated[row] ? 1 : 0)
      // A row at which the recursion is cut but the task goes on: bootstrapped as a truncation.
      (flags + data.count + row).initialize(to: data.ends[row] && !data.terminated[row] ? 1 : 0)
    }
  }

  deinit {
    members.deinitialize(count: count)
    members.deallocate()
    flags.deallocate()
  }

  /// Whether advantages come from critics that did not see their rows.
  var isCrossFitted: Bool { count > 1 }

  /// The passes before the policy's first: at most `critic_epochs`; with folds they end where left-out rows are explained no
  /// better, and the parameters go back to the best pass.
  /// - Returns: explained variance after each pass, of left-out rows where there are folds.
  mutating func fit(
    _ model: borrowing ActorCritic, rows: [Int32], progress: (Int) -> Void
  ) throws(FineTuningError) -> [Double] {
    var explained: [Double] = []
    judge(model)
    for pass in 0..<options.criticEpochs {
      try self.pass(model, number: pass)
      judge(model)
      let share = explainedVariance(rows)
      explained.append(share)
      progress(pass)
      guard isCrossFitted else { continue }
      if share > bestExplained {
        (bestExplained, passesSince) = (share, 0)
        exchange(keep: true)
      } else {
        passesSince += 1
        if passesSince >= Self.patience { break }
      }
    }
    if isCrossFitted, bestExplained.isFinite {
      exchange(keep: false)
      judge(model)
    }
    return explained
  }

  /// One pass of every critic over its rows, each with targets by its own values.
  mutating func pass(_ model: borrowing ActorCritic, number: Int) throws(FineTuningError) {
    for member in 0..<count {
      members[member].judge(data, model, inputs, chunk: chunk)
      values.base.update(from: members[member].values.base, count: data.count)
      let finals = members[member].values.base + data.count
      estimate { finals[$0] }
      try members[member].fit(data, model, inputs, targets: targets, options: options, pass: number)
    }
  }

  /// Advantages and targets of all rows, each by the critic that did not see it.
  func judge(_ model: borrowing ActorCritic) {
    for member in 0..<count { members[member].judge(data, model, inputs, chunk: chunk) }
    for row in 0..<data.count { values.base[row] = value(row, fold: folds[row]) }
    // A final observation belongs to the fold of the row before it.
    var owners = [Int32](repeating: -1, count: data.finalCount)
    for row in 0..<data.count where data.next[row] < 0 { owners[Int(-1 - data.next[row])] = folds[row] }
    estimate { value(data.count + $0, fold: owners[$0]) }
  }

  /// The critic of all rows goes into the model.
  func write(to model: borrowing ActorCritic) {
    for place in model.criticRange { model.parameters.base[place] = members[0].parameters.base[place] }
  }

  private func value(_ place: Int, fold: Int32) -> Float {
    guard isCrossFitted else { return members[0].values.base[place] }
    guard fold < 0 else { return members[1 + Int(fold)].values.base[place] }
    var sum: Float = 0
    for member in 1..<count { sum += members[member].values.base[place] }
    return sum / Float(count - 1)
  }

  private func estimate(_ final: (Int) -> Float) {
    for row in 0..<data.count {
      let next = Int(data.next[row])
      nextValues.base[row] = next >= 0 ? values.base[next] : final(-1 - next)
    }
    AdvantageEstimator(gamma: options.gamma, rule: .generalised(lambda: options.lambda)).estimate(
      AdvantageEstimator.Trajectories(
        steps: data.count, environments: 1, rewards: rewards.base, values: values.base, nextValues: nextValues.base,
        terminated: flags, truncated: flags + data.count), advantages: advantages.base, targets: targets.base)
  }

  private func exchange(keep: Bool) {
    for member in 0..<count {
      let place = best.base + member * parameterCount
      if keep {
        place.update(from: members[member].parameters.base, count: parameterCount)
      } else {
        members[member].parameters.base.update(from: place, count: parameterCount)
      }
    }
  }

  /// 1 − Var(R − V)/Var(R) over some rows.
  func explainedVariance(_ rows: [Int32]) -> Double {
    var (sum, squares, errors, errorSquares) = (0.0, 0.0, 0.0, 0.0)
    for row in rows {
      let target = Double(targets.base[Int(row)])
      let error = target - Double(values.base[Int(row)])
      sum += target
      squares += target * target
      errors += error
      errorSquares += error * error
    }
    let n = Double(max(1, rows.count))
    let variance = squares / n - (sum / n) * (sum / n)
    let left = errorSquares / n - (errors / n) * (errors / n)
    return variance > 0 ? 1 - left / variance : .nan
  }
}
