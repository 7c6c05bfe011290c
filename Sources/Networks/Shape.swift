/// Shapes are lists of positive dimensions, row-major; a scalar has none. Every product is checked for overflow and
/// against `Limits`, so that a hostile file ends in an error and never in a trap.
enum Limits {
  /// Numbers in one value: 256 MiB of them.
  static let elements = 1 << 26
  /// Numbers in a whole program, parameters and buffers together: 512 MiB of them.
  static let memory = 1 << 27
  /// Numbers in all parameters of a program: 256 MiB of them.
  static let parameters = 1 << 26
  /// Multiply-accumulates of one run: seconds of them. More is no policy, and folding them would hang the load.
  static let multiplyAccumulates = 1 << 32
  /// Dimensions of one value.
  static let rank = 8
  /// Values of one program.
  static let nodes = 1 << 20
}

enum Shape {
  /// The number of elements, or an error that names `operation`.
  static func count(_ shape: [Int], _ operation: String) throws(NetworkError) -> Int {
    guard shape.count <= Limits.rank else {
      throw NetworkError("\(operation): shape \(shape) has more than \(Limits.rank) dimensions")
    }
    var product = 1
    for size in shape {
      guard size >= 1 else { throw NetworkError("\(operation): shape \(shape) has a dimension below 1") }
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      guard !overflow, next <= Limits.elements else {
        throw NetworkError("\(operation): shape \(shape) has more than \(Limits.elements) elements")
      }
      product = next
    }
    return product
  }

  /// Row-major strides of a shape that `count` accepted.
  static func strides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
    return strides
  }

  /// NumPy broadcasting of two shapes.
  static func broadcast(_ a: [Int], _ b: [Int], _ operation: String) throws(NetworkError) -> [Int] {
    let rank = max(a.count, b.count)
    var result = [Int](repeating: 1, count: rank)
    for axis in 0..<rank {
      let fromA = axis >= rank - a.count ? a[axis - (rank - a.count)] : 1
      let fromB = axis >= rank - b.count ? b[axis - (rank - b.count)] : 1
      guard fromA == fromB || fromA == 1 || fromB == 1 else {
        throw NetworkError("\(operation): shapes \(a) and \(b) do not broadcast")
      }
      result[axis] = max(fromA, fromB)
    }
    _ = try count(result, operation)
    return result
  }

  /// Strides with which a row-major value of `shape` is read as if it had `target`'s shape: 0 where it repeats.
  static func broadcastStrides(_ shape: [Int], to target: [Int]) -> [Int] {
    let own = strides(shape)
    let missing = target.count - shape.count
    return target.indices.map { axis in
      axis < missing || shape[axis - missing] == 1 ? 0 : own[axis - missing]
    }
  }

  /// An axis counted from the end when negative, or an error.
  static func axis(_ axis: Int, rank: Int, _ operation: String) throws(NetworkError) -> Int {
    guard axis >= -rank, axis < rank else {
      throw NetworkError("\(operation): axis \(axis) is outside a value of \(rank) dimensions")
    }
    return axis < 0 ? axis + rank : axis
  }
}
