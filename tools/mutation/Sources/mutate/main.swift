// mutate FOLDER [NUMBER...]: rewrites the Swift files of a folder in place, leaves out the mutants with these numbers
// (those that do not compile), and prints the others, one a line:
// number, file:line, kind, what stood there, what stands there instead; separated by tabs.
import Foundation

guard CommandLine.arguments.count >= 2 else {
  FileHandle.standardError.write(
    Data("Usage: mutate FOLDER [NUMBER...] (Swift files, rewritten in place; numbers of mutants to leave out)\n".utf8))
  exit(2)
}
let folder = URL(fileURLWithPath: CommandLine.arguments[1])
let excluded = Set(CommandLine.arguments.dropFirst(2).compactMap { Int($0) })
do {
  var number = 1
  let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    .filter { $0.pathExtension == "swift" }
    .sorted { $0.lastPathComponent < $1.lastPathComponent }
  for file in files {
    let source = try String(contentsOf: file, encoding: .utf8)
    let mutated = FileMutator(name: file.lastPathComponent, source: source, firstNumber: number, excluded: excluded)
    number = mutated.nextNumber
    try mutated.text.write(to: file, atomically: true, encoding: .utf8)
    for line in mutated.descriptions { print(line) }
  }
  let choice = """
    import Foundation

    /// The number of the mutant that runs, from the environment; 0 for none.
    let sinewMutant = Int(ProcessInfo.processInfo.environment["SINEW_MUTANT"] ?? "") ?? 0

    """
  try choice.write(to: folder.appendingPathComponent("SinewMutant.swift"), atomically: true, encoding: .utf8)
} catch {
  FileHandle.standardError.write(Data("mutate: \(folder.path): \(error.localizedDescription)\n".utf8))
  exit(1)
}
