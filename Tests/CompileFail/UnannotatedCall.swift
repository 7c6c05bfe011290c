// expect: called function is not available in this module and can have unpredictable performance
@_silgen_name("elsewhere") func elsewhere() -> Double

@_noLocks
public func tick() -> Double { elsewhere() }
