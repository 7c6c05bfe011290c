import Foundation

/// Which Sinew this is.
enum ProgramVersion {
  static let version = "0.1.0"

  /// Whether it was built with optimisation; measurements of a debug build mean nothing.
  static var isOptimized: Bool {
    #if DEBUG
      false
    #else
      true
    #endif
  }

  /// The revision of the source folder the program was built in, for provenance; empty when it is not in one.
  static var gitRevision: String {
    // Not the first argument: found through PATH it is a bare name, which would mean the working directory.
    var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    for _ in 0..<6 {
      if let revision = revision(in: folder.appendingPathComponent(".git")) { return revision }
      folder.deleteLastPathComponent()
    }
    return ""
  }

  private static func revision(in git: URL) -> String? {
    func text(_ path: String) -> String? {
      (try? String(contentsOf: git.appendingPathComponent(path), encoding: .utf8))?
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }
    guard let head = text("HEAD") else { return nil }
    guard head.hasPrefix("ref: ") else { return head }
    let reference = String(head.dropFirst(5))
    if let revision = text(reference) { return revision }
    return text("packed-refs")?.split(separator: "\n").first { $0.hasSuffix(" " + reference) }
      .map { String($0.prefix(40)) }
  }
}
