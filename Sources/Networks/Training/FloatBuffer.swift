import Glibc

/// Single-precision numbers in memory of their own, aligned to 64 bytes, zero at first, a multiple of 16 of them.
public struct FloatBuffer: ~Copyable {
  /// The first number.
  public let base: UnsafeMutablePointer<Float>
  /// How many there are, rounded up to whole vectors of 16.
  public let count: Int

  /// Allocates and touches the memory.
  public init(count wanted: Int) {
    count = max(16, (wanted + 15) / 16 * 16)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 4 * count, alignment: 64)
    base = memory.bindMemory(to: Float.self, capacity: count)
    base.initialize(repeating: 0, count: count)
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }

  /// All numbers to 0.
  public func clear() { base.update(repeating: 0, count: count) }

  /// Takes over the numbers of a buffer of the same length.
  public func copy(from other: borrowing FloatBuffer) {
    precondition(other.count == count, "buffers of different lengths")
    base.update(from: other.base, count: count)
  }
}

// The memory has one owner, and the owner moves as a whole.
extension FloatBuffer: @unchecked Sendable {}

/// Rounds up to whole vectors of 16 floats, as rows of matrices are stored.
public func paddedCount(_ count: Int) -> Int { (count + 15) / 16 * 16 }
