import CSystem
import Glibc
import Testing

@Suite struct MemoryTests {
  @Test func `Memory is locked where the right exists`() async {
    await #expect(processExitsWith: .success) {
      let status = sinew_lock_memory()
      #expect(status == 0 || status == EPERM || status == ENOMEM || status == EAGAIN)
      #expect((statusKilobytes("VmLck") ?? 0 > 0) == (status == 0))
      #expect(canAllocate(128 << 20))
    }
  }

  @Test func `A limit that the lock itself passes, but no later allocation, is found out and nothing stays locked`()
    async
  {
    await #expect(processExitsWith: .success) {
      // Just more than the process has now: the lock succeeds, and allocations after it fail. Where the limit cannot be
      // raised so far (containers), the lock itself is refused.
      let size = UInt(statusKilobytes("VmSize") ?? 0) << 10
      let wasRaised = becomeOrdinaryUser(lockedMemory: size + 16 << 20)
      #expect(sinew_lock_memory() == (wasRaised ? EAGAIN : ENOMEM))
      #expect(statusKilobytes("VmLck") == 0)
      #expect(canAllocate(128 << 20))
    }
  }

  @Test func `A limit far below the size of the process is refused and nothing stays locked`() async {
    await #expect(processExitsWith: .success) {
      becomeOrdinaryUser(lockedMemory: 65536)
      #expect(sinew_lock_memory() == ENOMEM)
      #expect(statusKilobytes("VmLck") == 0)
      #expect(canAllocate(128 << 20))
    }
  }

  @Test func `No right to lock at all is refused`() async {
    await #expect(processExitsWith: .success) {
      becomeOrdinaryUser(lockedMemory: 0)
      #expect(sinew_lock_memory() == EPERM)
      #expect(canAllocate(128 << 20))
    }
  }

  @Test func `Processor latency is held through a descriptor, or refused with the reason`() {
    let descriptor = sinew_hold_cpu_latency()
    if descriptor >= 0 {
      #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
      #expect(close(descriptor) == 0)
    } else {
      #expect([EACCES, EPERM, ENOENT, EROFS].contains(-descriptor))
    }
  }
}
