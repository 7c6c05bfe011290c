import SwiftParser
import SwiftSyntax

/// Puts all mutants of a file into it: every function body becomes a choice between itself and its mutated copies, made at
/// run time by `sinewMutant`. One build then serves all runs.
struct FileMutator {
  /// The mutated file's text.
  private(set) var text: String
  /// What the mutants are, in the order of their numbers, as lines for people.
  private(set) var descriptions: [String] = []
  /// The number after the last one, those left out included.
  private(set) var nextNumber: Int

  /// - Parameter excluded: numbers of mutants that do not compile; they keep their number and are left out.
  init(name: String, source: String, firstNumber: Int, excluded: Set<Int>) {
    let tree = Parser.parse(source: source)
    let bytes = Array(source.utf8)
    let finder = BodyFinder(viewMode: .sourceAccurate)
    finder.walk(tree)
    var lines = LineCounter(bytes)
    var output: [UInt8] = []
    var position = 0
    var number = firstNumber
    for body in finder.bodies {
      // An initialiser that forgets a property does not compile.
      let mutants = MutantFinder.mutants(in: body.statements).filter { !(body.isInitialiser && $0.kind == .statement) }
      guard !mutants.isEmpty else { continue }
      output += bytes[position..<body.range.lowerBound]
      output += Array("\nswitch sinewMutant {\n".utf8)
      for mutant in mutants {
        defer { number += 1 }
        if excluded.contains(number) { continue }
        output += Array("case \(number):\n".utf8)
        output += bytes[body.range.lowerBound..<mutant.range.lowerBound]
        output += Array(mutant.replacement.utf8)
        output += bytes[mutant.range.upperBound..<body.range.upperBound]
        output += Array("\n".utf8)
        let was = String(decoding: bytes[mutant.range], as: UTF8.self)
        let line = lines.line(of: mutant.range.lowerBound)
        descriptions.append(
          "\(number)\t\(name):\(line)\t\(mutant.kind.rawValue)\t\(Self.oneLine(was))\t\(Self.oneLine(mutant.replacement))"
        )
      }
      output += Array("default:\n".utf8)
      output += bytes[body.range]
      output += Array("\n}\n".utf8)
      position = body.range.upperBound
    }
    nextNumber = number
    output += bytes[position...]
    text = String(decoding: output, as: UTF8.self).replacing("@_noLocks", with: "")
  }

  private static func oneLine(_ text: String) -> String {
    let joined = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return joined.count > 60 ? joined.prefix(57) + "..." : joined
  }
}

/// The outermost bodies of functions, initialisers and accessors.
final class BodyFinder: SyntaxVisitor {
  struct Body {
    var statements: CodeBlockItemListSyntax
    var range: Range<Int>
    var isInitialiser: Bool
  }
  private(set) var bodies: [Body] = []

  private func take(
    _ statements: CodeBlockItemListSyntax, isInitialiser: Bool = false
  ) -> SyntaxVisitorContinueKind {
    if !statements.isEmpty {
      let range = statements.position.utf8Offset..<statements.endPosition.utf8Offset
      bodies.append(Body(statements: statements, range: range, isInitialiser: isInitialiser))
    }
    return .skipChildren
  }

  override func visit(_ node: FunctionDeclSyntax) -> SyntaxVisitorContinueKind {
    node.body.map { take($0.statements) } ?? .skipChildren
  }
  override func visit(_ node: InitializerDeclSyntax) -> SyntaxVisitorContinueKind {
    node.body.map { take($0.statements, isInitialiser: true) } ?? .skipChildren
  }
  override func visit(_ node: AccessorDeclSyntax) -> SyntaxVisitorContinueKind {
    node.body.map { take($0.statements) } ?? .skipChildren
  }
  override func visit(_ node: AccessorBlockSyntax) -> SyntaxVisitorContinueKind {
    if case .getter(let statements) = node.accessors { return take(statements) }
    return .visitChildren
  }
}

/// Line numbers of byte offsets that only grow.
struct LineCounter {
  private let starts: [Int]
  init(_ bytes: [UInt8]) {
    starts = [0] + bytes.indices.filter { bytes[$0] == 10 }.map { $0 + 1 }
  }
  mutating func line(of offset: Int) -> Int {
    var low = 0
    var high = starts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= offset { low = middle } else { high = middle }
    }
    return low + 1
  }
}
