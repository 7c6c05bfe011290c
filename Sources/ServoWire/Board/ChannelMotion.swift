/// One channel in motion, in whole numbers only, so that every processor gives the same pulses. Positions are in 1/256 of
/// 0.25 µs, speeds in that per tick of 5 ms.
struct ChannelMotion: BitwiseCopyable {
  var position: Int32 = 0
  var velocity: Int32 = 0
  var target: Int32 = 0
  /// Highest speed.
  var fastest: Int32 = 0
  /// Most that the speed changes in a tick; at least 1 when the channel may move.
  var acceleration: Int32 = 0

  @_noLocks
  init() {}

  /// At rest, with its limits: µs/s and 10 µs/s² become 1/1024 µs per tick.
  @_noLocks
  init(start: UInt16, rate: UInt16, acceleration: UInt16) {
    position = Int32(start) << 8
    target = position
    fastest = Int32(rate) * 128 / 25
    self.acceleration = Int32(acceleration) * 32 / 125
  }

  /// How far it goes with `speed` in this tick and braking in all later ones.
  @_noLocks
  private func travel(_ speed: Int32) -> Int32 {
    let ticks = speed / acceleration
    if ticks > 16383 { return .max }  // further than any channel's range
    return Int32(UInt32(ticks + 1) * UInt32(2 * speed - acceleration * ticks) / 2)
  }

  /// Takes the place where it can come to rest for its target.
  @_noLocks
  mutating func brake() {
    let speed = (velocity < 0 ? -velocity : velocity) - acceleration
    let way = speed > 0 ? travel(speed) : 0
    target = position + (velocity < 0 ? -way : way)
  }

  /// One tick towards the target, between two pulses. True when it ran at its full rate.
  @_noLocks
  mutating func move(lowest: UInt16, highest: UInt16) -> Bool {
    var distance = target - position
    if distance == 0 && velocity == 0 { return false }
    let isBackward = distance < 0 || (distance == 0 && velocity < 0)
    if isBackward { distance = -distance }
    let speed = isBackward ? -velocity : velocity
    var next: Int32
    if speed < 0 {
      // It goes the other way: first to a stand.
      next = speed + acceleration < 0 ? speed + acceleration : 0
    } else if distance <= acceleration && distance <= fastest && speed <= acceleration {
      next = distance
    } else {
      // The fastest of more, the same and less speed from which it can still stop at its target.
      next = speed + acceleration < fastest ? speed + acceleration : fastest
      if travel(next) > distance { next = speed }
      if travel(next) > distance { next = speed > acceleration ? speed - acceleration : 0 }
    }
    velocity = isBackward ? -next : next
    position += velocity
    let (lower, upper) = (Int32(lowest) << 8, Int32(highest) << 8)
    if position < lower || position > upper {
      position = position < lower ? lower : upper
      velocity = 0
    }
    return next == fastest
  }

  /// The pulse, 0.25 µs.
  var pulse: UInt16 { @_noLocks get { UInt16((position + 128) >> 8) } }
}

extension BoardController {
  /// Channels that are in use.
  var usedChannels: UInt16 {
    @_noLocks get {
      var used: UInt16 = 0
      for channel in 0..<identity.channels where settings[channel, ChannelSetting.kind] != 0 {
        used |= 1 << UInt16(channel)
      }
      return used
    }
  }

  /// The pulse of a channel, 0.25 µs; 0: no pulse.
  @_noLocks
  public func pulse(_ channel: Int) -> UInt16 {
    guard channel < identity.channels, isEnergised, settings[channel, ChannelSetting.kind] != 0 else { return 0 }
    return channels[channel].pulse
  }

  @_noLocks
  mutating func prepareChannels() {
    for channel in 0..<identity.channels {
      channels[channel] = ChannelMotion(
        start: settings[channel, ChannelSetting.start], rate: settings[channel, ChannelSetting.rate],
        acceleration: settings[channel, ChannelSetting.acceleration])
    }
  }

  /// To rest on the shortest way, or to the safe pulse where one is set.
  @_noLocks
  mutating func brakeChannels() {
    for channel in 0..<identity.channels where settings[channel, ChannelSetting.kind] != 0 {
      let safe = settings[channel, ChannelSetting.safe]
      if safe != 0 { channels[channel].target = Int32(safe) << 8 } else { channels[channel].brake() }
    }
  }

  @_noLocks
  mutating func moveChannels() {
    for channel in 0..<identity.channels where settings[channel, ChannelSetting.kind] != 0 {
      let isLimited = channels[channel].move(
        lowest: settings[channel, ChannelSetting.pulseMin], highest: settings[channel, ChannelSetting.pulseMax])
      if isLimited { limited |= 1 << UInt16(channel) }
    }
  }
}
