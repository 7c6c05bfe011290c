/// Names that a user may have meant.
public enum Suggestion {
  /// The candidate nearest to `name` by edit distance (insertion, deletion, substitution, swap of neighbours), ignoring
  /// case; nil when none is near enough to be a slip of the finger. Of equally near ones the first wins.
  public static func nearest(to name: String, in candidates: [String]) -> String? {
    let wanted = Array(name.lowercased().unicodeScalars.prefix(longest))
    guard !wanted.isEmpty else { return nil }
    var best: (distance: Int, candidate: String)?
    for candidate in candidates {
      let other = Array(candidate.lowercased().unicodeScalars.prefix(longest))
      let distance = editDistance(wanted, other)
      // A third of the longer name may be wrong; of a short name one letter.
      let tolerance = max(1, max(wanted.count, other.count) / 3)
      guard distance <= tolerance, distance < max(wanted.count, other.count) else { continue }
      if best.map({ distance < $0.distance }) ?? true { best = (distance, candidate) }
    }
    return best?.candidate
  }

  /// "did you mean 'x'?" for the nearest candidate, else the candidates themselves.
  public static func sentence(for name: String, in candidates: [String]) -> String? {
    if let near = nearest(to: name, in: candidates) { return "did you mean '\(near)'?" }
    guard !candidates.isEmpty else { return nil }
    let shown = candidates.prefix(20).joined(separator: ", ")
    return "known: " + shown + (candidates.count > 20 ? ", …" : "")
  }

  /// Longer names are compared by their beginning, so that a hostile name costs nothing.
  private static var longest: Int { 64 }

  /// Optimal string alignment distance.
  private static func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    if a.isEmpty { return b.count }
    if b.isEmpty { return a.count }
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    var row = last
    for i in 1...a.count {
      row[0] = i
      for j in 1...b.count {
        row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
          row[j] = min(row[j], beforeLast[j - 2] + 1)
        }
      }
      (beforeLast, last, row) = (last, row, beforeLast)
    }
    return last[b.count]
  }
}
