/// A network compiled for one sample at a time: its own memory, a static list of steps, no allocation when it runs.
///
/// Before the first `run()` every input is zero (or its initial state) and every output is zero. Write the inputs, run,
/// read the outputs. A program belongs to one thread at a time.
public struct Program: ~Copyable {
  /// The inputs in the order they were declared, feedback inputs included. Not for the control thread.
  public let inputs: [Port]
  /// The outputs in the order given to `build`. Not for the control thread.
  public let outputs: [Port]
  /// What was compiled. Not for the control thread.
  public let summary: ProgramSummary
  let executor: Executor
  let inputSpans: UnsafeMutableBufferPointer<UnsafeMutableBufferPointer<Float>>
  let outputSpans: UnsafeMutableBufferPointer<UnsafeBufferPointer<Float>>

  init(
    executor: consuming Executor, inputs: [(port: Port, offset: Int)], outputs: [(port: Port, offset: Int)],
    summary: ProgramSummary
  ) {
    self.inputs = inputs.map(\.port)
    self.outputs = outputs.map(\.port)
    self.summary = summary
    inputSpans = .allocate(capacity: inputs.count)
    outputSpans = .allocate(capacity: outputs.count)
    for (index, input) in inputs.enumerated() {
      inputSpans.initializeElement(
        at: index, to: UnsafeMutableBufferPointer(start: executor.at(input.offset), count: input.port.count))
    }
    for (index, output) in outputs.enumerated() {
      outputSpans.initializeElement(
        at: index, to: UnsafeBufferPointer(start: executor.at(output.offset), count: output.port.count))
    }
    self.executor = executor
  }

  deinit {
    inputSpans.deallocate()
    outputSpans.deallocate()
  }

  /// The memory of an input, valid as long as the program.
  @_noLocks
  public func input(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
    precondition(index >= 0 && index < inputSpans.count, "no such input")
    return inputSpans[index]
  }

  /// The memory of an output, valid as long as the program; written by each run.
  @_noLocks
  public func output(_ index: Int) -> UnsafeBufferPointer<Float> {
    precondition(index >= 0 && index < outputSpans.count, "no such output")
    return outputSpans[index]
  }

  /// Computes every output from the inputs, then copies the feedback.
  @_noLocks
  public mutating func run() { executor.run() }

  /// Puts every feedback input back to its initial state: zeros, or what `setInitialState` gave.
  @_noLocks
  public mutating func resetState() { executor.resetState() }

  /// What `resetState` writes to a feedback input; takes effect now as well. Not for the control thread.
  public mutating func setInitialState(_ name: String, _ values: [Float]) throws(NetworkError) {
    guard let index = inputs.firstIndex(where: { $0.name == name }), inputs[index].isFeedback,
      let start = inputSpans[index].baseAddress
    else { throw NetworkError("initial state: \"\(name)\" is no feedback input") }
    guard values.count == inputs[index].count else {
      throw NetworkError("initial state of \"\(name)\": \(values.count) numbers for shape \(inputs[index].shape)")
    }
    for edge in executor.feedback where executor.at(edge.to) == start {
      for (element, value) in values.enumerated() {
        executor.at(edge.initial)[element] = value
        executor.at(edge.to)[element] = value
      }
    }
  }
}

/// The program's pointers lead to memory that it alone owns and frees, so it may move to another thread as a whole.
extension Program: @unchecked Sendable {}

/// Name and shape of an input or output.
public struct Port: Sendable, Hashable {
  /// As given to the builder.
  public let name: String
  /// Row-major dimensions.
  public let shape: [Int]
  /// Number of elements.
  public let count: Int
  /// Whether a run's feedback writes this input.
  public let isFeedback: Bool
}

/// What a program consists of, for `inspect` commands and logs.
public struct ProgramSummary: Sendable, Equatable {
  /// One line per dense or recurrent layer, in order: what it is and its sizes.
  public var layers: [String] = []
  /// Numbers in weights, biases and other constants, before padding.
  public var parameterCount = 0
  /// Multiply-accumulates of one run, before padding.
  public var multiplyAccumulates = 0
  /// Bytes of the program's memory: packed parameters and values.
  public var arenaBytes = 0
  /// Steps that run on vector kernels.
  public var kernelSteps = 0
  /// Steps that run on the interpreter.
  public var interpreterSteps = 0
  /// The kernels it runs on.
  public var instructionSet = InstructionSet.baseline
}
