import Glibc
import Recording
import RecordingTestSupport

/// `recording-writer LOG SECONDS [PROGRESS]`: records a made-up run at 1 kHz on the real clock and prints what became
/// of it. PROGRESS is a file that always holds the last committed step, its stamp, and by how much this thread woke up
/// late at worst in the last half to one second, ns; for whoever kills this process.
@main
enum Main {
  static func main() {
    let arguments = CommandLine.arguments
    guard arguments.count >= 3, let seconds = Double(arguments[2]) else {
      print("usage: recording-writer LOG SECONDS [PROGRESS]")
      exit(2)
    }
    do throws(RecordingError) {
      let recorder = try Recorder.start(path: arguments[1], layout: reacher, jointNames: ["joint0", "joint1"])
      var port = recorder.makePort()
      var noise = Noise(seed: 1)
      let progress = arguments.count > 3 ? sharedNumbers(arguments[3]) : nil
      var worst: (now: Int64, before: Int64) = (0, 0)
      let start = monotonicNow()
      for index in 0..<Int(seconds * 1000) {
        var deadline = timespec()
        let stamp = start + Int64(index) * 1_000_000
        (deadline.tv_sec, deadline.tv_nsec) = (Int(stamp / 1_000_000_000), Int(stamp % 1_000_000_000))
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nil) == EINTR {}
        // The stamp is when the step was really made: a late process must not be blamed on the log.
        let now = monotonicNow()
        record(index, stamp: now, duration: 0.001, into: &port, noise: &noise)
        if index % 500 == 0 { worst = (0, worst.now) }
        worst.now = max(worst.now, now - stamp)
        progress?[2] = max(worst.now, worst.before)
        progress?[1] = now
        progress?[0] = Int64(index)
      }
      let summary = recorder.finish()
      let count = summary.messageCounts["/transition"] ?? 0
      print("transitions \(count) dropped \(summary.dropped) bytes \(summary.bytes)")
      print("bytes per transition \(Double(summary.bytes) / Double(max(1, count)))")
      if let error = summary.error { print("error \(error)") }
      exit(summary.isLossy ? 3 : 0)
    } catch {
      print("recording-writer: \(error)")
      exit(1)
    }
  }

  /// Three numbers in a file that outlive this process, however it ends.
  private static func sharedNumbers(_ path: String) -> UnsafeMutablePointer<Int64>? {
    let descriptor = open(path, O_RDWR | O_CREAT, 0o644)
    guard descriptor >= 0, ftruncate(descriptor, 24) == 0,
      let memory = mmap(nil, 24, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
    else { return nil }
    return memory.bindMemory(to: Int64.self, capacity: 3)
  }
}
