extension RequestEncoder {
  /// One servo's part of a bulk read or write.
  public struct BulkItem: Sendable, BitwiseCopyable {
    public var id: UInt8
    public var address: Int
    /// Bytes.
    public var count: Int

    @_noLocks
    public init(id: UInt8, address: Int, count: Int) {
      self.id = id
      self.address = address
      self.count = count
    }
  }

  /// Reads the same registers of several servos, which answer one after the other in the order of `ids`; with `fast`
  /// (DYNAMIXEL 2.0) in one common frame.
  @_noLocks
  public func syncRead(
    ids: UnsafeBufferPointer<UInt8>, address: Int, count: Int, fast: Bool = false,
    into buffer: UnsafeMutableBufferPointer<UInt8>
  ) throws(EncodingError) -> Int {
    guard wire.hasSyncRead, !fast || wire.isSecondGeneration else { throw .unsupported }
    guard count > 0 else { throw .nothingToDo }
    try checkGroup(ids)
    var frame = try FrameWriter(
      wire, id: WireProtocol.broadcastID, instruction: fast ? Instruction.fastSyncRead : Instruction.syncRead,
      into: buffer)
    try frame.putWord(address)
    try frame.putWord(count)
    for index in 0..<ids.count { frame.put(ids[index]) }
    return try frame.finish()
  }

  /// Writes the same registers of several servos, `count` bytes each: `data` holds them one servo after the other.
  /// Never answered.
  @_noLocks
  public func syncWrite(
    ids: UnsafeBufferPointer<UInt8>, address: Int, count: Int, data: UnsafePointer<UInt8>,
    into buffer: UnsafeMutableBufferPointer<UInt8>
  ) throws(EncodingError) -> Int {
    guard count > 0 else { throw .nothingToDo }
    try checkGroup(ids)
    var frame = try FrameWriter(
      wire, id: WireProtocol.broadcastID, instruction: Instruction.syncWrite, into: buffer)
    try frame.putWord(address)
    try frame.putWord(count)
    for index in 0..<ids.count {
      frame.put(ids[index])
      frame.put(data + index &* count, count: count)
    }
    return try frame.finish()
  }

  /// Reads different registers of several servos; with `fast` (DYNAMIXEL 2.0) they answer in one common frame.
  /// In protocol 1.0 only the MX series answers.
  @_noLocks
  public func bulkRead(
    _ items: UnsafeBufferPointer<BulkItem>, fast: Bool = false, into buffer: UnsafeMutableBufferPointer<UInt8>
  ) throws(EncodingError) -> Int {
    guard !isFeetech, !fast || wire.isSecondGeneration else { throw .unsupported }
    try checkGroup(items)
    var frame = try FrameWriter(
      wire, id: WireProtocol.broadcastID, instruction: fast ? Instruction.fastBulkRead : Instruction.bulkRead,
      into: buffer)
    // Protocol 1.0 puts a zero first, and length before id and address.
    if !wire.isSecondGeneration { frame.put(0) }
    for index in 0..<items.count {
      let item = items[index]
      if wire.isSecondGeneration {
        frame.put(item.id)
        try frame.putWord(item.address)
        try frame.putWord(item.count)
      } else {
        try frame.putWord(item.count)
        frame.put(item.id)
        try frame.putWord(item.address)
      }
    }
    return try frame.finish()
  }

  /// DYNAMIXEL 2.0: writes different registers of several servos; `data` holds the items' bytes one after the other.
  /// Never answered.
  @_noLocks
  public func bulkWrite(
    _ items: UnsafeBufferPointer<BulkItem>, data: UnsafePointer<UInt8>, into buffer: UnsafeMutableBufferPointer<UInt8>
  ) throws(EncodingError) -> Int {
    guard wire.isSecondGeneration else { throw .unsupported }
    try checkGroup(items)
    var frame = try FrameWriter(wire, id: WireProtocol.broadcastID, instruction: Instruction.bulkWrite, into: buffer)
    var next = data
    for index in 0..<items.count {
      let item = items[index]
      frame.put(item.id)
      try frame.putWord(item.address)
      try frame.putWord(item.count)
      frame.put(next, count: item.count)
      next += item.count
    }
    return try frame.finish()
  }

  @_noLocks
  private func checkGroup(_ ids: UnsafeBufferPointer<UInt8>) throws(EncodingError) {
    guard ids.count > 0 else { throw .nothingToDo }
    for index in 0..<ids.count {
      try checkID(ids[index], allowBroadcast: false)
      for other in 0..<index where ids[other] == ids[index] { throw .duplicateID }
    }
  }

  @_noLocks
  private func checkGroup(_ items: UnsafeBufferPointer<BulkItem>) throws(EncodingError) {
    guard items.count > 0 else { throw .nothingToDo }
    for index in 0..<items.count {
      try checkID(items[index].id, allowBroadcast: false)
      guard items[index].count > 0 else { throw .nothingToDo }
      for other in 0..<index where items[other].id == items[index].id { throw .duplicateID }
    }
  }
}
