import ArgumentParser
import Sessions
import Simulation

/// `sinew list`: the names that ship, with a line on each.
struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the tasks, policies, arms, models and servos that ship, and the perturbations.",
    discussion: """
      Wherever a command takes such a name it takes the path of a file, too; --show prints a shipped file as a start for \
      one of your own.

      Examples:
        sinew list
        sinew list tasks
        sinew list tasks --show reach > my-task.yaml

      Exit codes: 0 success; 2 there is no such kind or name.
      """)

  /// What can be listed.
  enum Kind: String, CaseIterable, ExpressibleByArgument {
    case tasks, policies, arms, models, servos, perturbations

    /// The kind among what ships as files; nil for perturbations.
    var shipped: Catalogue.Kind? { Catalogue.Kind(rawValue: rawValue) }
  }

  @Argument(help: "tasks, policies, arms, models, servos or perturbations. Default: all.")
  var kind: Kind?

  @Option(help: ArgumentHelp("Print the shipped file of this name.", valueName: "name"))
  var show: String?

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    if show != nil && kind?.shipped == nil {
      throw ValidationError("--show needs one of the kinds tasks, policies, arms, models, servos before it.")
    }
    if show != nil && json { throw ValidationError("--show prints a file and --json a list; choose one.") }
  }

  mutating func run() throws {
    if let lacking = (kind.map { [$0] } ?? Kind.allCases).compactMap(\.shipped).first(where: {
      Catalogue.names($0).isEmpty
    }) {
      throw InputError(
        "no \(lacking.rawValue): the files that ship with sinew are not beside the program; put the sinew_*.resources "
          + "folders there, or set SINEW_RESOURCES to the folder that holds them")
    }
    if let name = show, let kind = kind?.shipped {
      guard Catalogue.names(kind).contains(name) else {
        throw InputError(
          "no '\(name)' among the shipped \(kind.rawValue); there are \(Catalogue.names(kind).joined(separator: ", "))"
        )
      }
      print(try checkingInput { try Catalogue.text(kind, name) }, terminator: "")
      return
    }
    let output = try ListOutput(kind.map { [$0] } ?? Kind.allCases)
    if json { try printJSON(output) } else { print(output.text) }
  }
}

/// The lists, as JSON and as text.
struct ListOutput: Encodable {
  struct Entry: Encodable {
    let kind: String
    let name: String
    let summary: String
  }

  let entries: [Entry]

  init(_ kinds: [ListCommand.Kind]) throws {
    var entries: [Entry] = []
    for kind in kinds {
      if let shipped = kind.shipped {
        entries += try checkingInput {
          try Catalogue.names(shipped).map { name in
            Entry(kind: kind.rawValue, name: name, summary: try Catalogue.entry(shipped, name).summary)
          }
        }
      } else {
        entries += Perturbations.Name.allCases.map {
          let range = "\(Format.short($0.range.lowerBound)) to \(Format.short($0.range.upperBound)) \($0.unit)"
          let nominal = $0.nominal.map { "nominal \(Format.short($0))" } ?? "nominal: the servo's own"
          return Entry(kind: kind.rawValue, name: $0.rawValue, summary: "\(range), \(nominal)")
        }
      }
    }
    self.entries = entries
  }

  var text: String {
    let width = entries.map(\.name.count).max() ?? 0
    var lines: [String] = []
    var kind = ""
    for entry in entries {
      if entry.kind != kind {
        let option = Catalogue.Kind(rawValue: entry.kind)?.option ?? "--perturb name=value"
        lines.append("\(entry.kind) (\(option)):")
      }
      kind = entry.kind
      let padding = String(repeating: " ", count: width - entry.name.count)
      lines.append("  \(entry.name)\(padding)  \(oneLine(entry.summary))")
    }
    return lines.joined(separator: "\n")
  }
}
