// expect: reference counting operations which can cause locking
public struct Loop {
  var source: () -> Double

  @_noLocks
  public func tick() -> Double { source() }
}
