extension Graph {
  /// Replaces what depends on constants alone by its value, computed by the same steps that would run later.
  mutating func foldConstants(_ roots: [Int], _ instructionSet: InstructionSet) throws(NetworkError) {
    let live = live(from: roots)
    var isConstant = [Bool](repeating: false, count: nodes.count)
    var isNeeded = [Bool](repeating: false, count: nodes.count)
    for root in roots { isNeeded[root] = true }
    for (index, node) in nodes.enumerated() where live[index] {
      switch node.operation {
      case .input: break
      case .constant: isConstant[index] = true
      default:
        isConstant[index] = node.operands.allSatisfy { isConstant[$0] }
        if !isConstant[index] { for operand in node.operands { isNeeded[operand] = true } }
      }
    }
    let folded = nodes.indices.filter { index in
      guard isConstant[index], isNeeded[index] else { return false }
      if case .constant = nodes[index].operation { return false }
      return true
    }
    guard !folded.isEmpty else { return }
    var lowering = Lowering(graph: self, instructionSet: instructionSet)
    try lowering.lower(self.live(from: folded), inputs: false)
    let executor = try lowering.executor(feedback: [])
    executor.run()
    for index in folded {
      let start = lowering.offsets[index]
      nodes[index].operation = .constant((0..<nodes[index].count).map { executor.memory[start + $0] })
      nodes[index].operands = []
    }
  }
}
