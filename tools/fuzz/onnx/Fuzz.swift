// Feeds arbitrary bytes to the ONNX reader. Each input must end in a network or in a PolicyError on one line; a network
// that is built runs twice and is reset.
import Networks

@testable import Policies

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: count))
  do throws(PolicyError) {
    // External data is looked for in a folder that does not exist.
    let model = try OnnxParser.parse(bytes, file: "/nowhere/fuzz.onnx")
    let plan = try OnnxPlan.make(model)
    var network = try plan.build()
    precondition(network.program.input(0).count == network.observationCount, "an input of another size")
    precondition(network.program.output(0).count == network.actionCount, "an action of another size")
    for index in network.program.input(0).indices { network.program.input(0)[index] = 0.5 }
    network.program.run()
    network.program.run()
    network.program.resetState()
  } catch {
    precondition(!error.description.contains("\n"), "an error of more than one line")
  }
  return 0
}
