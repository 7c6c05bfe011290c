import CKernels

/// A function applied to every element after a layer. NaN stays NaN in each of them.
///
/// `identity`, `relu`, `tanh`, `sigmoid`, `elu`, `silu`, `leakyRelu`, `exp` and `clip` have vector kernels and are fused
/// into the dense layer before them; the others run as a step of their own.
public enum Activation: Sendable, Hashable {
  /// x
  case identity
  /// tanh x
  case tanh
  /// max(0, x)
  case relu
  /// x for x > 0, else alpha·(eˣ − 1)
  case elu(alpha: Float)
  /// x / (1 + e⁻ˣ), also called swish
  case silu
  /// 1 / (1 + e⁻ˣ)
  case sigmoid
  /// x for x > 0, else slope·x
  case leakyRelu(slope: Float)
  /// log(1 + eˣ)
  case softplus
  /// x / (1 + |x|)
  case softsign
  /// x/2·(1 + erf(x/√2))
  case gelu
  /// x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
  case geluTanh
  /// eˣ
  case exp
  /// gamma·x for x > 0, else gamma·alpha·(eˣ − 1)
  case selu(alpha: Float, gamma: Float)
  /// min(1, max(0, alpha·x + beta))
  case hardSigmoid(alpha: Float, beta: Float)
  /// min(high, max(low, x))
  case clip(low: Float, high: Float)
}

/// An element-wise function without parameters.
public enum UnaryOperation: UInt8, Sendable, CaseIterable {
  case negate, abs, exp, log, sqrt, tanh, sigmoid, relu, softplus, softsign, erf
  /// Exact: x/2·(1 + erf(x/√2)).
  case gelu
  /// The tanh approximation.
  case geluTanh
  case silu, floor, ceil
  /// To the nearest integer, halves to even.
  case round
  case reciprocal
  /// 1 where x is 0, else 0.
  case not
  case sign, sin, cos, identity
}

/// An element-wise operation of two values with NumPy broadcasting. Comparisons and logic give 1 or 0.
public enum BinaryOperation: UInt8, Sendable, CaseIterable {
  case add, subtract, multiply, divide, power
  /// NaN when either side is NaN.
  case minimum
  /// NaN when either side is NaN.
  case maximum
  case greater, less, equal, greaterOrEqual, lessOrEqual
  /// Of "not zero".
  case and
  /// Of "not zero".
  case or
}

/// How a reduction combines elements.
public enum Reduction: UInt8, Sendable, CaseIterable {
  case sum, mean, max, min
}

/// A scalar function as the C side knows it: code and two parameters.
struct ScalarFunction: BitwiseCopyable, Sendable, Equatable {
  var code: UInt8
  var p: Float = 0
  var q: Float = 0

  init(_ code: sinew_function, _ p: Float = 0, _ q: Float = 0) {
    self.code = UInt8(truncatingIfNeeded: code.rawValue)
    self.p = p
    self.q = q
  }

  static var identity: ScalarFunction { ScalarFunction(SINEW_IDENTITY) }

  /// Whether the vector kernels know it.
  var isVectorised: Bool { UInt32(code) < SINEW_FIRST_SCALAR.rawValue }
}

extension Activation {
  var function: ScalarFunction {
    switch self {
    case .identity: ScalarFunction(SINEW_IDENTITY)
    case .tanh: ScalarFunction(SINEW_TANH)
    case .relu: ScalarFunction(SINEW_RELU)
    case .elu(let alpha): ScalarFunction(SINEW_ELU, alpha)
    case .silu: ScalarFunction(SINEW_SILU)
    case .sigmoid: ScalarFunction(SINEW_SIGMOID)
    case .leakyRelu(let slope): ScalarFunction(SINEW_LEAKY_RELU, slope)
    case .softplus: ScalarFunction(SINEW_SOFTPLUS)
    case .softsign: ScalarFunction(SINEW_SOFTSIGN)
    case .gelu: ScalarFunction(SINEW_GELU)
    case .geluTanh: ScalarFunction(SINEW_GELU_TANH)
    case .exp: ScalarFunction(SINEW_EXP)
    case .selu(let alpha, let gamma): ScalarFunction(SINEW_SELU, alpha, gamma)
    case .hardSigmoid(let alpha, let beta): ScalarFunction(SINEW_HARD_SIGMOID, alpha, beta)
    case .clip(let low, let high): ScalarFunction(SINEW_CLIP, low, high)
    }
  }

  /// Its parameters, for the check that they are numbers.
  var parameters: [Float] {
    switch self {
    case .elu(let alpha): [alpha]
    case .leakyRelu(let slope): [slope]
    case .selu(let alpha, let gamma): [alpha, gamma]
    case .hardSigmoid(let alpha, let beta): [alpha, beta]
    case .clip(let low, let high): [low, high]
    default: []
    }
  }
}

extension UnaryOperation {
  var function: ScalarFunction {
    switch self {
    case .negate: ScalarFunction(SINEW_NEGATE)
    case .abs: ScalarFunction(SINEW_ABS)
    case .exp: ScalarFunction(SINEW_EXP)
    case .log: ScalarFunction(SINEW_LOG)
    case .sqrt: ScalarFunction(SINEW_SQRT)
    case .tanh: ScalarFunction(SINEW_TANH)
    case .sigmoid: ScalarFunction(SINEW_SIGMOID)
    case .relu: ScalarFunction(SINEW_RELU)
    case .softplus: ScalarFunction(SINEW_SOFTPLUS)
    case .softsign: ScalarFunction(SINEW_SOFTSIGN)
    case .erf: ScalarFunction(SINEW_ERF)
    case .gelu: ScalarFunction(SINEW_GELU)
    case .geluTanh: ScalarFunction(SINEW_GELU_TANH)
    case .silu: ScalarFunction(SINEW_SILU)
    case .floor: ScalarFunction(SINEW_FLOOR)
    case .ceil: ScalarFunction(SINEW_CEIL)
    case .round: ScalarFunction(SINEW_ROUND)
    case .reciprocal: ScalarFunction(SINEW_RECIPROCAL)
    case .not: ScalarFunction(SINEW_NOT)
    case .sign: ScalarFunction(SINEW_SIGN)
    case .sin: ScalarFunction(SINEW_SIN)
    case .cos: ScalarFunction(SINEW_COS)
    case .identity: ScalarFunction(SINEW_IDENTITY)
    }
  }
}
