import Foundation
import Recording
import RecordingTestSupport
import TestSupport
import Testing

/// A Python with `mcap` and `mcap-ros2-support`: the one SINEW_PYTHON names, else the package's `.venv` (made by
/// `tools/setup`).
private enum Python {
  static let path: String? = {
    let named = ProcessInfo.processInfo.environment["SINEW_PYTHON"]
    let path = named ?? Fixtures.packageRoot.appendingPathComponent(".venv/bin/python").path
    guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
    return (try? run(path, ["-c", "import mcap, mcap_ros2"]))?.status == 0 ? path : nil
  }()

  static func run(_ executable: String, _ arguments: [String]) throws -> (status: Int32, output: String, errors: String)
  {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let errorText = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text, errorText)
  }
}

@Suite(.enabled(if: Python.path != nil, "needs a Python with mcap and mcap-ros2-support: run tools/setup"))
struct PythonPeerTests {
  private func check(_ arguments: [String]) throws -> (status: Int32, json: [String: Any], errors: String) {
    let script = Fixtures.packageRoot.appendingPathComponent("tools/check-log-with-python.py").path
    let result = try Python.run(try #require(Python.path), [script] + arguments)
    let json = try? JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    return (result.status, json ?? [:], result.errors)
  }

  private func table(_ log: String, to path: String) throws {
    var lines: [String] = []
    try LogCat.forEachLine(path: log, format: .csv) {
      lines.append($0); return true
    }
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
  }

  @Test("the mcap and mcap-ros2-support packages read our logs number for number", arguments: Compression.allCases)
  func reads(compression: Compression) throws {
    let folder = try ScratchFolder()
    let (log, csv) = (folder.path("run.mcap"), folder.path("run.csv"))
    let attachment = LogAttachment(name: "policy.yaml", mediaType: "application/yaml", data: [1, 2, 3])
    _ = try makeVirtualLog(path: log, count: 500, compression: compression, attachments: [attachment])
    try table(log, to: csv)
    let (status, json, errors) = try check([log, "--csv", csv])
    #expect(status == 0, "\(errors)")
    #expect(json["compared"] as? Int == 500)
    #expect(
      json["counts"] as? [String: Int]
        == ["/transition": 500, "/joint_states": 50, "/events": 20, "/robot_description": 1])
    #expect(json["attachments"] as? [String: Int] == ["policy.yaml": 3])
  }

  @Test("they read a recovered log, too")
  func readsRecovered() throws {
    let folder = try ScratchFolder()
    let (log, cut, mended, csv) = (folder.path("a"), folder.path("b"), folder.path("c"), folder.path("d"))
    _ = try makeVirtualLog(path: log, count: 5000)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: log))
    try bytes[..<(bytes.count * 3 / 4)].write(to: URL(fileURLWithPath: cut))
    _ = try LogRecovery.recover(from: cut, to: mended)
    try table(mended, to: csv)
    let (status, json, errors) = try check([mended, "--csv", csv])
    #expect(status == 0, "\(errors)")
    #expect(json["compared"] as? Int ?? 0 > 1000)
  }

  @Test("the check itself finds a number that differs")
  func findsDifferences() throws {
    let folder = try ScratchFolder()
    let (log, csv) = (folder.path("run.mcap"), folder.path("run.csv"))
    _ = try makeVirtualLog(path: log, count: 50)
    try table(log, to: csv)
    var lines = String(decoding: try Data(contentsOf: URL(fileURLWithPath: csv)), as: UTF8.self).split(separator: "\n")
    var cells = lines[7].split(separator: ",", omittingEmptySubsequences: false)
    cells[8] = "0.125"
    lines[7] = Substring(cells.joined(separator: ","))
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: csv))
    let (status, _, errors) = try check([log, "--csv", csv])
    #expect(status == 1 && errors.contains("step 6 differs in ['observation']"))
  }
}
