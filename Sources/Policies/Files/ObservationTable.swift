/// A CSV file whose columns are named `name[i]`, as evaluation and golden vectors use it. Columns that are not asked
/// for are ignored, whatever they hold.
struct ObservationTable {
  /// Largest file that is read, 64 MiB.
  static let sizeLimit = 64 << 20

  /// The file, for messages.
  let file: String
  private let header: [String]
  /// Lines with their line numbers in the file.
  private let lines: [(number: Int, text: Substring)]

  /// Reads a file.
  init(path: String) throws(PolicyError) {
    let bytes = try FileBytes.read(path, limit: Self.sizeLimit)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw PolicyError(
        .table, file: path, "is not a text file", suggestion: "write CSV with the columns obs[0], obs[1], …")
    }
    try self.init(text: text, file: path)
  }

  /// Reads a text.
  init(text: String, file: String) throws(PolicyError) {
    self.file = file
    var lines: [(Int, Substring)] = []
    var number = 0
    for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      if !line.allSatisfy(Self.isSpace) { lines.append((number, Substring(line))) }
    }
    guard let first = lines.first else {
      throw PolicyError(.table, file: file, "is empty", suggestion: "write CSV with the columns obs[0], obs[1], …")
    }
    header = Self.cells(first.1)
    self.lines = Array(lines.dropFirst())
    guard !self.lines.isEmpty else {
      throw PolicyError(.table, file: file, "has column names but no rows", suggestion: "add one row per observation")
    }
    var seen = Set<String>()
    for name in header where !name.isEmpty && !seen.insert(name).inserted {
      throw PolicyError(.table, file: file, place: "line \(first.0)", "has the column \(name.quoted) twice")
    }
  }

  /// Number of rows.
  var rowCount: Int { lines.count }

  /// Whether there is a column `name[0]`.
  func has(_ name: String) -> Bool { header.contains("\(name)[0]") }

  /// The columns `name[0]` to `name[count - 1]`, one array per row.
  func rows(_ name: String, count: Int) throws(PolicyError) -> [[Double]] {
    var columns: [Int] = []
    for index in 0..<count {
      guard let column = header.firstIndex(of: "\(name)[\(index)]") else {
        let found = header.count { $0.hasPrefix(name + "[") }
        throw PolicyError(
          .table, file: file, place: "line 1",
          "has no column '\(name)[\(index)]'; the policy has \(count) of '\(name)', the file \(found)",
          suggestion: "name the columns \(name)[0] to \(name)[\(count - 1)]")
      }
      columns.append(column)
    }
    if header.contains("\(name)[\(count)]") {
      throw PolicyError(
        .table, file: file, place: "line 1",
        "has the column '\(name)[\(count)]', but the policy has only \(count) of '\(name)'",
        suggestion: "check that file and policy belong together")
    }
    var rows: [[Double]] = []
    rows.reserveCapacity(lines.count)
    for (number, text) in lines {
      let cells = Self.cells(text)
      guard cells.count == header.count else {
        throw PolicyError(
          .table, file: file, place: "line \(number)", "has \(cells.count) cells, but there are \(header.count) columns"
        )
      }
      var row: [Double] = []
      for column in columns {
        guard let value = Double(cells[column]), value.isFinite else {
          throw PolicyError(
            .table, file: file, place: "line \(number), column '\(header[column])'",
            "\(cells[column].quoted) is not a finite number")
        }
        row.append(value)
      }
      rows.append(row)
    }
    return rows
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }

  private static func cells(_ line: Substring) -> [String] {
    line.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { cell in
      var cell = cell.drop(while: isSpace)
      while let last = cell.last, isSpace(last) { cell.removeLast() }
      let quote = UInt8(ascii: "\"")
      if cell.count >= 2, cell.first == quote, cell.last == quote { cell = cell.dropFirst().dropLast() }
      return String(Substring(cell))
    }
  }
}
