/// A plain table for the terminal: the first column left, all others right.
struct TextTable {
  private var rows: [[String]]

  init(header: [String]) { rows = [header] }

  /// Adds a row; missing cells stay empty.
  mutating func add(_ cells: [String]) { rows.append(cells) }

  /// The table's text, a line per row.
  var text: String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      (0..<columns).map { column in
        let cell = column < row.count ? row[column] : ""
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + padding : padding + cell
      }
      .joined(separator: "  ").trimmingTrailingSpaces
    }
    .joined(separator: "\n")
  }
}

extension String {
  fileprivate var trimmingTrailingSpaces: String {
    var text = self[...]
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }
}
