extension ServoSetup {
  /// Servos of one model, as a user orders them.
  ///
  /// - Parameters:
  ///   - baud: what their baud registers say, bit/s; nil for the model's default.
  ///   - returnDelay: what their return delay registers say, µs, a whole multiple of 2; nil for the model's default.
  public static func servos(
    _ model: ServoModel, ids: [UInt8], baud: Int? = nil, returnDelay: Int? = nil
  ) throws(VirtualServoError) -> [ServoSetup] {
    let (baudAddress, delayAddress) =
      switch model.family {
      case .feetechSTS, .feetechSCS: (Sts.baud, Sts.returnDelay)
      case .dynamixelX: (X.baud, X.returnDelay)
      case .dynamixelAX: (AX.baud, AX.returnDelay)
      }
    var registers: [Int: Int] = [:]
    if let baud {
      guard let index = model.servoProtocol.baudIndex(of: baud), allows(model, baudAddress, index) else {
        let known = (0...20).compactMap { allows(model, baudAddress, $0) ? model.servoProtocol.baud(index: $0) : nil }
        throw VirtualServoError(
          "\(model.name) has no rate of \(baud) bit/s; it has \(known.map { "\($0)" }.joined(separator: ", "))")
      }
      registers[baudAddress] = index
    }
    if let returnDelay {
      guard returnDelay % 2 == 0, (0...508).contains(returnDelay) else {
        throw VirtualServoError(
          "a return delay of \(returnDelay) µs cannot be set; it goes from 0 to 508 in steps of 2")
      }
      registers[delayAddress] = returnDelay / 2
    }
    return ids.map { ServoSetup(model, id: $0, registers: registers) }
  }

  private static func allows(_ model: ServoModel, _ address: Int, _ value: Int) -> Bool {
    model.registers.first { $0.address == address }?.range?.contains(value) ?? false
  }
}

extension ServoSetup {
  /// Gives the servo another firmware version, as its registers say it: "3.9" for Feetech's, "45" for DYNAMIXEL. What the
  /// servo can do stays as it is.
  public mutating func setFirmware(_ version: String) throws(VirtualServoError) {
    let numbers = version.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    let addresses =
      switch model.family {
      case .feetechSTS, .feetechSCS: [0, 1]
      case .dynamixelX: [X.firmware]
      case .dynamixelAX: [AX.firmware]
      }
    guard numbers.count == addresses.count, !numbers.contains(nil) else {
      let example = addresses.count == 2 ? "3.9" : "45"
      throw VirtualServoError(
        "'\(version)' is no firmware version of a \(model.name); write one such as \(example)")
    }
    for (address, number) in zip(addresses, numbers) { registers[address] = number.map(Int.init) }
  }
}
