// expect: Using type 'Command' can cause metadata allocation or locks
final class Command { var goal = 0.0 }

@_noLocks
public func tick() -> Double { Command().goal }
