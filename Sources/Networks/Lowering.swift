/// Turns a graph into steps: live values get memory, each operation one or more steps.
struct Lowering {
  let graph: Graph
  let instructionSet: InstructionSet
  var steps: [Step] = []
  var axes: [Axis] = []
  var indices: [Int] = []
  /// Where each node's value starts.
  var offsets: [Int] = []
  /// Floats handed out so far.
  private(set) var memoryCount = 0
  /// Parameters to be written into the memory.
  private var parameters: [(offset: Int, values: [Float])] = []
  var summary = ProgramSummary()

  init(graph: Graph, instructionSet: InstructionSet) {
    self.graph = graph
    self.instructionSet = instructionSet
  }

  /// Compiles a checked graph.
  static func program(
    _ graph: Graph, outputs: [(name: String, index: Int)], feedback: [(from: Int, to: Int)],
    instructionSet: InstructionSet
  ) throws(NetworkError) -> Program {
    var graph = graph
    var outputs = outputs
    var feedback = feedback
    // What aliases an input must be copied: feedback and the next observation overwrite the input.
    for position in outputs.indices { outputs[position].index = graph.detached(outputs[position].index) }
    for position in feedback.indices { feedback[position].from = graph.detached(feedback[position].from) }
    let roots = outputs.map(\.index) + feedback.map(\.from)
    try graph.checkParameters(graph.live(from: roots))
    try graph.foldConstants(roots, instructionSet)
    graph.fuse(roots)

    var lowering = Lowering(graph: graph, instructionSet: instructionSet)
    try lowering.lower(graph.live(from: roots), inputs: true)
    var edges: [Executor.Feedback] = []
    for edge in feedback {
      let count = graph.nodes[edge.to].count
      edges.append(
        Executor.Feedback(
          from: lowering.offsets[edge.from], to: lowering.offsets[edge.to], initial: try lowering.reserve(count),
          count: count))
    }
    let executor = try lowering.executor(feedback: edges)
    var inputs: [(port: Port, offset: Int)] = []
    for (index, node) in graph.nodes.enumerated() {
      guard case .input(let name) = node.operation else { continue }
      let isFeedback = feedback.contains { $0.to == index }
      inputs.append(
        (Port(name: name, shape: node.shape, count: node.count, isFeedback: isFeedback), lowering.offsets[index]))
    }
    var results: [(port: Port, offset: Int)] = []
    for output in outputs {
      let node = graph.nodes[output.index]
      results.append(
        (
          Port(name: output.name, shape: node.shape, count: node.count, isFeedback: false),
          lowering.offsets[output.index]
        ))
    }
    return Program(executor: executor, inputs: inputs, outputs: results, summary: lowering.finishedSummary)
  }

  /// Memory for `count` floats, a whole number of 64-byte lines.
  mutating func reserve(_ count: Int) throws(NetworkError) -> Int {
    let offset = memoryCount
    let (sum, overflow) = memoryCount.addingReportingOverflow(Packing.padded(count))
    guard !overflow, sum <= Limits.memory else {
      throw NetworkError("build: the network takes more than \(Limits.memory >> 18) MiB of memory")
    }
    memoryCount = sum
    return offset
  }

  /// Memory that holds `values` from the start.
  mutating func parameter(_ values: [Float]) throws(NetworkError) -> Int {
    let offset = try reserve(values.count)
    fill(offset, values)
    return offset
  }

  /// Values for memory that `reserve` gave.
  mutating func fill(_ offset: Int, _ values: [Float]) { parameters.append((offset, values)) }

  /// The memory, filled with the parameters, and the steps.
  func executor(feedback: [Executor.Feedback]) throws(NetworkError) -> Executor {
    guard let kernels = instructionSet.kernels else {
      throw NetworkError("build: this processor has no \(instructionSet.rawValue)")
    }
    let executor = Executor(
      kernels: kernels, memoryCount: memoryCount, steps: steps, axes: axes, indices: indices, feedback: feedback)
    for (offset, values) in parameters {
      _ = executor.memory[offset..<(offset + values.count)].update(fromContentsOf: values)
    }
    return executor
  }

  private var finishedSummary: ProgramSummary {
    var summary = summary
    summary.arenaBytes = memoryCount * MemoryLayout<Float>.stride
    summary.kernelSteps = steps.filter { $0.kind.usesKernels }.count
    summary.interpreterSteps = steps.count - summary.kernelSteps
    summary.instructionSet = instructionSet
    return summary
  }

  /// Gives every live value memory and steps; inputs get memory even when nothing reads them.
  mutating func lower(_ live: [Bool], inputs: Bool) throws(NetworkError) {
    offsets = [Int](repeating: 0, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      if case .input = node.operation {
        if inputs { offsets[index] = try reserve(node.count) }
      } else if live[index] {
        offsets[index] = try lower(node, node.operands.map { offsets[$0] })
      }
    }
  }
}
