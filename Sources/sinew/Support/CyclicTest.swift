import Foundation
import Sessions

/// The outside yardstick for wake-up lateness: cyclictest of Debian's rt-tests.
enum CyclicTest {
  /// Where it is installed, if it is.
  static var path: String? {
    ["/usr/bin/cyclictest", "/usr/local/bin/cyclictest", "/usr/sbin/cyclictest"].first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }

  /// Runs it with one thread and reads its histogram.
  static func run(period: Int64, ticks: Int, priority: Int, processor: Int) throws -> LatenessSeries {
    guard let path else { throw RunFailure("cyclictest is not installed ('sudo apt-get install rt-tests')") }
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-cyclictest-\(getpid()).hist")
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments =
      [
        "-m", "-q", "-t1", "-a\(processor)", "-i\(period / 1000)", "-l\(ticks)", "-h20000", "--histfile=\(file.path)",
      ] + (priority > 0 ? ["-p\(priority)"] : ["--policy=other"])
    process.standardOutput = FileHandle.nullDevice
    let errors = Pipe()
    process.standardError = errors
    do {
      try process.run()
    } catch {
      throw RunFailure("cyclictest could not be started: \(error)")
    }
    let message = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw RunFailure("cyclictest failed: \(String(decoding: message.prefix(200), as: UTF8.self))")
    }
    guard let text = try? String(contentsOf: file, encoding: .utf8) else {
      throw RunFailure("cyclictest wrote no histogram to \(file.path)")
    }
    return LatenessSeries(microsecondCounts: counts(of: text))
  }

  /// The counts per µs: lines of two numbers; `#` begins a comment, which holds the overflows.
  static func counts(of text: String) -> [UInt64] {
    var counts = [UInt64](repeating: 0, count: 20_001)
    for line in text.split(separator: "\n") {
      if line.hasPrefix("# Histogram Overflows:") {
        counts[20_000] += line.split(separator: " ").last.flatMap { UInt64($0) } ?? 0
        continue
      }
      let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard !line.hasPrefix("#"), fields.count == 2, let bucket = Int(fields[0]), let count = UInt64(fields[1]) else {
        continue
      }
      counts[min(max(bucket, 0), 20_000)] += count
    }
    return counts
  }
}
