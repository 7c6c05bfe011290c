// expect: Using type 'any Error' can cause metadata allocation or locks
struct Fault: Error { var code: Int }

@_noLocks
public func tick(_ code: Int) throws { if code != 0 { throw Fault(code: code) } }
