/// Servo ids as a user writes them: "1-6", "1,2,7-9".
public enum IDList {
  /// The ids in the order written, each once; nil when the text is no such list.
  public static func parse(_ text: String) -> [UInt8]? {
    var ids: [UInt8] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false)
      guard ends.count <= 2, let first = ends.first.flatMap({ UInt8($0) }), let last = ends.last.flatMap({ UInt8($0) }),
        first <= last, last < 254
      else { return nil }
      for id in first...last where !ids.contains(id) { ids.append(id) }
    }
    return ids.isEmpty ? nil : ids
  }
}
