import VirtualServos

/// What servos have said lately, to judge what the host believes.
struct SpokenHistory {
  private var answers: [SpokenAnswer] = []
  /// Older answers are forgotten, ns: longer than the longest lateness.
  private static let horizon: Int64 = 1_000_000_000

  mutating func add(_ new: [SpokenAnswer], now: Int64) {
    answers += new
    guard let first = answers.first, first.time < now - 2 * Self.horizon else { return }
    let keep = answers.firstIndex { $0.time >= now - Self.horizon } ?? answers.count
    answers.removeFirst(keep)
  }

  /// When servo `id` last said an answer with this status that begins with these bytes; nil: never.
  func time(of id: UInt8, status: UInt8, _ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
    var index = answers.count
    while index > 0 {
      index -= 1
      if answers[index].id == id, answers[index].status == status, begins(answers[index].data, bytes) {
        return answers[index].time
      }
    }
    return nil
  }

  /// What servo `id` said last.
  func latest(of id: UInt8) -> SpokenAnswer? { answers.last { $0.id == id } }

  private func begins(_ data: [UInt8], _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard data.count >= bytes.count else { return false }
    for index in 0..<bytes.count where data[index] != bytes[index] { return false }
    return true
  }
}
