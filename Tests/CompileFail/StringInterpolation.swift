// expect: reference counting operations which can cause locking
@_noLocks
public func tick(_ joint: Int) -> String { "joint \(joint) is too fast" }
