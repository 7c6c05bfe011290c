import ArgumentParser
import Configuration
import ServoBus
import ServoWire

/// `sinew firmware config`: a board's settings.
struct FirmwareConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Read, change and store a board's settings.",
    discussion: """
      Without --set all settings are printed, in their own numbers; channel 2's rate is called 2.rate. What is set counts at \
      once and until the board starts again; --store keeps it. A board changes settings only while it is idle. What concerns \
      the joints is set by 'sinew run' from profile and calibration; how the board is wired (rail_active_low, current_max_ma) \
      and when it switches off (off_ms) is set here.

      Examples:
        sinew firmware config --port /dev/ttyUSB0
        sinew firmware config off_ms --port /dev/ttyUSB0
        sinew firmware config --port /dev/ttyUSB0 --set off_ms=2000 --set rail_active_low=1 --store
        sinew firmware config --port /dev/ttyUSB0 --defaults --store

      Exit codes: 0 success, what was set is read back; 1 the board failed or refused; 2 wrong input (a setting that it does \
      not have, a number that does not fit) or a port that cannot be opened.
      """)

  @Argument(help: "Print this setting's number alone, for scripts.")
  var name: String?
  @OptionGroup var board: FirmwareOptions
  @Option(name: .customLong("set"), help: ArgumentHelp("Change a setting; may be repeated.", valueName: "name=number"))
  var changes: [String] = []
  @Flag(help: "First put all settings back to their defaults.")
  var defaults = false
  @Flag(help: "Store the settings on the board, so that it starts with them.")
  var store = false
  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    if name != nil && json { throw ValidationError("A setting's name and --json exclude each other.") }
  }

  struct Output: Encodable {
    struct Setting: Encodable {
      var name: String
      var key: Int
      var value: Int
      var unit: String
    }
    var settings: [Setting]
    var isStored: Bool
  }

  mutating func run() throws {
    // What is wrong with the request is said before anything is sent.
    let wanted = try changes.map { try Self.change($0, channels: WireSchema.maximumChannels) }
    let asked = try name.map { try Self.setting($0, channels: WireSchema.maximumChannels) }
    var port = try board.open()
    let channels = try onBoard { () throws(ServoArmError) in try port.open().kinds.count }
    for (setting, _) in wanted where setting.key >= 0x100 + UInt16(channels) << 4 {
      throw InputError("the board has channels 0 to \(channels - 1), and no setting '\(setting.name)'")
    }
    let all = try onBoard { () throws(ServoArmError) in
      if defaults { try port.perform(ConfigDefaultsMessage.type) }
      if !wanted.isEmpty { try port.writeSettings(wanted.map { (key: $0.0.key, value: $0.1) }) }
      if store { try port.perform(ConfigCommitMessage.type) }
      return try port.readAllSettings()
    }
    for (setting, value) in wanted {
      guard let now = all.first(where: { $0.setting.key == setting.key }), now.value != value else { continue }
      throw RunFailure(
        "\(setting.name) reads \(now.value), \(value) was written; the board's firmware is not as it should be")
    }
    if let asked {
      guard let found = all.first(where: { $0.setting.key == asked.key }) else {
        throw InputError("the board has channels 0 to \(channels - 1), and no setting '\(asked.name)'")
      }
      print(found.value)
      return
    }
    let flags = try onBoard { () throws(ServoArmError) in try port.readState().message.flags }
    let isStored = flags & StateFlags.stored != 0 && flags & StateFlags.unsaved == 0
    try show(all, isStored: isStored)
  }

  private func show(_ all: [(setting: BoardSetting, value: UInt16)], isStored: Bool) throws {
    if json {
      let settings = all.map {
        Output.Setting(
          name: $0.setting.shortName, key: Int($0.setting.key), value: Int($0.value), unit: $0.setting.unit)
      }
      try printJSON(Output(settings: settings, isStored: isStored))
      return
    }
    var table = TextTable(header: ["setting", "value", "unit", "range"])
    for (setting, value) in all {
      table.add([
        setting.shortName, "\(value)", setting.unit, "\(setting.range.lowerBound) … \(setting.range.upperBound)",
      ])
    }
    print(table.text)
    print(isStored ? "stored on the board" : "not stored: the board starts with others; --store keeps these")
  }

  private static func setting(_ name: String, channels: Int) throws -> BoardSetting {
    guard let setting = BoardSetting.named(name, channels: channels) else {
      let hint = Suggestion.sentence(for: name, in: BoardSetting.names(channels: channels))
      throw InputError("a board has no setting '\(name)'; \(hint ?? "'sinew firmware config' prints them all")")
    }
    return setting
  }

  private static func change(_ text: String, channels: Int) throws -> (BoardSetting, UInt16) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else { throw InputError("--set \(text): write name=number, such as off_ms=2000") }
    let setting = try setting(parts[0], channels: channels)
    guard let value = UInt16(parts[1]), setting.range.contains(value) else {
      throw InputError(
        "--set \(text): \(setting.shortName) takes whole numbers from \(setting.range.lowerBound) to "
          + "\(setting.range.upperBound)\(setting.unit.isEmpty ? "" : " (\(setting.unit))")")
    }
    return (setting, value)
  }
}
