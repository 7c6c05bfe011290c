/// The settings of a board, by their places: first those of the board, then each channel's. Defaults when made.
struct BoardSettings: BitwiseCopyable {
  let channels: Int
  private var values = InlineArray<121, UInt16>(repeating: 0)

  @_noLocks
  init(channels: Int) {
    self.channels = channels
    setDefaults()
  }

  /// How many there are.
  var count: Int { @_noLocks get { WireSchema.globalSettings + channels * WireSchema.channelSettings } }

  subscript(place: Int) -> UInt16 {
    @_noLocks get { values[place] }
    @_noLocks set { values[place] = newValue }
  }

  /// A setting of the whole board, by `GlobalSetting`.
  subscript(global place: Int) -> UInt16 { @_noLocks get { values[place] } }

  /// A setting of a channel, by `ChannelSetting`.
  subscript(channel: Int, place: Int) -> UInt16 {
    @_noLocks get { values[WireSchema.globalSettings + channel * WireSchema.channelSettings + place] }
  }

  @_noLocks
  mutating func setDefaults() {
    for place in 0..<WireSchema.globalSettings { values[place] = GlobalSetting.standard(place) }
    for place in WireSchema.globalSettings..<121 {
      values[place] = ChannelSetting.standard((place - WireSchema.globalSettings) % WireSchema.channelSettings)
    }
  }

  /// The place that a key on the wire names.
  @_noLocks
  func place(ofKey key: UInt16) -> Int? {
    if key < UInt16(WireSchema.globalSettings) { return Int(key) }
    if key < 0x100 { return nil }
    let (channel, place) = (Int(key - 0x100) >> 4, Int(key & 0xF))
    guard channel < channels, place < WireSchema.channelSettings else { return nil }
    return WireSchema.globalSettings + channel * WireSchema.channelSettings + place
  }

  /// The key of a place on the wire and in the store.
  @_noLocks
  static func key(ofPlace place: Int) -> UInt16 {
    if place < WireSchema.globalSettings { return UInt16(place) }
    let rest = place - WireSchema.globalSettings
    return UInt16(0x100 + (rest / WireSchema.channelSettings) << 4 + rest % WireSchema.channelSettings)
  }

  @_noLocks
  static func allows(_ value: UInt16, at place: Int) -> Bool {
    if place < WireSchema.globalSettings {
      return value >= GlobalSetting.minimum(place) && value <= GlobalSetting.maximum(place)
    }
    if value == 0 { return true }  // not configured
    let kind = (place - WireSchema.globalSettings) % WireSchema.channelSettings
    let isPulse =
      kind == ChannelSetting.pulseMin || kind == ChannelSetting.pulseMax || kind == ChannelSetting.start
      || kind == ChannelSetting.safe
    let lowest: UInt16 = isPulse ? 1600 : kind == ChannelSetting.acceleration ? 4 : 1
    return value >= lowest && value <= ChannelSetting.maximum(kind)
  }

  /// The key of the first setting that keeps the arm from being armed.
  @_noLocks
  func unusableKey() -> UInt16? {
    if self[global: GlobalSetting.offMs] < self[global: GlobalSetting.ttlMaxMs] { return UInt16(GlobalSetting.offMs) }
    var isAnyUsed = false
    for channel in 0..<channels where self[channel, ChannelSetting.kind] != 0 {
      isAnyUsed = true
      if let place = unusablePlace(ofChannel: channel) { return UInt16(0x100 + channel << 4 + place) }
    }
    return isAnyUsed ? nil : UInt16(0x100 + ChannelSetting.kind)
  }

  @_noLocks
  private func unusablePlace(ofChannel channel: Int) -> Int? {
    let (lowest, highest) = (self[channel, ChannelSetting.pulseMin], self[channel, ChannelSetting.pulseMax])
    let (start, safe) = (self[channel, ChannelSetting.start], self[channel, ChannelSetting.safe])
    if lowest == 0 { return ChannelSetting.pulseMin }
    if highest <= lowest { return ChannelSetting.pulseMax }
    if self[channel, ChannelSetting.rate] == 0 { return ChannelSetting.rate }
    if self[channel, ChannelSetting.acceleration] == 0 { return ChannelSetting.acceleration }
    if start < lowest || start > highest { return ChannelSetting.start }
    return safe != 0 && (safe < lowest || safe > highest) ? ChannelSetting.safe : nil
  }
}
