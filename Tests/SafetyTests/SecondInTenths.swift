/// What happened within the last second, counted in tenths of it: the running tenth and the nine before. The first tenth
/// begins with the first thing that happens, and anew after a second in which nothing did.
///
/// Written from the rule, to hold the core's own count against: it keeps everything and adds it up in each look.
struct SecondInTenths {
  static let tenth: Int64 = 100_000_000
  private var things: [(tenth: Int64, all: Int, bad: Int)] = []
  private var start: Int64?
  private(set) var newest: Int64 = 0

  mutating func note(_ all: Int, bad: Int, now: Int64) {
    if let start, now - (start + (newest + 1) * Self.tenth) > 10 * Self.tenth { self = SecondInTenths() }
    let start = start ?? now
    self.start = start
    newest = (now - start) / Self.tenth
    things.append((newest, all, bad))
  }

  /// Tenths that have begun since the start.
  var begun: Int64 { start == nil ? 0 : newest + 1 }
  var all: Int { recent.reduce(0) { $0 + $1.all } }
  var bad: Int { recent.reduce(0) { $0 + $1.bad } }
  private var recent: [(tenth: Int64, all: Int, bad: Int)] { things.filter { $0.tenth > newest - 10 } }
}
