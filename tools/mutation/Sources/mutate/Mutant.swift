/// One small mistake that could have been made in the source.
struct Mutant {
  /// The kinds of mistake, as they are counted.
  enum Kind: String, CaseIterable {
    case comparison, boundary, arithmetic, bitwise, logic, negation, literal, condition, statement
  }

  var kind: Kind
  /// Byte offsets in the file.
  var range: Range<Int>
  /// What stands there instead.
  var replacement: String
}

/// What an operator is mistaken for.
enum Operators {
  static let alternatives: [String: [(Mutant.Kind, String)]] = [
    "<": [(.comparison, ">="), (.boundary, "<=")],
    "<=": [(.comparison, ">"), (.boundary, "<")],
    ">": [(.comparison, "<="), (.boundary, ">=")],
    ">=": [(.comparison, "<"), (.boundary, ">")],
    "==": [(.comparison, "!=")],
    "!=": [(.comparison, "==")],
    "+": [(.arithmetic, "-")],
    "-": [(.arithmetic, "+")],
    "*": [(.arithmetic, "/")],
    "/": [(.arithmetic, "*")],
    "&+": [(.arithmetic, "&-")],
    "&-": [(.arithmetic, "&+")],
    "+=": [(.arithmetic, "-=")],
    "-=": [(.arithmetic, "+=")],
    "*=": [(.arithmetic, "/=")],
    "|": [(.bitwise, "&")],
    "&": [(.bitwise, "|")],
    "|=": [(.bitwise, "&=")],
    "&=": [(.bitwise, "|=")],
    "<<": [(.bitwise, ">>")],
    ">>": [(.bitwise, "<<")],
    "&&": [(.logic, "||")],
    "||": [(.logic, "&&")],
    "..<": [(.boundary, "...")],
  ]
}
