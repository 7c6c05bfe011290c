// expect: called function is not available in this module and can have unpredictable performance
import Glibc

@_noLocks
public func tick(_ x: Double) -> Double { tanh(x) }
