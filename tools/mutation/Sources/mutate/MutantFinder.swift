import SwiftSyntax

/// Finds the mutants of one function body. Nested functions and closures belong to the body.
final class MutantFinder: SyntaxVisitor {
  private(set) var mutants: [Mutant] = []

  static func mutants(in body: some SyntaxProtocol) -> [Mutant] {
    let finder = MutantFinder(viewMode: .sourceAccurate)
    finder.walk(body)
    return finder.mutants
  }

  private func add(_ kind: Mutant.Kind, _ node: some SyntaxProtocol, _ replacement: String) {
    let start = node.positionAfterSkippingLeadingTrivia.utf8Offset
    let end = node.endPositionBeforeTrailingTrivia.utf8Offset
    mutants.append(Mutant(kind: kind, range: start..<end, replacement: replacement))
  }

  override func visit(_ node: BinaryOperatorExprSyntax) -> SyntaxVisitorContinueKind {
    for (kind, text) in Operators.alternatives[node.operator.text] ?? [] { add(kind, node.operator, text) }
    return .visitChildren
  }

  override func visit(_ node: PrefixOperatorExprSyntax) -> SyntaxVisitorContinueKind {
    switch node.operator.text {
    case "!": add(.negation, node.operator, "")
    // A minus before a literal is a mistake that the type of an unsigned number would refuse.
    case "-" where !node.expression.is(IntegerLiteralExprSyntax.self): add(.arithmetic, node.operator, "+")
    default: break
    }
    return .visitChildren
  }

  override func visit(_ node: BooleanLiteralExprSyntax) -> SyntaxVisitorContinueKind {
    add(.literal, node, node.literal.text == "true" ? "false" : "true")
    return .skipChildren
  }

  override func visit(_ node: IntegerLiteralExprSyntax) -> SyntaxVisitorContinueKind {
    if let value = Int(node.literal.text) { add(.literal, node, "\(value + 1)") }
    return .skipChildren
  }

  override func visit(_ node: FloatLiteralExprSyntax) -> SyntaxVisitorContinueKind {
    if let value = Double(node.literal.text) { add(.literal, node, "\(value * 2 + 0.5)") }
    return .skipChildren
  }

  // A precondition traps: that it holds shows in no other test than one that dies.
  override func visit(_ node: FunctionCallExprSyntax) -> SyntaxVisitorContinueKind {
    let name = node.calledExpression.trimmedDescription
    return name == "precondition" || name == "fatalError" ? .skipChildren : .visitChildren
  }

  override func visit(_ node: ConditionElementSyntax) -> SyntaxVisitorContinueKind {
    if case .expression(let condition) = node.condition { negate(condition) }
    return .visitChildren
  }

  override func visit(_ node: WhereClauseSyntax) -> SyntaxVisitorContinueKind {
    negate(node.condition)
    return .visitChildren
  }

  override func visit(_ node: TernaryExprSyntax) -> SyntaxVisitorContinueKind {
    negate(node.condition)
    return .visitChildren
  }

  private func negate(_ condition: ExprSyntax) {
    // A negated condition is covered by its operator's own mutants.
    guard !condition.is(PrefixOperatorExprSyntax.self) else { return }
    add(.condition, condition, "!(\(condition.trimmedDescription))")
  }

  override func visit(_ node: CodeBlockItemSyntax) -> SyntaxVisitorContinueKind {
    // A forgotten assignment or call. What a declaration or a return gives is needed to compile.
    guard case .expr(let expression) = node.item else { return .visitChildren }
    if expression.is(SequenceExprSyntax.self) || expression.is(InfixOperatorExprSyntax.self) {
      if isAssignment(expression) { add(.statement, expression, "") }
    } else if let call = expression.as(FunctionCallExprSyntax.self), isStatement(node, call) {
      add(.statement, expression, "")
    }
    return .visitChildren
  }

  private func isAssignment(_ expression: ExprSyntax) -> Bool {
    guard let sequence = expression.as(SequenceExprSyntax.self) else { return false }
    return sequence.elements.contains { element in
      element.is(AssignmentExprSyntax.self)
        || (element.as(BinaryOperatorExprSyntax.self).map {
          ["+=", "-=", "*=", "|=", "&="].contains($0.operator.text)
        } ?? false)
    }
  }

  /// Whether a call stands for itself, not as the value of a block of one expression.
  private func isStatement(_ node: CodeBlockItemSyntax, _ call: FunctionCallExprSyntax) -> Bool {
    let name = call.calledExpression.trimmedDescription
    guard name != "precondition", name != "fatalError" else { return false }
    guard let list = node.parent?.as(CodeBlockItemListSyntax.self) else { return false }
    return list.count > 1
  }
}
