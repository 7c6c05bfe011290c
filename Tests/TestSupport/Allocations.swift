import CAllocationCounter

/// What a stretch of code asked of the allocator, on the calling thread.
public struct AllocationCount: Equatable, Sendable {
  /// Calls of malloc and its relatives.
  public var allocations: Int
  /// Blocks given back.
  public var frees: Int

  /// A count to compare with.
  public init(allocations: Int, frees: Int) {
    self.allocations = allocations
    self.frees = frees
  }

  /// Whether allocations can be counted in this program; false under a sanitizer that brings its own allocator.
  public static var isAvailable: Bool { sinew_allocations_are_counted() }

  /// Runs `body` and counts its allocations and frees on the calling thread. Run the body once before: first calls
  /// allocate metadata.
  public static func during(_ body: () throws -> Void) rethrows -> AllocationCount {
    let allocations = sinew_malloc_count()
    let frees = sinew_free_count()
    try body()
    return AllocationCount(
      allocations: Int(sinew_malloc_count() - allocations), frees: Int(sinew_free_count() - frees))
  }
}
