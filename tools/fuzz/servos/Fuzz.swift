// Feeds arbitrary bytes to virtual servos of every family. The first byte chooses family and faults; each further one
// is sent on, a byte of 0xF0 to 0xF7 also as a pause. Whatever comes, the servos must go on: nothing traps, and answers
// stay within what one request can ask for.
import VirtualServos

private let models = ["xl330-m288", "xm430-w350", "xl430-w250", "sts3215-7v4", "scs0009", "ax-12a"]

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: count))
  guard let first = bytes.first else { return 0 }
  do throws(VirtualServoError) {
    let model = try ServoModel.named(models[Int(first) % models.count])
    var faults = FaultSettings()
    if first & 0x80 != 0 {
      faults.bitErrorsToHost = 1e-3
      faults.garbage = 0.1
      faults.duplicate = 0.1
      faults.split = 0.1
      faults.showsRequestCount = true
    }
    let configuration = VirtualBusConfiguration(
      servos: [ServoSetup(model, id: 1), ServoSetup(model, id: 2)],
      timing: BusTiming(baud: first & 0x40 != 0 ? 1_000_000 : nil), faults: faults, seed: UInt64(first))
    let physics = IndependentJoints(Array(repeating: .init(), count: 2), stepNanoseconds: 10_000_000)
    let bus = try VirtualServoBus(configuration, physics: physics)
    var now: Int64 = 0
    for byte in bytes.dropFirst() {
      bus.send([byte], at: now)
      now += 10_000
      if byte & 0xF8 == 0xF0 { now += Int64(byte & 7) * 3_000_000 }
      precondition(bus.read(at: now).count < 1 << 20, "more than anybody asked for")
    }
    precondition(bus.state.servos.allSatisfy { $0.shaft.position.isFinite }, "a shaft left the finite numbers")
  } catch {
    preconditionFailure(error.description)
  }
  return 0
}
