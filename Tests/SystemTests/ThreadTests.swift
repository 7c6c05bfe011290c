import CSystem
import Glibc
import Testing

/// What a started thread saw of itself.
private final class Report {
  var name = ""
  var processors = ""
  var blocksInterrupt = false
  var blocksSegmentationFault = true
  var prefaulted = 0
  var prefaultedBeyondTheStack = 0
  var faultsWhilePrefaulting: Int64 = 0
  var faultsWhenDoneAgain: Int64 = 0
}

private func examine(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { return nil }
  let report = Unmanaged<Report>.fromOpaque(context).takeUnretainedValue()
  _ = sinew_thread_set_name("a-rather-long-thread-name")
  report.name = status("Name") ?? ""

  if sinew_thread_set_affinity(sinew_cpu_at(0)) == 0 { report.processors = status("Cpus_allowed_list") ?? "" }
  var mask = sigset_t()
  pthread_sigmask(SIG_BLOCK, nil, &mask)
  report.blocksInterrupt = sigismember(&mask, SIGINT) == 1
  report.blocksSegmentationFault = sigismember(&mask, SIGSEGV) == 1

  let before = minorFaults()
  report.prefaulted = sinew_prefault_stack(256 << 10)
  report.faultsWhilePrefaulting = minorFaults() - before
  let between = minorFaults()
  _ = sinew_prefault_stack(256 << 10)
  report.faultsWhenDoneAgain = minorFaults() - between
  report.prefaultedBeyondTheStack = sinew_prefault_stack(1 << 30)
  return nil
}

private func minorFaults() -> Int64 {
  var minor: Int64 = 0
  var major: Int64 = 0
  sinew_page_faults(&minor, &major)
  return minor
}

@Suite struct ThreadTests {
  private func report(stack: Int = 1_000_000) throws -> Report {
    let report = Report()
    var thread = pthread_t()
    try #require(sinew_thread_start(examine, Unmanaged.passUnretained(report).toOpaque(), stack, &thread) == 0)
    pthread_join(thread, nil)
    return report
  }

  @Test func `A started thread has its name, its processor and its stack`() throws {
    let report = try report()
    #expect(report.name == "a-rather-long-t")
    #expect(report.processors == "\(sinew_cpu_at(0))")
    // All but what must stay untouched and what the thread's own start and frames hold.
    #expect(report.prefaultedBeyondTheStack > 1_000_000 - (64 << 10) - (32 << 10))
  }

  @Test func `A started thread is not interrupted from outside, but its own faults still are reported`() throws {
    let report = try report()
    #expect(report.blocksInterrupt)
    #expect(!report.blocksSegmentationFault)
  }

  @Test func `Prefaulting takes the page faults now, never twice, and never leaves the stack`() throws {
    // Larger than any stack that the system could hand out a second time, touched already.
    // On a busy machine the kernel itself may move a page between the two passes; not five times in a row.
    var tries = [try report(stack: 12_000_000)]
    while let last = tries.last, last.faultsWhenDoneAgain != 0, tries.count < 5 {
      tries.append(try report(stack: 12_000_000))
    }
    let report = try #require(tries.last)
    #expect(report.prefaulted == 256 << 10)
    // 64 pages of 4 KiB, or one huge page.
    #expect(report.faultsWhilePrefaulting >= 1)
    #expect(report.faultsWhenDoneAgain == 0)
    #expect(report.prefaultedBeyondTheStack > 11_000_000)
    #expect(report.prefaultedBeyondTheStack < 12_000_000)
  }

  @Test func `A processor that does not exist is refused`() {
    #expect(sinew_thread_set_affinity(-1) == EINVAL)
    #expect(sinew_thread_set_affinity(1 << 20) == EINVAL)
  }

  @Test func `The processors of the process are counted and listed once each`() {
    let processors = (0..<sinew_cpu_count()).map { sinew_cpu_at($0) }
    #expect(processors.count >= 1)
    #expect(processors.allSatisfy { $0 >= 0 })
    #expect(Set(processors).count == processors.count)
    #expect(sinew_cpu_at(sinew_cpu_count()) == -1)
    #expect(sinew_cpu_at(-1) == -1)
  }

  @Test func `Real-time scheduling is granted as asked, or refused with the reason`() async {
    await #expect(processExitsWith: .success) {
      #expect(sinew_thread_set_fifo(0) == EINVAL)
      #expect(sinew_thread_set_fifo(100) == EINVAL)
      #expect(sinew_thread_fifo_priority() == 0)
      let status = sinew_thread_set_fifo(7)
      #expect(status == 0 || status == EPERM)
      #expect(sinew_thread_fifo_priority() == (status == 0 ? 7 : 0))
    }
  }

  @Test func `An ordinary user without the right is refused real-time scheduling`() async {
    await #expect(processExitsWith: .success) {
      becomeOrdinaryUser(lockedMemory: 0)
      #expect(sinew_thread_set_fifo(7) == EPERM)
      #expect(sinew_thread_fifo_priority() == 0)
    }
  }
}
