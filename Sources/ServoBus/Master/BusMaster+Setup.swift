/// Setting servos up: ids and speeds. Not for the control thread.
extension BusMaster {
  /// Reads one register as a number.
  public mutating func readRegister(_ id: UInt8, _ name: String, of model: ServoModel) throws(BusError) -> Int {
    let register = try find(name, of: model)
    let bytes = try read(id, address: register.address, count: register.width)
    guard let value = register.codec(bigEndian: wire.isBigEndian).decode(bytes) else {
      throw BusError(.notTaken, "servo \(id) answered too few bytes for \(name)")
    }
    return value
  }

  /// Writes one register and reads it back. Read-only registers, numbers that do not fit, and EEPROM writes with torque on
  /// are refused before anything is sent.
  public mutating func writeRegister(
    _ id: UInt8, _ name: String, of model: ServoModel, to value: Int
  ) throws(BusError) {
    let register = try find(name, of: model)
    guard !register.isReadOnly else {
      throw BusError(.invalidRequest, "\(name) of the \(model.name) can only be read")
    }
    let codec = register.codec(bigEndian: wire.isBigEndian)
    guard let bytes = codec.encode(value) else {
      throw BusError(
        .invalidRequest,
        "\(value) does not fit \(name) of the \(model.name), which takes \(codec.range.lowerBound) to \(codec.range.upperBound)"
      )
    }
    // Every write to EEPROM costs a flash cycle: only what differs.
    if register.area == .eeprom {
      guard try read(id, address: register.address, count: register.width) != bytes else { return }
      if try readRegister(id, "torque_enable", of: model) == 1 {
        throw BusError(
          .invalidRequest, "servo \(id) holds its position, and \(name) can only change without torque",
          suggestion: "write torque_enable 0 first; the arm may fall")
      }
    }
    let isUnlocked = register.area == .eeprom ? try unlock(id, model) : false
    try writeVerified(id, address: register.address, bytes)
    if isUnlocked { try lock(id, model) }
  }

  /// Gives a servo another id. Refused when the new id answers already. The servo's torque goes off.
  public mutating func setID(_ id: UInt8, to newID: UInt8, model: ServoModel) throws(BusError) {
    guard newID <= wire.highestID else { throw .encoding(.invalidID) }
    guard id != newID else { return }
    let register = try find("id", of: model)
    _ = try ping(id)
    guard try scan([newID]).isEmpty else {
      throw BusError(
        .ambiguous, "id \(newID) is taken by another servo on this bus",
        suggestion: "connect only the servo that shall be changed")
    }
    try writeRegister(id, "torque_enable", of: model, to: 0)
    let isUnlocked = try unlock(id, model)
    // Old or new id acknowledges; the proof is that the new one answers.
    try writeUnacknowledged(id, address: register.address, [newID])
    if isUnlocked { try lock(newID, model) }
    _ = try ping(newID)
  }

  /// Gives a servo another speed: the last that is heard from it at the present one. Open the port again at the new speed
  /// and, for Feetech, call `lock`. The servo's torque goes off.
  public mutating func setBaud(_ id: UInt8, to baud: Int, model: ServoModel) throws(BusError) {
    let register = try find("baud_rate", of: model)
    guard let index = model.baudIndex(baud) else {
      let known = model.baudRates.compactMap { $0 }.map(String.init).joined(separator: ", ")
      throw BusError(.invalidRequest, "the \(model.name) has no \(baud) baud", suggestion: "it has \(known)")
    }
    try writeRegister(id, "torque_enable", of: model, to: 0)
    _ = try unlock(id, model)
    try writeUnacknowledged(id, address: register.address, [UInt8(index)])
  }

  /// Locks a Feetech servo's EEPROM again; nothing for others.
  public mutating func lock(_ id: UInt8, _ model: ServoModel) throws(BusError) {
    guard isLockable(model) else { return }
    try writeRegister(id, "lock", of: model, to: 1)
  }

  /// Opens a Feetech servo's EEPROM; false where there is nothing to open.
  private mutating func unlock(_ id: UInt8, _ model: ServoModel) throws(BusError) -> Bool {
    guard isLockable(model) else { return false }
    try writeRegister(id, "lock", of: model, to: 0)
    return true
  }

  /// The AX series has a lock, too, but one that only a power cycle opens: it is never touched.
  private func isLockable(_ model: ServoModel) -> Bool {
    switch model.wire {
    case .feetechSTS, .feetechSCS: model.register("lock") != nil
    case .dynamixel1, .dynamixel2: false
    }
  }

  /// Writes without insisting on the acknowledgement.
  private mutating func writeUnacknowledged(_ id: UInt8, address: Int, _ bytes: [UInt8]) throws(BusError) {
    let retries = operationRetries
    defer { operationRetries = retries }
    operationRetries = 0
    do throws(BusError) {
      try write(id, address: address, bytes)
    } catch {
      guard error.kind == .noAnswer else { throw error }
    }
  }

  private func find(_ name: String, of model: ServoModel) throws(BusError) -> Register { try model.find(name) }
}

extension ServoModel {
  /// The register of that name; without one, an error that names those there are.
  func find(_ name: String) throws(BusError) -> Register {
    guard let register = register(name) else {
      throw BusError(
        .invalidRequest, "the \(self.name) has no register '\(name)'",
        suggestion: "it has \(registers.map(\.name).joined(separator: ", "))")
    }
    return register
  }
}
