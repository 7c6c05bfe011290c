/// A tensor with known elements, held while a graph is loaded: weights, constants and what is folded from them.
struct HostTensor: Sendable, Equatable {
  /// What the elements are. Booleans are integers 0 and 1.
  enum Kind: Sendable { case float, integer, boolean }

  /// More dimensions than this are refused everywhere.
  static let rankLimit = 8
  /// More elements than this are refused everywhere (256 MiB of floats).
  static let elementLimit = 1 << 26

  private(set) var shape: [Int]
  private(set) var kind: Kind
  /// The elements when `kind` is `.float`, row-major.
  private(set) var floats: [Float]
  /// The elements otherwise.
  private(set) var integers: [Int64]

  /// A float tensor; the caller has checked that the count fits the shape.
  init(floats: [Float], shape: [Int]) {
    self.shape = shape
    kind = .float
    self.floats = floats
    integers = []
  }

  /// An integer or boolean tensor; the caller has checked that the count fits the shape.
  init(integers: [Int64], shape: [Int], kind: Kind = .integer) {
    self.shape = shape
    self.kind = kind
    floats = []
    self.integers = integers
  }

  /// Number of elements.
  var count: Int { kind == .float ? floats.count : integers.count }

  /// The elements as floats.
  var asFloats: [Float] { kind == .float ? floats : integers.map { Float($0) } }

  /// The same elements with another shape of the same size.
  func reshaped(_ shape: [Int]) -> HostTensor {
    var copy = self
    copy.shape = shape
    return copy
  }

  /// A tensor whose element i is the element `map[i]` of this one.
  func picking(_ map: [Int], shape: [Int]) -> HostTensor {
    kind == .float
      ? HostTensor(floats: map.map { floats[$0] }, shape: shape)
      : HostTensor(integers: map.map { integers[$0] }, shape: shape, kind: kind)
  }

  /// The elements converted to another kind: floats are truncated towards zero, everything but 0 is true.
  /// - Returns: nil when a float does not fit in 64 bits.
  func converted(to target: Kind) -> HostTensor? {
    switch (kind, target) {
    case (.float, .float), (.integer, .integer), (.boolean, .boolean): return self
    case (_, .float): return HostTensor(floats: asFloats, shape: shape)
    case (.float, .integer):
      guard floats.allSatisfy({ abs($0) < 0x1p63 }) else { return nil }
      return HostTensor(integers: floats.map { Int64($0) }, shape: shape)
    case (.boolean, .integer): return HostTensor(integers: integers, shape: shape)
    case (.float, .boolean): return HostTensor(integers: floats.map { $0 == 0 ? 0 : 1 }, shape: shape, kind: .boolean)
    case (.integer, .boolean):
      return HostTensor(integers: integers.map { $0 == 0 ? 0 : 1 }, shape: shape, kind: .boolean)
    }
  }
}

/// Arithmetic on row-major shapes.
enum Shape {
  /// Number of elements, or nil when a size is negative or there are more than `HostTensor.elementLimit`.
  static func count(_ shape: [Int]) -> Int? {
    guard shape.count <= HostTensor.rankLimit, shape.allSatisfy({ $0 >= 0 && $0 <= HostTensor.elementLimit }) else {
      return nil
    }
    if shape.contains(0) { return 0 }
    var product = 1
    for size in shape {
      product *= size
      guard product <= HostTensor.elementLimit else { return nil }
    }
    return product
  }

  /// Distance in elements between neighbours along each dimension.
  static func strides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    return strides
  }

  /// The shape of two operands combined by NumPy's broadcasting rule, or nil when they do not fit.
  static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
    let rank = max(a.count, b.count)
    var result = [Int](repeating: 1, count: rank)
    for index in 0..<rank {
      let left = index < rank - a.count ? 1 : a[index - (rank - a.count)]
      let right = index < rank - b.count ? 1 : b[index - (rank - b.count)]
      guard left == right || left == 1 || right == 1 else { return nil }
      result[index] = left == 1 ? right : left
    }
    return result
  }

  /// For each element of `target`, the element of `shape` that broadcasting repeats there. `shape` must broadcast.
  static func broadcastMap(_ shape: [Int], to target: [Int]) -> [Int] {
    let own = strides(shape)
    let lead = target.count - shape.count
    let steps = target.indices.map { $0 < lead || shape[$0 - lead] == 1 ? 0 : own[$0 - lead] }
    return walk(target, steps: steps)
  }

  /// For each element of a transposed tensor, the element it comes from.
  static func transposeMap(_ shape: [Int], permutation: [Int]) -> [Int] {
    let own = strides(shape)
    return walk(permutation.map { shape[$0] }, steps: permutation.map { own[$0] })
  }

  /// For each element of the result of taking `indices` along an axis, the element it comes from.
  static func gatherMap(_ shape: [Int], axis: Int, indices: [Int]) -> [Int] {
    let inner = shape[(axis + 1)...].reduce(1, *)
    let outer = shape[..<axis].reduce(1, *)
    var map: [Int] = []
    map.reserveCapacity(outer * indices.count * inner)
    for block in 0..<outer {
      for index in indices {
        let start = (block * shape[axis] + index) * inner
        for offset in 0..<inner { map.append(start + offset) }
      }
    }
    return map
  }

  /// Offsets of all elements of `shape` when one step along each dimension moves by `steps`.
  private static func walk(_ shape: [Int], steps: [Int]) -> [Int] {
    let total = shape.reduce(1, *)
    var map: [Int] = []
    map.reserveCapacity(total)
    var index = [Int](repeating: 0, count: shape.count)
    var offset = 0
    for _ in 0..<total {
      map.append(offset)
      for axis in stride(from: shape.count - 1, through: 0, by: -1) {
        index[axis] += 1
        offset += steps[axis]
        if index[axis] < shape[axis] { break }
        offset -= steps[axis] * shape[axis]
        index[axis] = 0
      }
    }
    return map
  }
}
