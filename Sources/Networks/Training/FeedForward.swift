import CKernels
import Numerics

/// The activation of hidden layers.
public enum HiddenActivation: String, Sendable, CaseIterable {
  case tanh, relu, elu, silu

  var function: UInt8 {
    switch self {
    case .tanh: UInt8(SINEW_TANH.rawValue)
    case .relu: UInt8(SINEW_RELU.rawValue)
    case .elu: UInt8(SINEW_ELU.rawValue)
    case .silu: UInt8(SINEW_SILU.rawValue)
    }
  }
  /// α of ELU; the others have none.
  var parameter: Float { self == .elu ? 1 : 0 }
}

/// The size of a multi-layer perceptron.
public struct FeedForwardShape: Sendable, Equatable {
  public var inputs: Int
  /// Widths of the hidden layers, in order.
  public var hidden: [Int]
  public var outputs: Int
  public var activation: HiddenActivation

  public init(inputs: Int, hidden: [Int], outputs: Int, activation: HiddenActivation) {
    self.inputs = inputs
    self.hidden = hidden
    self.outputs = outputs
    self.activation = activation
  }
}

/// A multi-layer perceptron that learns: dense layers with an activation after each but the last,
/// y₀ = x, yₗ = f(yₗ₋₁·Wₗ + bₗ), output y_L without f.
///
/// It holds the activations of up to `rowCapacity` rows; parameters and gradients are the caller's flat vectors, laid out
/// by the `ParameterLayout` given at set-up. `backward` and `tangent` belong to the latest `forward` with the same input
/// and parameters. After `init` nothing allocates. One thread at a time.
public struct FeedForward: ~Copyable {
  struct Layer: BitwiseCopyable {
    var inputs: Int
    var outputs: Int
    /// Offsets in the flat parameter vector.
    var weight: Int
    var bias: Int
    /// Offset of its output rows in `activations` and `sums`.
    var output: Int
    var function: UInt8
    var stride: Int { paddedCount(outputs) }
  }

  public let shape: FeedForwardShape
  /// The most rows at once.
  public let rowCapacity: Int
  /// Blocks of the parameters in order: weight and bias of each layer.
  public let blocks: [ParameterBlock]
  /// Floats between rows of the output and of its gradient.
  public let outputStride: Int
  let kernels: VectorKernels
  let layers: [Layer]
  private let outputPlace: Int
  private let activations: FloatBuffer
  /// Sums before the activation; kept only where the derivative needs them (SiLU).
  private let sums: FloatBuffer
  private let upstream: FloatBuffer
  private let downstream: FloatBuffer
  private let gradientOfOutput: FloatBuffer
  private let gradientOfInput: FloatBuffer

  /// Plans the parameters and allocates for `rowCapacity` rows.
  /// - Parameter name: what its parameters are called, before `.0.weight` and so on.
  public init(
    _ shape: FeedForwardShape, name: String, layout: inout ParameterLayout, rowCapacity: Int, kernels: VectorKernels
  ) {
    self.shape = shape
    self.rowCapacity = rowCapacity
    self.kernels = kernels
    var list: [Layer] = []
    var blocks: [ParameterBlock] = []
    var inputs = shape.inputs
    var place = 0
    let sizes = shape.hidden + [shape.outputs]
    for (index, outputs) in sizes.enumerated() {
      let weight = layout.add("\(name).\(index).weight", rows: inputs, columns: outputs)
      let bias = layout.add("\(name).\(index).bias", rows: 1, columns: outputs)
      let isLast = index == sizes.count - 1
      list.append(
        Layer(
          inputs: inputs, outputs: outputs, weight: weight.offset, bias: bias.offset, output: place,
          function: isLast ? UInt8(SINEW_IDENTITY.rawValue) : shape.activation.function))
      blocks += [weight, bias]
      place += rowCapacity * paddedCount(outputs)
      inputs = outputs
    }
    layers = list
    self.blocks = blocks
    outputStride = paddedCount(shape.outputs)
    outputPlace = list.last?.output ?? 0
    let widest = paddedCount(max(shape.inputs, sizes.max() ?? 0))
    activations = FloatBuffer(count: place)
    sums = FloatBuffer(count: shape.activation == .silu ? place : 0)
    upstream = FloatBuffer(count: rowCapacity * widest)
    downstream = FloatBuffer(count: rowCapacity * widest)
    gradientOfOutput = FloatBuffer(count: rowCapacity * outputStride)
    gradientOfInput = FloatBuffer(count: rowCapacity * paddedCount(shape.inputs))
  }

  /// Orthogonal weights, biases 0.
  /// - Parameters:
  ///   - hiddenGain: √2 is usual.
  ///   - outputGain: 0.01 for a policy's mean and 1 for a value are usual (arXiv:2006.05990, section 3.2).
  public func initialise(
    _ parameters: UnsafeMutablePointer<Float>, hiddenGain: Double, outputGain: Double, random: inout RandomStream
  ) {
    for index in layers.indices {
      let gain = index == layers.count - 1 ? outputGain : hiddenGain
      blocks[2 * index].initialiseOrthogonal(parameters, gain: gain, random: &random)
    }
  }

  // MARK: Results

  /// Rows of the latest output, `outputStride` floats apart.
  public var output: UnsafePointer<Float> {
    UnsafePointer(activations.base + outputPlace)
  }
  /// ∂loss/∂output, to be filled before `backward`; its padding must stay 0.
  public var outputGradient: UnsafeMutablePointer<Float> { gradientOfOutput.base }
  /// ∂loss/∂input after a `backward` that asked for it, rows `paddedCount(inputs)` floats apart.
  public var inputGradient: UnsafePointer<Float> { UnsafePointer(gradientOfInput.base) }

  // MARK: Passes

  /// Computes the output of `rows` rows, `inputStride` floats apart.
  public func forward(
    _ parameters: UnsafePointer<Float>, input: UnsafePointer<Float>, inputStride: Int, rows: Int
  ) {
    precondition(rows <= rowCapacity, "more rows than the network has room for")
    var x = input
    var stride = inputStride
    let keepsSums = shape.activation == .silu
    for index in 0..<layers.count {
      let layer = layers[index]
      let y = activations.base + layer.output
      let isSeparate = keepsSums && layer.function != 0
      kernels.product(
        m: rows, n: layer.outputs, k: layer.inputs, MatrixView(base: x, row: stride),
        MatrixView(base: parameters + layer.weight, row: layer.stride), into: isSeparate ? sums.base + layer.output : y,
        stride: layer.stride, bias: parameters + layer.bias, function: isSeparate ? 0 : layer.function,
        parameter: shape.activation.parameter)
      if isSeparate {
        sinew_function_vector(
          kernels.table, layer.function, shape.activation.parameter, 0, sums.base + layer.output, y,
          rows * layer.stride)
      }
      x = UnsafePointer(y)
      stride = layer.stride
    }
  }

  /// From `outputGradient` to the gradients of all parameters, which it overwrites:
  /// dZ = dY ∘ f′, dW = Xᵀ·dZ, db = Σ rows dZ, dX = dZ·Wᵀ.
  public func backward(
    _ parameters: UnsafePointer<Float>, input: UnsafePointer<Float>, inputStride: Int, rows: Int,
    into gradients: UnsafeMutablePointer<Float>, wantsInputGradient: Bool = false
  ) {
    var dy = gradientOfOutput.base
    for index in stride(from: layers.count - 1, through: 0, by: -1) {
      let layer = layers[index]
      let dz = upstream.base
      differentiate(layer, dy, into: dz, rows: rows)
      let below = index > 0 ? UnsafePointer(activations.base + layers[index - 1].output) : input
      let belowStride = index > 0 ? layers[index - 1].stride : inputStride
      kernels.product(
        m: layer.inputs, n: layer.outputs, k: rows, MatrixView(base: below, row: belowStride).transposed,
        MatrixView(base: dz, row: layer.stride), into: gradients + layer.weight, stride: layer.stride)
      sinew_column_sums(
        kernels.table, dz, rows, layer.stride, layer.stride, gradients + layer.bias, 0)
      guard index > 0 || wantsInputGradient else { break }
      let dx = index > 0 ? downstream.base : gradientOfInput.base
      kernels.product(
        m: rows, n: layer.inputs, k: layer.outputs, MatrixView(base: dz, row: layer.stride),
        MatrixView(base: parameters + layer.weight, row: layer.stride).transposed, into: dx,
        stride: paddedCount(layer.inputs))
      dy = dx
    }
  }

  /// Forward-mode derivative J·d of the output in the parameters' direction d, for the rows of the latest `forward`:
  /// ẏₗ = f′ ∘ (ẏₗ₋₁·Wₗ + yₗ₋₁·Ẇₗ + ḃₗ).
  /// - Returns: rows `outputStride` floats apart, valid until the next pass.
  public func tangent(
    _ parameters: UnsafePointer<Float>, direction: UnsafePointer<Float>, input: UnsafePointer<Float>,
    inputStride: Int, rows: Int
  ) -> UnsafePointer<Float> {
    var x = input
    var xStride = inputStride
    var source = upstream.base
    var target = downstream.base
    for index in 0..<layers.count {
      let layer = layers[index]
      kernels.product(
        m: rows, n: layer.outputs, k: layer.inputs, MatrixView(base: x, row: xStride),
        MatrixView(base: direction + layer.weight, row: layer.stride), into: target, stride: layer.stride,
        bias: direction + layer.bias)
      if index > 0 {
        kernels.product(
          m: rows, n: layer.outputs, k: layer.inputs, MatrixView(base: source, row: paddedCount(layer.inputs)),
          MatrixView(base: parameters + layer.weight, row: layer.stride), into: target, stride: layer.stride,
          accumulates: true)
      }
      differentiate(layer, target, into: target, rows: rows)
      x = UnsafePointer(activations.base + layer.output)
      xStride = layer.stride
      swap(&source, &target)
    }
    return UnsafePointer(source)
  }

  private func differentiate(
    _ layer: Layer, _ dy: UnsafePointer<Float>, into dz: UnsafeMutablePointer<Float>, rows: Int
  ) {
    let value = (shape.activation == .silu ? sums.base : activations.base) + layer.output
    sinew_function_gradient(
      kernels.table, layer.function, shape.activation.parameter, layer.function == 0 ? dy : UnsafePointer(value), dy,
      dz,
      rows * layer.stride)
  }
}

// Its buffers have one owner, and the owner moves as a whole.
extension FeedForward: @unchecked Sendable {}
