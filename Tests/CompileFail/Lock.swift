// expect: called function is not available in this module and can have unpredictable performance
import Synchronization

public struct Shared: ~Copyable {
  let value = Mutex(0.0)

  @_noLocks
  public func tick() -> Double { value.withLock { $0 } }
}
