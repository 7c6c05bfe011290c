import CKernels
import Numerics

/// A recurrent cell.
public enum RecurrentCell: String, Sendable, CaseIterable {
  /// Gated recurrent unit, the reset gate behind the recurrent product as in PyTorch:
  /// z = σ(·), r = σ(·), n = tanh(Wx + b + r∘(Rh + b′)), h′ = (1 − z)∘n + z∘h. Cho et al., arXiv:1406.1078.
  case gru
  /// Long short-term memory: c′ = σ(f)∘c + σ(i)∘tanh(g), h′ = σ(o)∘tanh(c′). Hochreiter and Schmidhuber, Neural
  /// Computation 9(8), 1997; forget gate: Gers et al., 2000.
  case lstm

  /// Gates in ONNX's order: z, r, h or i, o, f, g.
  var gates: Int { self == .gru ? 3 : 4 }
}

/// A recurrent layer that learns by back-propagation through time.
///
/// Sequences are time-major: `steps` blocks of `rows` rows. The state starts from `initialState` (0 at first) and is
/// multiplied by `keep` before every step: 0 begins an episode within a sequence. Parameters are the caller's flat
/// vectors. After `init` nothing allocates. One thread at a time.
public struct TrainableRecurrentLayer: ~Copyable {
  public let cell: RecurrentCell
  public let inputs: Int
  public let size: Int
  /// Floats between rows of hidden states.
  public let stride: Int
  /// The most rows (`steps` × `rows`) at once.
  public let rowCapacity: Int
  /// Input weight [inputs][gates·stride], recurrent weight [size][gates·stride] and their two biases.
  public let blocks: [ParameterBlock]
  private let kernels: VectorKernels
  private let width: Int

  private let start: FloatBuffer
  private let startCell: FloatBuffer
  private let hidden: FloatBuffer
  private let hiddenBefore: FloatBuffer
  private let cells: FloatBuffer
  private let cellsBefore: FloatBuffer
  private let cellTanh: FloatBuffer
  /// Activated gates; for the GRU the input's part.
  private let gates: FloatBuffer
  /// The GRU's recurrent part.
  private let recurrent: FloatBuffer
  private let gateGradient: FloatBuffer
  private let recurrentGradient: FloatBuffer
  private let stateGradient: FloatBuffer
  private let cellGradient: FloatBuffer
  private let gradientOfOutput: FloatBuffer
  private let gradientOfInput: FloatBuffer

  /// Plans the parameters and allocates for `rowCapacity` rows over all steps.
  public init(
    _ cell: RecurrentCell, inputs: Int, size: Int, name: String, layout: inout ParameterLayout, rowCapacity: Int,
    kernels: VectorKernels
  ) {
    self.cell = cell
    self.inputs = inputs
    self.size = size
    self.rowCapacity = rowCapacity
    self.kernels = kernels
    stride = paddedCount(size)
    width = cell.gates * stride
    // Gates begin at whole vectors, so a block's columns count the padding between them.
    blocks = [
      layout.add("\(name).input.weight", rows: inputs, columns: width),
      layout.add("\(name).recurrent.weight", rows: size, columns: width),
      layout.add("\(name).input.bias", rows: 1, columns: width),
      layout.add("\(name).recurrent.bias", rows: 1, columns: width),
    ]
    let states = rowCapacity * stride
    let isLstm = cell == .lstm
    start = FloatBuffer(count: states)
    startCell = FloatBuffer(count: isLstm ? states : 0)
    hidden = FloatBuffer(count: states)
    hiddenBefore = FloatBuffer(count: states)
    cells = FloatBuffer(count: isLstm ? states : 0)
    cellsBefore = FloatBuffer(count: isLstm ? states : 0)
    cellTanh = FloatBuffer(count: isLstm ? states : 0)
    gates = FloatBuffer(count: rowCapacity * width)
    recurrent = FloatBuffer(count: isLstm ? 0 : rowCapacity * width)
    gateGradient = FloatBuffer(count: rowCapacity * width)
    recurrentGradient = FloatBuffer(count: isLstm ? 0 : rowCapacity * width)
    stateGradient = FloatBuffer(count: states)
    cellGradient = FloatBuffer(count: isLstm ? states : 0)
    gradientOfOutput = FloatBuffer(count: states)
    gradientOfInput = FloatBuffer(count: rowCapacity * paddedCount(inputs))
  }

  /// Orthogonal weights gate by gate, biases 0.
  public func initialise(_ parameters: UnsafeMutablePointer<Float>, gain: Double = 1, random: inout RandomStream) {
    for block in blocks.prefix(2) {
      for gate in 0..<cell.gates {
        let first = gate * stride
        block.initialiseOrthogonal(parameters, gain: gain, columns: first..<(first + size), random: &random)
      }
    }
  }

  /// Hidden states of the latest `forward`, time-major, rows `stride` floats apart.
  public var output: UnsafePointer<Float> { UnsafePointer(hidden.base) }
  /// Cells of the latest `forward`; LSTM only.
  public var outputCell: UnsafePointer<Float> { UnsafePointer(cells.base) }
  /// The state before the first step, `rows` rows; the caller fills it.
  public var initialState: UnsafeMutablePointer<Float> { start.base }
  /// The cell before the first step; LSTM only.
  public var initialCell: UnsafeMutablePointer<Float> { startCell.base }
  /// ∂loss/∂hidden of every step, to be filled before `backward`; its padding must stay 0.
  public var outputGradient: UnsafeMutablePointer<Float> { gradientOfOutput.base }
  /// ∂loss/∂input after a `backward` that asked for it, rows `paddedCount(inputs)` floats apart.
  public var inputGradient: UnsafePointer<Float> { UnsafePointer(gradientOfInput.base) }

  /// Runs `steps` steps of `rows` rows each.
  /// - Parameter keep: [steps][rows] factors on the state before each step; nil keeps it.
  public func forward(
    _ parameters: UnsafePointer<Float>, input: UnsafePointer<Float>, inputStride: Int, steps: Int, rows: Int,
    keep: UnsafePointer<Float>? = nil
  ) {
    precondition(steps * rows <= rowCapacity, "more rows than the layer has room for")
    let states = rows * stride
    // The input's part of all steps is one product.
    kernels.product(
      m: steps * rows, n: width, k: inputs, MatrixView(base: input, row: inputStride),
      MatrixView(base: parameters + blocks[0].offset, row: width), into: gates.base, stride: width,
      bias: parameters + blocks[2].offset)
    for step in 0..<steps {
      let at = step * states
      let before = hiddenBefore.base + at
      let past = step == 0 ? start.base : hidden.base + at - states
      take(past, into: before, rows: rows, keep: keep.map { $0 + step * rows })
      let gate = gates.base + step * rows * width
      let weights = MatrixView(base: parameters + blocks[1].offset, row: width)
      let state = MatrixView(base: before, row: stride)
      switch cell {
      case .lstm:
        let cellBefore = cellsBefore.base + at
        let pastCell = step == 0 ? startCell.base : cells.base + at - states
        take(pastCell, into: cellBefore, rows: rows, keep: keep.map { $0 + step * rows })
        kernels.product(m: rows, n: width, k: size, state, weights, into: gate, stride: width, accumulates: true)
        addBias(parameters + blocks[3].offset, to: gate, rows: rows)
        sinew_lstm_forward(
          kernels.table, rows, stride, gate, cellBefore, cells.base + at, cellTanh.base + at, hidden.base + at)
      case .gru:
        let part = recurrent.base + step * rows * width
        kernels.product(
          m: rows, n: width, k: size, state, weights, into: part, stride: width, bias: parameters + blocks[3].offset)
        sinew_gru_forward(kernels.table, rows, stride, gate, part, before, hidden.base + at)
      }
    }
  }

  /// From `outputGradient` to the gradients of the four blocks, which it overwrites. The initial state is a constant.
  public func backward(
    _ parameters: UnsafePointer<Float>, input: UnsafePointer<Float>, inputStride: Int, steps: Int, rows: Int,
    keep: UnsafePointer<Float>? = nil, into gradients: UnsafeMutablePointer<Float>, wantsInputGradient: Bool = false
  ) {
    let states = rows * stride
    stateGradient.base.update(repeating: 0, count: states)
    if cell == .lstm { cellGradient.base.update(repeating: 0, count: states) }
    let weights = MatrixView(base: parameters + blocks[1].offset, row: width)
    for step in Swift.stride(from: steps - 1, through: 0, by: -1) {
      let at = step * states
      let gate = gates.base + step * rows * width
      let sums = gateGradient.base + step * rows * width
      kernels.add(1, gradientOfOutput.base + at, to: stateGradient.base, count: states)
      switch cell {
      case .lstm:
        sinew_lstm_backward(
          kernels.table, rows, stride, gate, cellsBefore.base + at, cellTanh.base + at, stateGradient.base,
          cellGradient.base, sums)
        kernels.product(
          m: rows, n: size, k: width, MatrixView(base: sums, row: width), weights.transposed, into: stateGradient.base,
          stride: stride)
      case .gru:
        let part = recurrentGradient.base + step * rows * width
        sinew_gru_backward(
          kernels.table, rows, stride, gate, recurrent.base + step * rows * width, hiddenBefore.base + at,
          stateGradient.base, sums, part)
        kernels.product(
          m: rows, n: size, k: width, MatrixView(base: part, row: width), weights.transposed, into: stateGradient.base,
          stride: stride, accumulates: true)
      }
      guard let keep else { continue }
      for row in 0..<rows where keep[step * rows + row] != 1 {
        let factor = keep[step * rows + row]
        kernels.scale(stateGradient.base + row * stride, by: factor, count: stride)
        if cell == .lstm { kernels.scale(cellGradient.base + row * stride, by: factor, count: stride) }
      }
    }
    let all = steps * rows
    let recurrentSums = cell == .gru ? recurrentGradient.base : gateGradient.base
    kernels.product(
      m: inputs, n: width, k: all, MatrixView(base: input, row: inputStride).transposed,
      MatrixView(base: gateGradient.base, row: width), into: gradients + blocks[0].offset, stride: width)
    kernels.product(
      m: size, n: width, k: all, MatrixView(base: hiddenBefore.base, row: stride).transposed,
      MatrixView(base: recurrentSums, row: width), into: gradients + blocks[1].offset, stride: width)
    sinew_column_sums(kernels.table, gateGradient.base, all, width, width, gradients + blocks[2].offset, 0)
    sinew_column_sums(kernels.table, recurrentSums, all, width, width, gradients + blocks[3].offset, 0)
    guard wantsInputGradient else { return }
    kernels.product(
      m: all, n: inputs, k: width, MatrixView(base: gateGradient.base, row: width),
      MatrixView(base: parameters + blocks[0].offset, row: width).transposed, into: gradientOfInput.base,
      stride: paddedCount(inputs))
  }

  private func take(
    _ source: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>, rows: Int, keep: UnsafePointer<Float>?
  ) {
    target.update(from: source, count: rows * stride)
    guard let keep else { return }
    for row in 0..<rows where keep[row] != 1 {
      kernels.scale(target + row * stride, by: keep[row], count: stride)
    }
  }

  private func addBias(_ bias: UnsafePointer<Float>, to sums: UnsafeMutablePointer<Float>, rows: Int) {
    for row in 0..<rows { kernels.add(1, bias, to: sums + row * width, count: width) }
  }
}

// Its buffers have one owner, and the owner moves as a whole.
extension TrainableRecurrentLayer: @unchecked Sendable {}
