import Configuration
import Glibc

/// Finds the mapping of a pad: the user's own files first, then SDL lines that the user gave, then the profiles that are
/// built in, then the database that ships.
public struct PadMapper: Sendable {
  private var files: [MappingFile] = []
  private var lines: [SDLMapping] = []
  private var database: SDLDatabase
  /// What was wrong with files in the user's folder; they are left out.
  public private(set) var problems: [ConfigurationError] = []

  /// The user's folder of mappings: below XDG_CONFIG_HOME, else below HOME; nil when neither is set.
  public static var userFolder: String? {
    for (variable, rest) in [("XDG_CONFIG_HOME", ""), ("HOME", "/.config")] {
      guard let value = getenv(variable).map({ String(cString: $0) }), value.hasPrefix("/") else { continue }
      return "\(value)\(rest)/sinew/gamepads"
    }
    return nil
  }

  /// Takes what ships, the files in `userFolder` (none when it is nil), and what the user names: a mapping file (YAML), a
  /// file of SDL lines (`.txt`), or one such line. What is named must be right; of the folder a broken file is a problem.
  public init(named: [String] = [], userFolder: String? = PadMapper.userFolder) throws(ConfigurationError) {
    database = SDLDatabase(text: Self.shippedDatabase)
    for name in named { try add(name) }
    guard let userFolder else { return }
    for name in Files.names(in: userFolder).sorted() where name.hasSuffix(".yaml") {
      do throws(ConfigurationError) {
        files.append(try MappingFile.load(path: "\(userFolder)/\(name)"))
      } catch {
        problems.append(error)
      }
    }
  }

  private mutating func add(_ name: String) throws(ConfigurationError) {
    if name.contains(","), !name.contains("/"), name.prefix(while: { $0 != "," }).utf8.count == 32 {
      do throws(SDLMappingError) {
        lines.append(try SDLMapping(line: name))
      } catch {
        throw ConfigurationError(file: "--mapping", message: error.description)
      }
    } else if name.hasSuffix(".txt") {
      let added = SDLDatabase(text: try ConfigurationNode.text(path: name))
      if let (line, error) = added.problems.first {
        throw ConfigurationError(file: name, line: line, message: error.description)
      }
      lines += added.mappings
    } else {
      files.append(try MappingFile.load(path: name))
    }
  }

  /// The text of the database that ships; empty where it is not beside the program.
  static var shippedDatabase: String {
    guard let folder = ShippedFiles.folder("gamepads", ofModule: "Gamepads") else { return "" }
    return (try? ConfigurationNode.text(path: "\(folder)/gamecontrollerdb.txt")) ?? ""
  }

  /// What a pad's controls are and do.
  public func mapping(
    for identity: PadIdentity, _ capabilities: PadCapabilities
  ) throws(GamepadError) -> (mapping: PadMapping, layout: OperatorLayout) {
    let (mapping, layout) = try choose(identity, capabilities)
    if let code = mapping.sources.values.first(where: { !$0.isThere(in: capabilities) }) {
      throw GamepadError(
        .unknownLayout, path: identity.path, "\(mapping.origin): this pad has no \(code.text)",
        suggestion: "map it anew with 'sinew gamepad map'")
    }
    let missing = layout.missing(in: mapping)
    guard missing.isEmpty else {
      throw GamepadError(
        .unknownLayout, path: identity.path,
        "\(mapping.origin) leaves out what an operator needs: \(missing.joined(separator: ", "))",
        suggestion: "map the pad with 'sinew gamepad map', or use another pad")
    }
    return (mapping, layout)
  }

  private func choose(
    _ identity: PadIdentity, _ capabilities: PadCapabilities
  ) throws(GamepadError) -> (PadMapping, OperatorLayout) {
    if let file = files.first(where: { $0.describes(identity) }) { return (file.mapping, file.layout) }
    let labels = Self.labels(of: identity)
    if let line = lines.last(where: { $0.describes(identity) }) {
      do throws(SDLMappingError) {
        return (try line.resolved(for: capabilities, labels: labels, origin: "the SDL mapping given"), .standard)
      } catch {
        throw GamepadError(
          .unknownLayout, path: identity.path, "the SDL mapping given does not fit: \(error)",
          suggestion: "map the pad with 'sinew gamepad map'")
      }
    }
    if let mapping = BuiltInProfiles.mapping(for: identity, capabilities) { return (mapping, .standard) }
    if let line = database.mapping(for: identity),
      let mapping = try? line.resolved(for: capabilities, labels: labels, origin: "SDL database (\(line.name))")
    {
      return (mapping, .standard)
    }
    throw GamepadError(
      .unknownLayout, path: identity.path, "the layout of '\(identity.name)' (\(identity.model)) is not known",
      suggestion: "map it once with 'sinew gamepad map --pad \(identity.path)'")
  }

  private static func labels(of identity: PadIdentity) -> PadLabels {
    switch identity.vendor {
    case 0x054C: .playstation
    case 0x057E: .nintendo
    default: .xbox
    }
  }
}
