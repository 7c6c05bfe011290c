/// How long things take on a bus: pure arithmetic over byte counts, speed and measured delays. All times in ns.
public struct BusTiming: Sendable, BitwiseCopyable, Equatable {
  /// Bits per second; a byte is ten bits (8N1).
  public var baud: Int
  /// What every servo is set to wait before it answers (return delay time).
  public var returnDelay: Int64
  /// What a servo may take beyond that, per answer.
  public var processing: Int64
  /// What host and adaptor add to a round trip, as measured at connect; generous before it is measured.
  public var latency: Int64
  /// After this long without a byte no right answer can come any more.
  public var silence: Int64

  /// A bus of that speed, with allowances that suit an adaptor whose latency is not known yet.
  @_noLocks
  public init(
    baud: Int, returnDelay: Int64 = 0, processing: Int64 = 200_000, latency: Int64 = 4_000_000,
    silence: Int64 = 2_000_000
  ) {
    precondition(baud > 0, "a bus has a speed")
    self.baud = baud
    self.returnDelay = returnDelay
    self.processing = processing
    self.latency = latency
    self.silence = silence
  }

  /// A bus of that speed for single operations, where patience costs nothing: an adaptor may hand an answer over only
  /// when it is whole, which on a slow line takes longer than any latency.
  public static func patient(baud: Int, adaptorLatency: Int64?) -> BusTiming {
    var timing = BusTiming(baud: baud)
    timing.latency = max(100_000_000, 2 * (adaptorLatency ?? 0)) + timing.wire(64)
    return timing
  }

  /// How long `bytes` are on the wire.
  @_noLocks
  public func wire(_ bytes: Int) -> Int64 {
    (Int64(bytes) &* 10_000_000_000 &+ Int64(baud) &- 1) / Int64(baud)
  }

  /// How long the bus itself is busy: what is sent, the servos' set delays, and what they answer.
  @_noLocks
  public func bus(request: Int, answers: Int, answerBytes: Int) -> Int64 {
    wire(request) &+ Int64(answers) &* returnDelay &+ wire(answerBytes)
  }

  /// When the last byte of all answers should be here at the latest, counted from the sending.
  @_noLocks
  public func limit(request: Int, answers: Int, answerBytes: Int) -> Int64 {
    bus(request: request, answers: answers, answerBytes: answerBytes) &+ Int64(answers) &* processing &+ latency
  }

  /// How long to wait for the first byte of an answer, counted from the sending.
  @_noLocks
  public func firstByteLimit(request: Int) -> Int64 {
    wire(request) &+ returnDelay &+ processing &+ (latency > silence ? latency : silence)
  }

  /// How long to wait for the next byte once an answer has begun.
  public var gapLimit: Int64 {
    @_noLocks get {
      // An adaptor hands bytes over in portions, one latency apart at most; between two answers lies a servo's delay.
      let pause = returnDelay &+ processing &+ latency
      return pause > silence ? pause : silence
    }
  }

  /// Cycles per second that the bus carries: one round trip each, for `latency` as it is known.
  public func rate(request: Int, answers: Int, answerBytes: Int) -> Double {
    rate(request: request, answers: answers, answerBytes: answerBytes, latency: latency)
  }

  /// The same for another latency.
  func rate(request: Int, answers: Int, answerBytes: Int, latency: Int64) -> Double {
    1e9 / Double(bus(request: request, answers: answers, answerBytes: answerBytes) + latency)
  }
}
