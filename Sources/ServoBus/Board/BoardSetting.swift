import ServoWire

/// One setting of a board: its key on the wire, and what it is called. Names and units are those of
/// `firmware-protocol/schema.json`.
public struct BoardSetting: Sendable, Equatable {
  public var key: UInt16
  /// "off_ms", or "channel 3 rate".
  public var name: String
  /// The unit of one count; empty for plain numbers.
  public var unit: String
  /// The values that the board takes.
  public var range: ClosedRange<UInt16>

  /// The name that a user writes: "off_ms", or "3.rate".
  public var shortName: String {
    key < 0x100 ? name : "\((Int(key) - 0x100) >> 4).\(Self.perChannel[Int(key) & 15].name)"
  }

  private static let global: [(name: String, unit: String)] = [
    ("ttl_max_ms", "ms"), ("off_ms", "ms"), ("arm_delta", "0.25 µs"), ("frame_hz", "Hz"), ("voltage_min_mv", "mV"),
    ("voltage_max_mv", "mV"), ("current_max_ma", "mA"), ("state_period_ms", "ms"), ("rail_active_low", ""),
  ]
  private static let perChannel: [(name: String, unit: String)] = [
    ("kind", ""), ("pulse_min", "0.25 µs"), ("pulse_max", "0.25 µs"), ("rate", "µs/s"), ("acceleration", "10 µs/s²"),
    ("start", "0.25 µs"), ("safe", "0.25 µs"),
  ]

  /// The key of a setting of a channel, by its place in `ChannelSetting`.
  public static func key(channel: Int, _ place: Int) -> UInt16 { UInt16(0x100 + channel << 4 + place) }

  /// All settings of a board with so many channels.
  public static func all(channels: Int) -> [BoardSetting] {
    var list = global.indices.map { place in
      BoardSetting(
        key: UInt16(place), name: global[place].name, unit: global[place].unit,
        range: GlobalSetting.minimum(place)...GlobalSetting.maximum(place))
    }
    for channel in 0..<channels {
      for (place, setting) in perChannel.enumerated() {
        list.append(
          BoardSetting(
            key: key(channel: channel, place), name: "channel \(channel) \(setting.name)", unit: setting.unit,
            range: ChannelSetting.minimum(place)...ChannelSetting.maximum(place)))
      }
    }
    return list
  }

  /// The setting that a user names: "off_ms", or "3.rate" for channel 3's.
  public static func named(_ name: String, channels: Int) -> BoardSetting? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let channel = Int(parts[0]), (0..<channels).contains(channel),
      let place = perChannel.firstIndex(where: { $0.name == parts[1] })
    else {
      return all(channels: 0).first { $0.name == name }
    }
    return all(channels: channels).first { $0.key == key(channel: channel, place) }
  }

  /// All names that `named` takes, for suggestions.
  public static func names(channels: Int) -> [String] {
    global.map(\.name) + (0..<channels).flatMap { channel in perChannel.map { "\(channel).\($0.name)" } }
  }

  /// What the setting with a key is called, or the channel with that number: details of refusals are either.
  static func name(ofKey key: UInt16) -> String {
    if let setting = all(channels: WireSchema.maximumChannels).first(where: { $0.key == key }) {
      return key < 0x100 ? "\(setting.name), or channel \(key)" : setting.name
    }
    return "channel or key \(key)"
  }
}

extension BoardPort {
  /// Reads all settings of the board, in the order of `BoardSetting.all`.
  public mutating func readAllSettings() throws(ServoArmError) -> [(setting: BoardSetting, value: UInt16)] {
    let settings = BoardSetting.all(channels: identity.kinds.count)
    var values: [UInt16] = []
    try append(&values, key: 0, count: WireSchema.globalSettings)
    for channel in 0..<identity.kinds.count {
      try append(&values, key: BoardSetting.key(channel: channel, 0), count: WireSchema.channelSettings)
    }
    return Array(zip(settings, values)).map { (setting: $0, value: $1) }
  }

  private mutating func append(_ values: inout [UInt16], key: UInt16, count: Int) throws(ServoArmError) {
    let found = try readSettings(key: key, count: count)
    guard found.count == count else {
      throw ServoArmError(
        .firmwareMismatch, "\(portName): the board gives \(found.count) settings from key \(key), expected \(count)",
        suggestion: "flash the board with the firmware of this program's release")
    }
    values += found
  }
}
