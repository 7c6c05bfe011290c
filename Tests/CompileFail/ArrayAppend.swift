// expect: reference counting operations which can cause locking
@_noLocks
public func tick(_ history: inout [Double], _ value: Double) { history.append(value) }
