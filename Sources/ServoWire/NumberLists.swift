/// Up to 16 numbers of 8 bits. Empty when made.
public struct UInt8List: BitwiseCopyable, Sendable {
  private var elements = InlineArray<16, UInt8>(repeating: 0)
  /// How many elements.
  public private(set) var count = 0

  @_noLocks
  public init() {}

  /// The element at a place below `count`.
  public subscript(index: Int) -> UInt8 {
    @_noLocks get {
      precondition(index < count, "no such element")
      return elements[index]
    }
  }

  /// Adds an element; false when there are 16 already.
  @_noLocks @discardableResult
  public mutating func append(_ element: UInt8) -> Bool {
    guard count < 16 else { return false }
    elements[count] = element
    count += 1
    return true
  }

  @_noLocks
  mutating func read(_ reader: inout PayloadReader, _ body: borrowing FrameBody, count: Int) -> Bool {
    guard count <= 16 else { return false }
    for _ in 0..<count { append(reader.read8(body)) }
    return true
  }

  @_noLocks
  func write(to body: inout FrameBody) {
    for index in 0..<count { body.append8(elements[index]) }
  }
}

/// Up to 16 numbers of 16 bits. Empty when made.
public struct UInt16List: BitwiseCopyable, Sendable {
  private var elements = InlineArray<16, UInt16>(repeating: 0)
  /// How many elements.
  public private(set) var count = 0

  @_noLocks
  public init() {}

  /// The element at a place below `count`.
  public subscript(index: Int) -> UInt16 {
    @_noLocks get {
      precondition(index < count, "no such element")
      return elements[index]
    }
  }

  /// Adds an element; false when there are 16 already.
  @_noLocks @discardableResult
  public mutating func append(_ element: UInt16) -> Bool {
    guard count < 16 else { return false }
    elements[count] = element
    count += 1
    return true
  }

  @_noLocks
  mutating func read(_ reader: inout PayloadReader, _ body: borrowing FrameBody, count: Int) -> Bool {
    guard count <= 16 else { return false }
    for _ in 0..<count { append(reader.read16(body)) }
    return true
  }

  @_noLocks
  func write(to body: inout FrameBody) {
    for index in 0..<count { body.append16(elements[index]) }
  }
}

/// Up to 16 numbers of 32 bits. Empty when made.
public struct UInt32List: BitwiseCopyable, Sendable {
  private var elements = InlineArray<16, UInt32>(repeating: 0)
  /// How many elements.
  public private(set) var count = 0

  @_noLocks
  public init() {}

  /// The element at a place below `count`.
  public subscript(index: Int) -> UInt32 {
    @_noLocks get {
      precondition(index < count, "no such element")
      return elements[index]
    }
  }

  /// Adds an element; false when there are 16 already.
  @_noLocks @discardableResult
  public mutating func append(_ element: UInt32) -> Bool {
    guard count < 16 else { return false }
    elements[count] = element
    count += 1
    return true
  }

  @_noLocks
  mutating func read(_ reader: inout PayloadReader, _ body: borrowing FrameBody, count: Int) -> Bool {
    guard count <= 16 else { return false }
    for _ in 0..<count { append(reader.read32(body)) }
    return true
  }

  @_noLocks
  func write(to body: inout FrameBody) {
    for index in 0..<count { body.append32(elements[index]) }
  }
}
