// What the board notices by itself: inputs, supply, silence.
extension BoardController {
  /// An input counts when it has kept its value for the debounce time.
  @_noLocks
  mutating func watchEstop(_ nowUs: UInt32) {
    if inputs.isEstopOpen != isEstopOpenRaw {
      isEstopOpenRaw = inputs.isEstopOpen
      estopChangedUs = nowUs
    } else if nowUs &- estopChangedUs >= WireSchema.estopDebounceUs {
      isEstopOpen = isEstopOpenRaw
      inputsAreKnown = true
      estopChangedUs = nowUs &- WireSchema.estopDebounceUs  // so that the difference never wraps
    }
    if isEstopOpen {
      if !(state == .estop) { enter(.estop, .estopInput) }
    } else if state == .boot && inputsAreKnown {
      enter(.idle, .powerOn)
    }
  }

  /// What is wrong with the supply now.
  @_noLocks
  private func findSupplyCause() -> WireCause? {
    let lowest = settings[global: GlobalSetting.voltageMinMv]
    let highest = settings[global: GlobalSetting.voltageMaxMv]
    let most = settings[global: GlobalSetting.currentMaxMa]
    if lowest != 0 && inputs.voltageMv < lowest { return .undervoltage }
    if highest != 0 && inputs.voltageMv > highest { return .overvoltage }
    if most != 0 && inputs.currentMa > most { return .overcurrent }
    return nil
  }

  @_noLocks
  mutating func watchFaults(_ nowUs: UInt32) {
    let found = findSupplyCause()
    supplyCause = found
    if case .none = found { supplyGoodUs = nowUs }
    let isLasting = nowUs &- supplyGoodUs >= WireSchema.supplyDebounceUs
    if isLasting { supplyGoodUs = nowUs &- WireSchema.supplyDebounceUs }  // so that the difference never wraps
    if state == .boot || state == .fault || state == .estop { return }
    if inputs.hasFault {
      enter(.fault, .hardware)
    } else if isLasting, let supplyCause, state == .armed || isEnergised {
      enter(.fault, supplyCause)
    }
  }

  /// The watchdog's two stages, and the end of an ARM that no SETPOINT followed.
  @_noLocks
  mutating func guardTime(_ nowUs: UInt32) {
    let silentUs = nowUs &- aliveUs
    let offUs = UInt32(settings[global: GlobalSetting.offMs]) * 1000
    if state == .armed && silentUs >= offUs {
      enter(.idle, .armingLapsed)
    } else if isEnergised && silentUs >= offUs {
      BoardCounters.count(&counters.watchdogOffs)
      enter(.safe, .watchdogOff)
    } else if state == .active && silentUs >= ttlUs {
      BoardCounters.count(&counters.watchdogHolds)
      enter(.hold, .watchdog)
    }
  }

  /// A late tick is done once; those left out are counted and never caught up with.
  @_noLocks
  mutating func tick(_ nowUs: UInt32) {
    if Int32(truncatingIfNeeded: nowUs &- nextTickUs) < 0 { return }
    if isEnergised { moveChannels() }
    nextTickUs &+= WireSchema.tickUs
    if Int32(truncatingIfNeeded: nowUs &- nextTickUs) < 0 { return }
    BoardCounters.count(&counters.lateTicks)
    nextTickUs &+= WireSchema.tickUs &* ((nowUs &- nextTickUs) / WireSchema.tickUs &+ 1)
  }
}
