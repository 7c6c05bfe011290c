/// When something happened on a board, in the host's time: the board's 32-bit microseconds, unwrapped, and a line through
/// the exchanges of both clocks (`firmware-protocol/PROTOCOL.md`, 9).
///
/// Time is cut into slices, short ones at first and a second later; of each slice the exchange with the least round trip
/// counts, for 32 slices. Their slope is the drift: a board with a ceramic resonator may run 0.5 % fast or slow. Before the
/// first exchange nothing is known. Plain arithmetic; all host times in ns.
public struct BoardClock: Sendable, BitwiseCopyable {
  private struct Slice: BitwiseCopyable, Sendable {
    /// When the slice began.
    var begin: Int64 = 0
    /// The board's clock, µs, unwrapped, and the host's in the middle of the same exchange.
    var board: Int64 = 0
    var host: Int64 = 0
    var roundTrip = Int64.max

    @_noLocks
    init() {}
  }

  private var slices = InlineArray<32, Slice>(repeating: Slice())
  private var next = 0
  private var count = 0
  private var first: Int64 = 0
  /// Where the line goes through, and its slope: ns of the host for a µs of the board.
  private var boardOrigin = 0.0
  private var hostOrigin: Int64 = 0
  private var boardReference: Int64 = 0
  private var slope = 1000.0
  /// The newest board time, µs, unwrapped, and its lower 32 bits.
  private var newest: Int64 = 0
  private var newestLow: UInt32 = 0
  private var hasNewest = false

  @_noLocks
  public init() {}

  /// Whether there has been an exchange.
  public var isSet: Bool { @_noLocks get { count > 0 } }
  /// How much faster than the host's clock the board's runs, as a share; 0 while not known.
  public var drift: Double { @_noLocks get { 1000 / slope - 1 } }
  /// The least round trip that counts now, ns: twice the largest error of a time; 0 before the first exchange.
  public var roundTrip: Int64 {
    @_noLocks get {
      var least = Int64.max
      for index in 0..<count where slices[index].roundTrip < least { least = slices[index].roundTrip }
      return count > 0 ? least : 0
    }
  }

  /// The board's time without the wrap, µs, from any origin. Of two times in a row the second may be 35 minutes later at
  /// most.
  @_noLocks
  mutating func unwrap(_ low: UInt32) -> Int64 {
    guard hasNewest else {
      hasNewest = true
      newest = Int64(low)
      newestLow = low
      return newest
    }
    let step = Int64(Int32(bitPattern: low &- newestLow))
    // What is older than the newest is a time all the same.
    guard step > 0 else { return newest &+ step }
    newest &+= step
    newestLow = low
    return newest
  }

  /// How far a time lies before the newest one, µs; 0 or less when it does not.
  @_noLocks
  func stepBack(_ low: UInt32) -> Int64 { hasNewest ? -Int64(Int32(bitPattern: low &- newestLow)) : 0 }

  /// One exchange: sent at `sent`, answered by the board between `received` and `answered` (µs), back here at `now`.
  @_noLocks
  public mutating func note(sent: Int64, received: UInt32, answered: UInt32, now: Int64) {
    let onBoard = Int64(answered &- received)
    let middle = unwrap(received) &+ onBoard / 2
    let roundTrip = now &- sent &- 1000 &* onBoard
    guard roundTrip >= 0, onBoard < 1_000_000 else { return }
    var exchange = Slice()
    exchange.begin = now
    exchange.board = middle
    exchange.host = sent &+ (now &- sent) / 2
    exchange.roundTrip = roundTrip
    // Farther from the line than this exchange can be wrong: one of the clocks has jumped (a board in an emulator that was
    // held up), and what was before says nothing any more.
    if count > 0, (host(received) &- exchange.host &+ 500 &* onBoard).magnitude > roundTrip / 2 &+ 10_000_000 {
      (count, next, slope) = (0, 0, 1000)
    }
    if count == 0 {
      first = now
      store(exchange)
    } else {
      let last = (next &+ 31) % 32
      var length = (now &- first) / 16
      if length < 10_000_000 { length = 10_000_000 }
      if length > 1_000_000_000 { length = 1_000_000_000 }
      if now &- slices[last].begin >= length {
        store(exchange)
      } else if roundTrip < slices[last].roundTrip {
        exchange.begin = slices[last].begin
        slices[last] = exchange
      }
    }
    fit()
  }

  @_noLocks
  private mutating func store(_ exchange: Slice) {
    slices[next] = exchange
    next = (next &+ 1) % 32
    if count < 32 { count &+= 1 }
  }

  /// The least-squares line through the good slices; with too short a base the slope stays what it was.
  @_noLocks
  private mutating func fit() {
    let least = roundTrip
    let most = 2 &* least &+ 200_000
    let reference = slices[(next &+ 31) % 32]
    var (number, sumBoard, sumHost) = (0.0, 0.0, 0.0)
    var (earliest, latest) = (Int64.max, Int64.min)
    for index in 0..<count where slices[index].roundTrip <= most {
      number += 1
      sumBoard += Double(slices[index].board &- reference.board)
      sumHost += Double(slices[index].host &- reference.host)
      if slices[index].board < earliest { earliest = slices[index].board }
      if slices[index].board > latest { latest = slices[index].board }
    }
    guard number > 0 else { return }
    let meanBoard = sumBoard / number
    let meanHost = sumHost / number
    var (covariance, variance) = (0.0, 0.0)
    for index in 0..<count where slices[index].roundTrip <= most {
      let board = Double(slices[index].board &- reference.board) - meanBoard
      covariance += board * (Double(slices[index].host &- reference.host) - meanHost)
      variance += board * board
    }
    // The slope of a base this short would be noise.
    if number >= 3 && latest &- earliest >= 100_000 && variance > 0 {
      let found = covariance / variance
      if found > 970 && found < 1030 { slope = found }
    }
    boardReference = reference.board
    boardOrigin = meanBoard
    hostOrigin = reference.host &+ Int64(meanHost)
  }

  /// The host's time of a time on the board.
  @_noLocks
  public mutating func host(_ low: UInt32) -> Int64 {
    let board = unwrap(low)
    return hostOrigin &+ Int64((Double(board &- boardReference) - boardOrigin) * slope)
  }
}
