/// What has become of the servos that one transaction asks: plain pointers into memory that the bus master owns.
struct AnswerBoard: BitwiseCopyable {
  /// What has become of one servo's answer.
  enum State {
    static var waiting: UInt8 { @_noLocks get { 0 } }
    static var answered: UInt8 { @_noLocks get { 1 } }
    /// Two answers that differ: one of them is old, and nothing tells which.
    static var conflicting: UInt8 { @_noLocks get { 2 } }
    /// The servo answered that it will not.
    static var refused: UInt8 { @_noLocks get { 3 } }
    /// Not asked at all.
    static var skipped: UInt8 { @_noLocks get { 4 } }
    /// The answer came, damaged: nothing is to be waited for.
    static var damaged: UInt8 { @_noLocks get { 5 } }
  }

  let ids: UnsafeMutablePointer<UInt8>
  let states: UnsafeMutablePointer<UInt8>
  let statuses: UnsafeMutablePointer<UInt8>
  /// One row of `stride` bytes per servo.
  let data: UnsafeMutablePointer<UInt8>
  let stride: Int
  let count: Int
  /// Bytes of data an answer to the present request carries.
  var length = 0
  /// The first of them are kept.
  var kept = 0
  /// The servos that are asked now.
  var first = 0
  var end = 0

  /// Memory for `count` servos with up to `stride` bytes each; given back by `deallocate`.
  init(count: Int, stride: Int) {
    func memory(_ bytes: Int) -> UnsafeMutablePointer<UInt8> {
      let pointer = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, bytes))
      pointer.initialize(repeating: 0, count: max(1, bytes))
      return pointer
    }
    ids = memory(count)
    states = memory(count)
    statuses = memory(count)
    data = memory(count * stride)
    self.count = count
    self.stride = stride
  }

  func deallocate() {
    ids.deallocate()
    states.deallocate()
    statuses.deallocate()
    data.deallocate()
  }

  /// Nobody has answered yet.
  @_noLocks
  func begin() {
    for index in 0..<count { states[index] = State.waiting }
  }

  /// Whether a servo has given nothing that could be believed.
  @_noLocks
  func isOpen(_ index: Int) -> Bool {
    let state = states[index]
    return state == State.waiting || state == State.conflicting || state == State.damaged
  }

  /// How many of the servos asked have given nothing that could be believed.
  var openCount: Int {
    @_noLocks get {
      var open = 0
      for index in first..<end where isOpen(index) { open &+= 1 }
      return open
    }
  }

  /// Whether a servo that was asked may still be heard.
  var isWaiting: Bool {
    @_noLocks get {
      for index in first..<end where states[index] == State.waiting || states[index] == State.conflicting {
        return true
      }
      return false
    }
  }

  /// The index of a servo that is asked now; -1 when it is not.
  @_noLocks
  func index(of id: UInt8) -> Int {
    for index in first..<end where ids[index] == id { return index }
    return -1
  }

  /// Whether the row of `index` holds just these bytes.
  @_noLocks
  func holds(_ index: Int, status: UInt8, _ bytes: UnsafePointer<UInt8>) -> Bool {
    guard statuses[index] == status else { return false }
    let row = data + index &* stride
    for byte in 0..<kept where row[byte] != bytes[byte] { return false }
    return true
  }

  /// Keeps an answer.
  @_noLocks
  func keep(_ index: Int, status: UInt8, _ bytes: UnsafePointer<UInt8>) {
    states[index] = State.answered
    statuses[index] = status
    let row = data + index &* stride
    for byte in 0..<kept { row[byte] = bytes[byte] }
  }
}
