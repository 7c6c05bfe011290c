import Foundation
import Recording
import RecordingTestSupport
import Testing

/// The test helper built beside this test bundle.
func helper(_ name: String) throws -> URL {
  let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
  let candidates = [folder, Bundle.main.bundleURL, Bundle.main.bundleURL.deletingLastPathComponent()]
  let found = candidates.map { $0.appendingPathComponent(name) }.first {
    FileManager.default.isExecutableFile(atPath: $0.path)
  }
  return try #require(found, "no \(name) in \(candidates.map(\.path))")
}

@Suite(.serialized)
struct KillTests {
  @Test("after SIGKILL at ten random moments everything up to 300 ms before death comes back")
  func killed() throws {
    let folder = try ScratchFolder()
    let writer = try helper("recording-writer")
    var generator = SystemRandomNumberGenerator()
    for round in 0..<10 {
      let (log, progress) = (folder.path("run\(round).mcap"), folder.path("progress\(round)"))
      let process = Process()
      process.executableURL = writer
      process.arguments = [log, "60", progress]
      try process.run()
      let patience = monotonicNow() + 20_000_000_000
      while (try? FileSource(path: progress))?.size != 24, monotonicNow() < patience { usleep(1000) }
      let delay = UInt32.random(in: 400_000...1_500_000, using: &generator)
      usleep(delay)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      #expect(process.terminationReason == .uncaughtSignal)

      let numbers = try FileSource(path: progress).read(at: 0, count: 24)
      let (step, stamp, lateness) = numbers.withUnsafeBytes {
        let values = $0.bindMemory(to: Int64.self)
        return (values[0], values[1], Double(values[2]) / 1e6)
      }
      let target = folder.path("mended\(round).mcap")
      let report = try LogRecovery.recover(from: log, to: target)
      #expect([0, 3].contains(report.exitCode) && !report.wasClosed)
      let list = try TransitionLog.read(path: target).transitions
      // Nothing is missing before the last one.
      #expect(list.map(\.step) == Array(0..<UInt64(list.count)))
      let last = try #require(list.last, "killed after \(delay) µs at step \(step)")
      let lost = Double(stamp - last.stamp) / 1e6
      // Where the machine let the recording thread wait for the processor, it lets the log thread wait as long.
      #expect(lost <= 300 + lateness, "round \(round): \(lost) ms lost, threads \(lateness) ms late, step \(step)")
      #expect(try LogDoctor.examine(path: target) == [])
    }
  }

  @Test("a run of five seconds at 1 kHz drops nothing and costs at most 250 bytes a transition")
  func sustained() throws {
    let folder = try ScratchFolder()
    let log = folder.path("run.mcap")
    let process = Process()
    process.executableURL = try helper("recording-writer")
    process.arguments = [log, "5"]
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let info = try LogInfo.read(path: log)
    #expect(!info.isLossy && info.channels.last?.messageCount == 5000)
    #expect(try #require(info.bytesPerTransition) <= 250)
  }
}
