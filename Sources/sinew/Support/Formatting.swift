import Foundation

/// Numbers with their units, as a person reads them.
enum Format {
  /// A duration in ns with three significant digits and a fitting unit.
  static func duration(_ nanoseconds: Int64) -> String {
    let value = Double(nanoseconds)
    if abs(value) < 1e3 { return "\(nanoseconds) ns" }
    if abs(value) < 1e6 { return number(value / 1e3) + " µs" }
    if abs(value) < 1e9 { return number(value / 1e6) + " ms" }
    return number(value / 1e9) + " s"
  }

  /// Three significant digits.
  static func number(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    let magnitude = abs(value)
    if magnitude >= 100 || magnitude == 0 { return fixed(value, 0) }
    if magnitude >= 10 { return fixed(value, 1) }
    return fixed(value, 2)
  }

  /// A number as short as it can be written.
  static func short(_ value: Double) -> String { String(format: "%g", value) }

  /// A number with a fixed count of decimals; huge ones with an exponent.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    // A policy that has diverged returns numbers of sixty digits.
    String(format: abs(value) < 1e12 ? "%.\(decimals)f" : "%.\(decimals)e", value)
  }

  /// A count of things: "1 episode", "2 episodes".
  static func count(_ count: some BinaryInteger, _ thing: String) -> String {
    "\(count) \(thing)\(count == 1 ? "" : "s")"
  }

  /// A number of bytes.
  static func bytes(_ count: Int) -> String {
    if count < 1024 { return "\(count) B" }
    if count < 1024 * 1024 { return fixed(Double(count) / 1024, 1) + " KiB" }
    if count < 1024 * 1024 * 1024 { return fixed(Double(count) / 1024 / 1024, 1) + " MiB" }
    return fixed(Double(count) / 1024 / 1024 / 1024, 2) + " GiB"
  }
}
