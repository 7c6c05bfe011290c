// What a SETPOINT does.
extension BoardController {
  @_noLocks
  mutating func handleSetpoint(_ message: SetpointMessage, _ sequence: UInt8, _ nowUs: UInt32) -> Bool {
    if session == 0 || message.session != session { return refuse(sequence, .badSession, 0) }
    countGap(sequence)
    if !(state == .armed) && !isEnergised { return refuse(sequence, .badState, UInt16(state.wireValue)) }
    if !isArmed { return refuse(sequence, .notArmed, 0) }
    let used = usedChannels
    let unknown = message.mask & ~used
    if unknown != 0 { return refuse(sequence, .outOfRange, UInt16(unknown.trailingZeroBitCount)) }

    // Held and not cleared: a heartbeat, and nothing moves.
    let isLatched = state == .hold && !isResumable
    if !isLatched {
      if !(state == .active) {
        // The outputs come on, or follow again: only from where they are.
        let missing = used & ~message.mask
        if missing != 0 { return refuse(sequence, .outOfRange, UInt16(missing.trailingZeroBitCount)) }
        if let channel = firstJump(message) { return refuse(sequence, .outOfRange, UInt16(channel)) }
        enter(.active, .command)
      }
      follow(message)
    }
    aliveUs = nowUs
    lastSequence = sequence
    return settings[global: GlobalSetting.statePeriodMs] == 0 ? sendTelemetry(nowUs) : false
  }

  @_noLocks
  private mutating func refuse(_ sequence: UInt8, _ code: WireCode, _ detail: UInt16) -> Bool {
    sendResult(SetpointMessage.type, sequence, code, detail)
  }

  @_noLocks
  private mutating func countGap(_ sequence: UInt8) {
    if let previous = setpointSequence {
      let step = sequence &- previous
      // A step of 0 is the same frame again.
      if step > 1 { for _ in 1..<step { BoardCounters.count(&counters.sequenceGaps) } }
    }
    setpointSequence = sequence
  }

  /// The allowed pulse of a channel that is nearest to a target.
  @_noLocks
  private func within(_ channel: Int, _ target: UInt16) -> UInt16 {
    let (lowest, highest) = (
      settings[channel, ChannelSetting.pulseMin], settings[channel, ChannelSetting.pulseMax]
    )
    return target < lowest ? lowest : target > highest ? highest : target
  }

  /// The first channel whose target is too far from where it is, or outside its limits.
  @_noLocks
  private func firstJump(_ message: SetpointMessage) -> Int? {
    var index = 0
    for channel in 0..<identity.channels where message.mask >> UInt16(channel) & 1 != 0 {
      let target = message.targets[index]
      index += 1
      let origin = state == .hold ? pulse(channel) : settings[channel, ChannelSetting.start]
      let distance = target > origin ? target - origin : origin - target
      if distance > settings[global: GlobalSetting.armDelta] || within(channel, target) != target { return channel }
    }
    return nil
  }

  @_noLocks
  private mutating func follow(_ message: SetpointMessage) {
    var index = 0
    for channel in 0..<identity.channels where message.mask >> UInt16(channel) & 1 != 0 {
      let target = message.targets[index]
      index += 1
      let allowed = within(channel, target)
      if allowed != target { clamped |= 1 << UInt16(channel) }
      channels[channel].target = Int32(allowed) << 8
    }
    let longest = settings[global: GlobalSetting.ttlMaxMs]
    ttlUs = UInt32(message.ttlMs == 0 || message.ttlMs > longest ? longest : message.ttlMs) * 1000
  }
}
