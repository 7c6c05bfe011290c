extension ServoModel {
  /// What a control cycle reads from this model, in the order of the addresses: position among them, always.
  public var measuredBlock: [String] {
    switch wire {
    case .feetechSTS, .feetechSCS:
      ["present_position", "present_speed", "present_load", "present_voltage", "present_temperature"]
    case .dynamixel1:
      ["present_position", "present_speed", "present_load"]
    case .dynamixel2:
      [register("present_current") == nil ? "present_load" : "present_current", "present_speed", "present_position"]
    }
  }

  /// Registers behind that block that may be read along, bytes: up to the last one that the published tables name without
  /// a gap in what they recommend to read at once.
  private var spareBytes: Int {
    switch wire {
    case .feetechSTS: 7
    case .feetechSCS: 3
    case .dynamixel1: 6
    case .dynamixel2: 11
    }
  }

  /// The usual cycle: the measured block of every servo is read, its goal position written.
  public func cyclePlan(ids: [UInt8], method: CyclePlan.Method? = nil) -> CyclePlan? {
    guard let block = block(measuredBlock), let goal = register("goal_position") else { return nil }
    return CyclePlan(
      ids: ids, readAddress: block.address, readLength: block.length, spareBytes: spareBytes,
      writeAddress: goal.address, writeLength: goal.width, method: method ?? (wire.hasSyncRead ? .sync : .single))
  }
}
