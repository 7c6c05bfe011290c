/// What a dying program puts on the wire for its arm, kept ready by the control thread. Before anything is prepared there
/// is nothing to be put.
///
/// In front stand enough FF to end a frame that was cut short. Then, to hold: the last goal of every servo under torque,
/// and the end of the watchdogs, since a servo that its watchdog stops lets the goal go which carried the arm's weight
/// (and some firmware moves, DynamixelSDK #584). To let go: torque off for everybody, three times over.
struct CrashFrame: BitwiseCopyable {
  private let bytes: UnsafeMutablePointer<UInt8>
  private let capacity: Int
  private let prefixCount: Int
  private let stop: UnsafeMutablePointer<UInt8>
  private let stopCount: Int
  private let ending: UnsafeMutablePointer<UInt8>
  private let endingCount: Int
  /// How many bytes are to be put; 0: none.
  private(set) var count = 0

  /// - Parameters:
  ///   - longest: bytes of the longest goal frame.
  ///   - stop: torque off for everybody, as one frame.
  ///   - ending: the watchdogs' end, as one frame; empty where there are none.
  init(longest: Int, stop: [UInt8], ending: [UInt8]) {
    func memory(_ count: Int) -> UnsafeMutablePointer<UInt8> {
      let pointer = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, count))
      pointer.initialize(repeating: 0xFF, count: max(1, count))
      return pointer
    }
    prefixCount = longest
    capacity = longest + max(longest + ending.count, 3 * stop.count)
    bytes = memory(capacity)
    self.stop = memory(stop.count)
    for (index, byte) in stop.enumerated() { self.stop[index] = byte }
    stopCount = stop.count
    self.ending = memory(ending.count)
    for (index, byte) in ending.enumerated() { self.ending[index] = byte }
    endingCount = ending.count
  }

  func deallocate() {
    bytes.deallocate()
    stop.deallocate()
    ending.deallocate()
  }

  /// All that is to be put on the wire.
  var content: UnsafeBufferPointer<UInt8> {
    @_noLocks get { UnsafeBufferPointer(start: UnsafePointer(bytes), count: count) }
  }

  /// Where a goal frame is written before `hold`.
  var goals: UnsafeMutableBufferPointer<UInt8> {
    @_noLocks get { UnsafeMutableBufferPointer(start: bytes + prefixCount, count: capacity &- prefixCount) }
  }

  /// From now on the goal frame of `goalCount` bytes that was written to `goals`.
  @_noLocks
  mutating func hold(_ goalCount: Int) {
    let end = prefixCount &+ goalCount
    for index in 0..<endingCount { bytes[end &+ index] = ending[index] }
    count = end &+ endingCount
  }

  /// From now on torque off.
  @_noLocks
  mutating func letGo() {
    for copy in 0..<3 {
      for index in 0..<stopCount { bytes[prefixCount &+ copy &* stopCount &+ index] = stop[index] }
    }
    count = prefixCount &+ 3 &* stopCount
  }

  /// From now on nothing: the servos are left as they are.
  @_noLocks
  mutating func leave() { count = 0 }
}
