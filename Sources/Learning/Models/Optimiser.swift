import CSystem
import Networks

/// How gradients become steps.
public enum OptimiserRule: Sendable, Equatable {
  /// Kingma and Ba, arXiv:1412.6980, bias-corrected.
  case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-5)
  /// Tieleman and Hinton, 2012.
  case rmsprop(decay: Double = 0.99, epsilon: Double = 1e-5)
}

/// An optimiser with its moments, over one stretch of a flat parameter vector.
public struct Optimiser: ~Copyable {
  public let rule: OptimiserRule
  /// Steps taken.
  public private(set) var steps = 0
  private let range: Range<Int>
  private let first: FloatBuffer
  private let second: FloatBuffer
  private let kernels: VectorKernels

  public init(_ rule: OptimiserRule, range: Range<Int>, kernels: VectorKernels) {
    self.rule = rule
    self.range = range
    self.kernels = kernels
    first = FloatBuffer(count: range.count)
    second = FloatBuffer(count: range.count)
  }

  /// One step on the whole vectors' stretch; the gradient is multiplied by `gradientScale` first.
  public mutating func step(
    _ parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, rate: Double, gradientScale: Double = 1
  ) {
    steps += 1
    switch rule {
    case .adam(let beta1, let beta2, let epsilon):
      let correction1 = 1 - sinew_pow(beta1, Double(steps))
      let correction2 = 1 - sinew_pow(beta2, Double(steps))
      kernels.adam(
        rate: Float(rate / correction1), root: Float(1 / sinew_sqrt(correction2)), beta1: Float(beta1),
        beta2: Float(beta2), epsilon: Float(epsilon), gradientScale: Float(gradientScale),
        gradient: gradient + range.lowerBound, parameters: parameters + range.lowerBound, first: first.base,
        second: second.base, count: range.count)
    case .rmsprop(let decay, let epsilon):
      kernels.rmsprop(
        rate: Float(rate), decay: Float(decay), epsilon: Float(epsilon), gradientScale: Float(gradientScale),
        gradient: gradient + range.lowerBound, parameters: parameters + range.lowerBound, second: second.base,
        count: range.count)
    }
  }

  func encode(into encoder: inout StateEncoder) {
    encoder.put(Int64(steps))
    encoder.put(UnsafePointer(first.base), count: range.count)
    encoder.put(UnsafePointer(second.base), count: range.count)
  }

  mutating func decode(from decoder: inout StateDecoder) throws(LearningError) {
    steps = Int(try decoder.take(Int64.self))
    try decoder.take(into: first.base, count: range.count)
    try decoder.take(into: second.base, count: range.count)
  }
}

/// How the learning rate goes over a run.
public enum RateSchedule: String, Sendable, CaseIterable {
  case constant
  /// In a straight line to 0 at the end of the budget.
  case linear

  /// The factor at `progress` from 0 to 1.
  public func factor(_ progress: Double) -> Double { self == .constant ? 1 : max(0, 1 - progress) }
}
