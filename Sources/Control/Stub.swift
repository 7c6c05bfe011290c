import RealTime
import ArmModel
import Numerics
public struct T: ~Copyable {
  let ring: RingProducer
  var r: RandomStream
  var state: JointState
  @_noLocks mutating func f() { 
    state.position[0] = r.normal()
    if let p = ring.reserve(bytes: 10, kind: 1) { p.storeBytes(of: state.position[0], as: Double.self); ring.commit(bytes: 10) } }
}
