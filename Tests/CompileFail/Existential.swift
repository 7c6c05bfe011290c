// expect: can cause metadata allocation or locks
public protocol Source { func propose() -> Double }

@_noLocks
public func tick(_ source: any Source) -> Double { source.propose() }
