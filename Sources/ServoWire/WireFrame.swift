/// A frame as it goes on the wire: COBS and the zero behind it. Empty when made.
public struct WireFrame: BitwiseCopyable, Sendable {
  private var bytes = InlineArray<98, UInt8>(repeating: 0)
  /// How many bytes.
  public private(set) var count = 0

  @_noLocks
  public init() {}

  /// Encodes a sealed body.
  @_noLocks
  public init(_ body: borrowing FrameBody) { encode(body) }

  /// One byte of the frame.
  public subscript(index: Int) -> UInt8 { @_noLocks get { bytes[index] } }

  /// Encodes a sealed body in place of what was here: each zero, and the byte in front, says how far the next zero is.
  @_noLocks
  public mutating func encode(_ body: borrowing FrameBody) {
    var previous = 0
    for index in 0..<body.count {
      let byte = body.bytes[index]
      if byte == 0 {
        bytes[previous] = UInt8(index + 1 - previous)
        previous = index + 1
      } else {
        bytes[index + 1] = byte
      }
    }
    bytes[previous] = UInt8(body.count + 1 - previous)
    bytes[body.count + 1] = 0
    count = body.count + 2
  }

  /// Copies the frame to memory with room for `count` bytes.
  @_noLocks
  public func copy(to memory: UnsafeMutablePointer<UInt8>) {
    for index in 0..<count { memory[index] = bytes[index] }
  }
}
