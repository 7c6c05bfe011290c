import Glibc
import Numerics

/// The mathematics of the layers in double precision, written plainly.
enum Reference {
  /// W·x + b, W row-major. Pointers and while loops because the tests run without optimisation.
  static func dense(_ x: [Double], _ weights: [Double], _ bias: [Double]?) -> [Double] {
    let outputs = weights.count / x.count
    var y = bias ?? [Double](repeating: 0, count: outputs)
    x.withUnsafeBufferPointer { x in
      weights.withUnsafeBufferPointer { weights in
        var next = 0
        for output in 0..<outputs {
          var sum = y[output]
          var input = 0
          while input < x.count {
            sum += x[input] * weights[next]
            next += 1
            input += 1
          }
          y[output] = sum
        }
      }
    }
    return y
  }

  static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
  static func elu(_ x: Double, _ alpha: Double = 1) -> Double { x > 0 ? x : alpha * expm1(x) }
  static func silu(_ x: Double) -> Double { x * sigmoid(x) }

  /// One GRU step by ONNX's equations.
  static func gru(
    _ x: [Double], _ h: [Double], w: [Double], r: [Double], b: [Double]?, linearBeforeReset: Bool
  ) -> [Double] {
    let size = h.count
    let wb = b.map { Array($0[..<(3 * size)]) }
    let rb = b.map { Array($0[(3 * size)...]) }
    let gx = dense(x, w, wb)
    let gh = dense(h, r, rb)
    let z = (0..<size).map { sigmoid(gx[$0] + gh[$0]) }
    let reset = (0..<size).map { sigmoid(gx[size + $0] + gh[size + $0]) }
    let inner: [Double]
    if linearBeforeReset {
      inner = (0..<size).map { reset[$0] * gh[2 * size + $0] }
    } else {
      inner = Array(dense((0..<size).map { reset[$0] * h[$0] }, r, rb)[(2 * size)...])
    }
    return (0..<size).map { (1 - z[$0]) * tanh(gx[2 * size + $0] + inner[$0]) + z[$0] * h[$0] }
  }

  /// One LSTM step by ONNX's equations.
  static func lstm(
    _ x: [Double], _ h: [Double], _ c: [Double], w: [Double], r: [Double], b: [Double]?
  ) -> (hidden: [Double], cell: [Double]) {
    let size = h.count
    let gx = dense(x, w, b.map { Array($0[..<(4 * size)]) })
    let gh = dense(h, r, b.map { Array($0[(4 * size)...]) })
    let gates = zip(gx, gh).map(+)
    let cell = (0..<size).map {
      sigmoid(gates[2 * size + $0]) * c[$0] + sigmoid(gates[$0]) * tanh(gates[3 * size + $0])
    }
    return ((0..<size).map { sigmoid(gates[size + $0]) * tanh(cell[$0]) }, cell)
  }
}

/// Random floats as the tests use them.
struct Noise {
  var stream: RandomStream

  init(_ seed: UInt64) { stream = RandomStream(seed: seed, name: "networks.tests") }

  mutating func floats(_ count: Int, scale: Float = 1) -> [Float] {
    (0..<count).map { _ in Float(stream.uniform(from: -1, to: 1)) * scale }
  }

  /// Uniform in the range, both ends included.
  mutating func integer(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(stream.uniform() * Double(range.count))
  }
}

func doubles(_ values: [Float]) -> [Double] { values.map(Double.init) }

/// The largest difference of two lists of equal length; infinite where one side alone is NaN.
func largestError(_ got: some Sequence<Float>, _ expected: some Sequence<Double>) -> Double {
  var worst = 0.0
  for (a, b) in zip(got, expected) {
    if a.isNaN || b.isNaN {
      if a.isNaN != b.isNaN { return .infinity }
    } else if Double(a) != b {
      worst = max(worst, abs(Double(a) - b))
    }
  }
  return worst
}
