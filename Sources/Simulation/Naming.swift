import Configuration

/// Words for errors about names.
enum Naming {
  /// "; did you mean 'x'?" or nothing.
  static func suggestion(_ name: String, in names: [String]) -> String {
    Suggestion.nearest(to: name, in: names).map { "; did you mean '\($0)'?" } ?? ""
  }

  /// At most `limit` names, separated by commas.
  static func list(_ names: [String], limit: Int = 24) -> String {
    guard !names.isEmpty else { return "none" }
    let shown = names.prefix(limit).joined(separator: ", ")
    return names.count > limit ? "\(shown) and \(names.count - limit) more" : shown
  }
}
