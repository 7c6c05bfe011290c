import CAllocationCounter
import Glibc
import TestSupport
import Testing

@inline(never)
private func makeArray(_ count: Int) -> [Int] { Array(repeating: count, count: count) }

@inline(never)
private func arithmetic(_ start: Double) -> Double {
  var value = start
  for step in 0..<1000 { value = value * 0.999 + Double(step) }
  return value
}

/// Every way of the C library to ask for memory.
enum Door: String, CaseIterable, Sendable {
  case malloc, calloc, realloc, alignedAlloc, posixMemalign, valloc

  func allocate() -> UnsafeMutableRawPointer? {
    switch self {
    case .malloc: return Glibc.malloc(128)
    case .calloc: return Glibc.calloc(16, 8)
    case .realloc: return Glibc.realloc(nil, 128)
    case .alignedAlloc: return aligned_alloc(256, 256)
    case .posixMemalign:
      var block: UnsafeMutableRawPointer?
      return posix_memalign(&block, 256, 128) == 0 ? block : nil
    case .valloc: return Glibc.valloc(128)
    }
  }

  /// The alignment that is asked for, or that the C library promises.
  var alignment: UInt {
    switch self {
    case .malloc, .calloc, .realloc: return 16
    case .alignedAlloc, .posixMemalign: return 256
    case .valloc: return UInt(getpagesize())
    }
  }
}

/// Counting must be right before a zero from it means anything.
@Suite(.enabled(if: AllocationCount.isAvailable)) struct AllocationCounterTests {
  @Test func `Arrays are counted as they come and go`() {
    var sum = makeArray(8).count
    let count = AllocationCount.during {
      for size in 1...10 { sum += makeArray(size).count }
    }
    #expect(count == AllocationCount(allocations: 10, frees: 10))
    #expect(sum == 63)
  }

  @Test func `Arithmetic counts nothing`() {
    var value = arithmetic(1)
    let count = AllocationCount.during { value = arithmetic(value) }
    #expect(count == AllocationCount(allocations: 0, frees: 0))
    #expect(value.isFinite)
  }

  @Test(arguments: Door.allCases)
  func `Every door of the C library is counted once and gives usable memory`(door: Door) throws {
    var block: UnsafeMutableRawPointer?
    #expect(AllocationCount.during { block = door.allocate() } == AllocationCount(allocations: 1, frees: 0))
    let memory = try #require(block)
    #expect(UInt(bitPattern: memory) % door.alignment == 0)
    memset(memory, 0x5a, 128)
    #expect(memory.load(fromByteOffset: 127, as: UInt8.self) == 0x5a)
    #expect(AllocationCount.during { free(memory) } == AllocationCount(allocations: 0, frees: 1))
  }

  @Test func `An alignment without meaning is refused as the C library does`() {
    var block: UnsafeMutableRawPointer?
    #expect(posix_memalign(&block, 3, 128) == EINVAL)
    #expect(posix_memalign(&block, 0, 128) == EINVAL)
  }

  @Test func `Another thread's allocations are not counted here`() {
    var thread = pthread_t()
    let before = sinew_malloc_count()
    let status = pthread_create(&thread, nil, { _ in makeArray(1000).withUnsafeBytes { _ in nil } }, nil)
    let afterCreation = sinew_malloc_count()
    pthread_join(thread, nil)
    let afterTheEnd = sinew_malloc_count()
    #expect(status == 0)
    #expect(afterTheEnd == afterCreation)
    // The new thread's own descriptors, at most.
    #expect(afterCreation - before <= 2)
  }
}
