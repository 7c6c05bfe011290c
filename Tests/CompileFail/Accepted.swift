// pass
struct Limit {
  var low: Double
  var high: Double
}

public enum Fault: Error { case notFinite(joint: Int) }

@_noLocks
public func tick(_ goal: UnsafeMutableBufferPointer<Double>, low: Double, high: Double) throws(Fault) -> Double {
  let limit = Limit(low: low, high: high)
  var largest = 0.0
  for joint in goal.indices {
    guard goal[joint].isFinite else { throw .notFinite(joint: joint) }
    goal[joint] = min(max(goal[joint], limit.low), limit.high)
    largest = max(largest, abs(goal[joint]))
  }
  return largest
}
