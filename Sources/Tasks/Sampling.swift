import CSystem
import Numerics

/// A `Distribution` laid out for drawing without allocation.
struct VariableSampler: BitwiseCopyable {
  enum Shape: UInt8, BitwiseCopyable {
    case fixed, box, disk, ball
  }
  var shape = Shape.fixed
  /// The fixed point, the box's low corner, or the centre.
  var origin = Vector3.zero
  /// The box's high corner.
  var corner = Vector3.zero
  var innerRadius = 0.0
  var radius = 0.0
  var hasWithin = false
  var low = Vector3.zero
  var high = Vector3.zero
  /// The spheres to avoid, in the evaluator's buffer.
  var avoidStart = 0
  var avoidCount = 0

  init(_ distribution: Distribution) {
    switch distribution.shape {
    case .fixed(let point):
      origin = point
    case .box(let low, let high):
      shape = .box
      origin = low
      corner = high
    case .disk(let center, let innerRadius, let radius):
      shape = .disk
      origin = center
      self.innerRadius = innerRadius
      self.radius = radius
    case .ball(let center, let innerRadius, let radius):
      shape = .ball
      origin = center
      self.innerRadius = innerRadius
      self.radius = radius
    }
    if let within = distribution.within {
      hasWithin = true
      low = within.low
      high = within.high
    }
    avoidCount = distribution.avoid.count
  }

  /// Draws until the point is accepted. A task is refused at load when less than 2 % of its draws are accepted, so ten
  /// thousand refusals in a row do not happen (probability 10^-88); the bound keeps the loop finite all the same.
  @_noLocks
  func draw(_ random: inout RandomStream, avoiding spheres: UnsafePointer<Distribution.Sphere>) -> Vector3 {
    var point = drawOnce(&random)
    var tries = 0
    while !accepts(point, avoiding: spheres) && tries < 10_000 {
      point = drawOnce(&random)
      tries += 1
    }
    return point
  }

  @_noLocks
  func drawOnce(_ random: inout RandomStream) -> Vector3 {
    switch shape {
    case .fixed:
      return origin
    case .box:
      let x = random.uniform(from: origin.x, to: corner.x)
      let y = random.uniform(from: origin.y, to: corner.y)
      return Vector3(x, y, random.uniform(from: origin.z, to: corner.z))
    case .disk:
      // Uniform over area: the squared radius is uniform.
      let inner = innerRadius * innerRadius
      let distance = sinew_sqrt(inner + (radius * radius - inner) * random.uniform())
      let angle = 2 * Double.pi * random.uniform()
      return Vector3(origin.x + distance * sinew_cos(angle), origin.y + distance * sinew_sin(angle), origin.z)
    case .ball:
      // Uniform over volume: the cubed radius is uniform, and so is the height of the direction (Archimedes).
      let inner = innerRadius * innerRadius * innerRadius
      let distance = sinew_pow(inner + (radius * radius * radius - inner) * random.uniform(), 1.0 / 3.0)
      let height = random.uniform(from: -1, to: 1)
      let across = sinew_sqrt(1 - height * height)
      let angle = 2 * Double.pi * random.uniform()
      let direction = Vector3(across * sinew_cos(angle), across * sinew_sin(angle), height)
      return origin + direction * distance
    }
  }

  @_noLocks
  func accepts(_ point: Vector3, avoiding spheres: UnsafePointer<Distribution.Sphere>) -> Bool {
    if hasWithin {
      guard point.x >= low.x, point.x <= high.x, point.y >= low.y, point.y <= high.y, point.z >= low.z,
        point.z <= high.z
      else { return false }
    }
    for index in avoidStart..<(avoidStart + avoidCount)
    where (point - spheres[index].center).norm < spheres[index].radius {
      return false
    }
    return true
  }
}

extension Distribution {
  /// Distributions of which less remains after `within` and `avoid` are refused.
  static var leastAcceptedShare: Double { 0.02 }

  /// The share of draws that `within` and `avoid` accept, estimated from 5,000.
  func acceptedShare() -> Double {
    guard within != nil || !avoid.isEmpty else { return 1 }
    let sampler = VariableSampler(self)
    var random = RandomStream(seed: 1, name: "accepted share")
    let spheres = avoid + [Sphere(center: .zero, radius: 0)]
    let accepted = spheres.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      return (0..<5000).reduce(0) { sum, _ in
        sum + (sampler.accepts(sampler.drawOnce(&random), avoiding: base) ? 1 : 0)
      }
    }
    return Double(accepted) / 5000
  }
}
