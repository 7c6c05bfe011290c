import ArgumentParser
import Gamepads

/// `sinew gamepad`: the pad in the person's hands.
struct GamepadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gamepad",
    abstract: "List gamepads, try one, and map one that is not known.",
    discussion: """
      Examples:
        sinew gamepad list
        sinew gamepad test
        sinew gamepad map

      Exit codes: 0 success; 1 the pad was lost or cannot be used; 2 wrong input.
      """,
    subcommands: [GamepadListCommand.self, GamepadTestCommand.self, GamepadMapCommand.self])
}

/// `sinew gamepad list`: which pads there are.
struct GamepadListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the gamepads, how each is mapped, and what hinders its use.",
    discussion: """
      Examples:
        sinew gamepad list
        sinew gamepad list --json
        sinew gamepad list --udev-rule | sudo tee \(PadAccess.ruleFile)

      Exit codes: 0 success, also without any pad; 2 wrong input.
      """)

  @Option(
    help: ArgumentHelp(
      "A mapping file (YAML), a file of SDL mappings (.txt), or one SDL mapping; may be repeated.", valueName: "file"))
  var mapping: [String] = []

  @Flag(name: .customLong("udev-rule"), help: "Print the udev rule that lets users read gamepads, and nothing else.")
  var udevRule = false

  @Flag(help: "Print one JSON object.")
  var json = false

  struct Output: Encodable {
    struct Pad: Encodable {
      let path: String
      let lastingPath: String?
      let name: String
      let vendor: String
      let product: String
      let version: String
      let bus: String
      let serial: String?
      let wireless: Bool
      let heartbeat: Bool
      let rumble: Bool
      let batteryPercent: Int?
      let batteryState: String?
      let mapping: String?
      let sdlGuid: String
      let problem: String?
    }
    let pads: [Pad]
  }

  mutating func run() throws {
    if udevRule {
      print("# Gamepads for the user of the seat, and for the group plugdev.\n\(PadAccess.rule)")
      return
    }
    let named = mapping
    let mapper = try checkingInput { try PadMapper(named: named) }
    for problem in mapper.problems { printError("warning: \(problem); this mapping is left out") }
    let pads = PadDiscovery.scan().map { Self.describe($0, mapper) }
    if json {
      try printJSON(Output(pads: pads))
      return
    }
    guard !pads.isEmpty else {
      print("no gamepad found; plug one in, or pair it and press its middle button")
      return
    }
    var table = TextTable(header: ["device", "name", "id", "bus", "battery", "mapping"])
    for pad in pads {
      table.add([
        pad.path, pad.name, "\(pad.vendor):\(pad.product)", pad.bus,
        pad.batteryPercent.map { "\($0) %" } ?? pad.batteryState ?? "", pad.mapping ?? "none",
      ])
    }
    print(table.text)
    for problem in pads.compactMap(\.problem) { printError("warning: \(problem)") }
  }

  private static func describe(_ found: FoundPad, _ mapper: PadMapper) -> Output.Pad {
    let identity = found.identity
    var mapping: String?
    var problem = found.problem?.description
    do throws(GamepadError) {
      mapping = try mapper.mapping(for: identity, found.capabilities).mapping.origin
    } catch {
      problem = problem ?? error.description
    }
    let id = identity.model.split(separator: ":").map(String.init)
    return Output.Pad(
      path: identity.path, lastingPath: found.lastingPath, name: identity.name, vendor: id[0], product: id[1],
      version: String(identity.sdlGUID.dropFirst(24).prefix(4)).swappedBytes, bus: identity.busName,
      serial: identity.unique.isEmpty ? nil : identity.unique, wireless: identity.isWireless,
      heartbeat: found.heartbeatPath != nil, rumble: found.capabilities.hasRumble,
      batteryPercent: found.battery?.percent, batteryState: found.battery?.state, mapping: mapping,
      sdlGuid: identity.sdlGUID, problem: problem)
  }
}

extension String {
  /// Four hexadecimal digits with their bytes the other way round.
  fileprivate var swappedBytes: String { String(suffix(2) + prefix(2)) }
}
