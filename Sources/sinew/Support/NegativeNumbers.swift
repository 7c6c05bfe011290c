/// Negative numbers on the command line. The parser takes what begins with a dash for an option, and would say of
/// `--cycles -5` that a value is missing.
enum NegativeNumbers {
  /// The arguments with each negative number joined to the long option before it: `--cycles=-5`. What follows `--` stays.
  static func joined(_ arguments: [String]) -> [String] {
    var result: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--" { return result + [argument] + rest }
      if let last = result.last, last.hasPrefix("--"), !last.contains("="), isNegativeNumber(argument) {
        result[result.count - 1] = "\(last)=\(argument)"
      } else {
        result.append(argument)
      }
    }
    return result
  }

  private static func isNegativeNumber(_ text: String) -> Bool {
    text.hasPrefix("-") && text.count > 1 && (Double(text) != nil)
  }
}
