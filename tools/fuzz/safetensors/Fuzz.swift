// Feeds arbitrary bytes to the safetensors reader and its JSON. Each input must end in tensors or in a PolicyError on
// one line; every tensor that is accepted is read.
@testable import Policies

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: data, count: count))
  do throws(PolicyError) {
    let file = try SafetensorsFile(bytes, file: "fuzz.safetensors")
    for (name, entry) in file.entries { check(file, name, entry.shape.reduce(1, *)) }
  } catch {
    precondition(!error.description.contains("\n"), "an error of more than one line")
  }
  return 0
}

private func check(_ file: SafetensorsFile, _ name: String, _ count: Int) {
  do throws(PolicyError) {
    let tensor = try file.tensor(name)
    precondition(tensor.count == count, "a tensor of another size")
  } catch {
    precondition(!error.description.contains("\n"), "an error of more than one line")
  }
}
