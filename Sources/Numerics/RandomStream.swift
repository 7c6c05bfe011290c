import CSystem

/// A reproducible stream of random numbers: xoshiro256** seeded through SplitMix64.
///
/// Two streams with the same seed and name give the same numbers on every machine, so a run is repeated by its seed.
/// Independent uses (sensor noise, action sampling, episode reset) take streams of their own by name: adding a
/// consumer never shifts the numbers of another. Real-time safe: plain values, no allocation.
///
/// Source: D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4), 2021.
public struct RandomStream: Sendable, Equatable, BitwiseCopyable {
  @usableFromInline var s0: UInt64
  @usableFromInline var s1: UInt64
  @usableFromInline var s2: UInt64
  @usableFromInline var s3: UInt64
  /// The second normal deviate of a Box–Muller pair; used when `hasSpare`.
  var spare: Double = 0
  var hasSpare = false

  /// A stream for one named purpose of a run's seed.
  public init(seed: UInt64, name: StaticString = "") {
    var state = seed
    // FNV-1a over the name keeps streams of one seed apart.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    name.withUTF8Buffer { for byte in $0 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 } }
    state ^= hash
    func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
    s0 = next()
    s1 = next()
    s2 = next()
    s3 = next()
  }

  /// A stream of its own that this one's present state decides; this one does not move.
  @_noLocks
  public func branch() -> RandomStream {
    var mixed = self
    mixed.s0 ^= 0x9e37_79b9_7f4a_7c15
    mixed.s2 ^= 0xd1b5_4a32_d192_ed03
    // A few steps carry the difference into all bits.
    for _ in 0..<16 { _ = mixed.bits() }
    return mixed.fork()
  }

  /// A stream of its own, seeded with this one's next numbers.
  @_noLocks
  public mutating func fork() -> RandomStream {
    var stream = self
    stream.hasSpare = false
    stream.s0 = bits()
    stream.s1 = bits()
    stream.s2 = bits()
    stream.s3 = bits()
    return stream
  }

  /// 64 uniform bits.
  @_noLocks
  public mutating func bits() -> UInt64 {
    let product = s1 &* 5
    let result = ((product << 7) | (product >> 57)) &* 9
    let t = s1 << 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= t
    s3 = (s3 << 45) | (s3 >> 19)
    return result
  }

  /// Uniform in [0, 1), 53 bits.
  @_noLocks
  public mutating func uniform() -> Double {
    Double(bits() >> 11) * 0x1p-53
  }

  /// Uniform in [low, high).
  @_noLocks
  public mutating func uniform(from low: Double, to high: Double) -> Double {
    let value = low + (high - low) * uniform()
    // Rounding may reach the open end.
    return value == high ? low : value
  }

  /// Standard normal deviate (mean 0, variance 1) by the Box–Muller transform.
  @_noLocks
  public mutating func normal() -> Double {
    if hasSpare {
      hasSpare = false
      return spare
    }
    // 1 - u is in (0, 1], so its logarithm is finite.
    let radius = sinew_sqrt(-2 * sinew_log(1 - uniform()))
    let angle = 2 * Double.pi * uniform()
    spare = radius * sinew_sin(angle)
    hasSpare = true
    return radius * sinew_cos(angle)
  }
}
