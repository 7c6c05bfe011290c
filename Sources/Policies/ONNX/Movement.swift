/// Operators that only move elements, brought to one form for all opsets. They work on known tensors of any kind and,
/// through the network builder, on values of the running program.
enum Movement {
  case same
  case reshape([Int])
  case transpose([Int])
  /// Pick `indices` along an axis, then give the result a shape.
  case gather(axis: Int, indices: [Int], shape: [Int])
  case expand([Int])

  /// The operators handled here. Concat is apart: it has several data inputs.
  static let operators: Set<String> = [
    "Identity", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Split", "Slice", "Gather",
    "Expand",
  ]

  /// What a node does to its first input: one list of movements per output.
  /// - Parameters:
  ///   - shape: the first input's shape.
  ///   - argument: the elements of another input when they are known; nil when it is omitted.
  static func parse(
    _ node: OnnxNode, shape: [Int], opset: Int64, file: String, argument: (Int) throws(PolicyError) -> HostTensor?
  ) throws(PolicyError) -> [[Movement]] {
    let context = MovementContext(node: node, shape: shape, opset: opset, file: file)
    switch node.operation {
    case "Identity": return [[.same]]
    case "Dropout":
      guard node.outputs.dropFirst().allSatisfy(\.isEmpty) else {
        throw node.error(.unsupported, "its mask output is not supported", file: file)
      }
      return [[.same]]
    case "Reshape": return [[.reshape(try context.reshape(argument(1)))]]
    case "Flatten":
      let axis = try context.axis(try node.integer("axis", default: 1, file: file), allowEnd: true)
      return [[.reshape([shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)])]]
    case "Squeeze":
      let axes = try context.axes(inputFrom: 13, argument)
      return [[.reshape(try context.squeeze(axes))]]
    case "Unsqueeze":
      guard let axes = try context.axes(inputFrom: 13, argument) else {
        throw node.error(.malformed, "has no axes", file: file)
      }
      return [[.reshape(try context.unsqueeze(axes))]]
    case "Transpose":
      let order = try node.integers("perm", file: file) ?? Array(shape.indices.reversed())
      guard order.sorted() == Array(shape.indices) else {
        throw node.error(.shape, "the permutation \(order) does not fit the shape \(shape)", file: file)
      }
      return [[.transpose(order)]]
    case "Split": return try context.split(argument).map { [$0] }
    case "Slice": return [try context.slice(argument)]
    case "Gather":
      guard let indices = try argument(1) else { throw node.error(.malformed, "has no indices", file: file) }
      return [[try context.gather(indices)]]
    case "Expand":
      guard let target = try argument(1) else { throw node.error(.malformed, "has no shape", file: file) }
      let wish = try context.list(target)
      guard Shape.count(wish) != nil, let result = Shape.broadcast(shape, wish), Shape.count(result) != nil else {
        throw node.error(.shape, "the shape \(shape) does not expand to \(wish)", file: file)
      }
      return [[.expand(result)]]
    default: throw node.unsupportedOperator(file: file, opset: opset)
    }
  }

  /// The movement of a known tensor.
  func apply(_ tensor: HostTensor) -> HostTensor {
    switch self {
    case .same: tensor
    case .reshape(let shape): tensor.reshaped(shape)
    case .transpose(let order):
      tensor.picking(
        Shape.transposeMap(tensor.shape, permutation: order), shape: order.map { tensor.shape[$0] })
    case .gather(let axis, let indices, let shape):
      tensor.picking(Shape.gatherMap(tensor.shape, axis: axis, indices: indices), shape: shape)
    case .expand(let shape): tensor.picking(Shape.broadcastMap(tensor.shape, to: shape), shape: shape)
    }
  }

  /// The shape after the movement, given the one before.
  func shape(after shape: [Int]) -> [Int] {
    switch self {
    case .same: shape
    case .reshape(let target), .expand(let target), .gather(_, _, let target): target
    case .transpose(let order): order.map { shape[$0] }
    }
  }
}

/// Reads the arguments of one movement node and checks them against the input's shape.
struct MovementContext {
  let node: OnnxNode
  let shape: [Int]
  let opset: Int64
  let file: String

  func error(_ message: String) -> PolicyError { node.error(.shape, message, file: file) }

  /// The elements of an integer argument.
  func list(_ tensor: HostTensor) throws(PolicyError) -> [Int] {
    guard tensor.kind == .integer, tensor.shape.count <= 1 else {
      throw node.error(.malformed, "an argument of shape \(tensor.shape) must be a list of integers", file: file)
    }
    return tensor.integers.map { Int($0) }
  }

  /// An axis counted from the end when negative.
  func axis(_ value: Int, rank: Int? = nil, allowEnd: Bool = false) throws(PolicyError) -> Int {
    let rank = rank ?? shape.count
    guard value >= -rank, value < rank + (allowEnd ? 1 : 0) else {
      throw error("the axis \(value) does not fit \(rank) dimensions")
    }
    return value < 0 ? value + rank : value
  }

  /// Axes from the attribute or, since `inputFrom`, from the second input.
  func axes(
    inputFrom version: Int64, _ argument: (Int) throws(PolicyError) -> HostTensor?
  ) throws(PolicyError) -> [Int]? {
    guard opset >= version else { return try node.integers("axes", file: file) }
    guard let tensor = try argument(1) else { return nil }
    return try list(tensor)
  }

  func reshape(_ argument: HostTensor?) throws(PolicyError) -> [Int] {
    guard let argument else { throw node.error(.malformed, "has no shape", file: file) }
    var target = try list(argument)
    guard target.count <= HostTensor.rankLimit else { throw error("the shape \(target) has too many dimensions") }
    let keepsZero = try node.integer("allowzero", default: 0, file: file) != 0
    for index in target.indices where target[index] == 0 && !keepsZero {
      guard index < shape.count else {
        throw error("the shape \(target) copies a dimension that \(shape) does not have")
      }
      target[index] = shape[index]
    }
    let count = shape.reduce(1, *)
    if let open = target.firstIndex(of: -1) {
      target[open] = 1
      guard let rest = Shape.count(target), rest > 0, count % rest == 0 else {
        throw error("the shape \(shape) does not reshape to \(try list(argument))")
      }
      target[open] = count / rest
    }
    guard Shape.count(target) == count else { throw error("the shape \(shape) does not reshape to \(target)") }
    return target
  }

  func squeeze(_ axes: [Int]?) throws(PolicyError) -> [Int] {
    guard let axes else { return shape.filter { $0 != 1 } }
    var gone = Set<Int>()
    for value in axes {
      let axis = try axis(value)
      guard shape[axis] == 1 else { throw error("the axis \(value) of \(shape) is not 1") }
      gone.insert(axis)
    }
    return shape.indices.filter { !gone.contains($0) }.map { shape[$0] }
  }

  func unsqueeze(_ axes: [Int]) throws(PolicyError) -> [Int] {
    let rank = shape.count + axes.count
    guard rank <= HostTensor.rankLimit else { throw error("adds too many dimensions") }
    var new = Set<Int>()
    for value in axes { new.insert(try axis(value, rank: rank)) }
    guard new.count == axes.count else { throw error("the axes \(axes) name one axis twice") }
    var rest = shape.makeIterator()
    return (0..<rank).map { new.contains($0) ? 1 : rest.next() ?? 1 }
  }

  func split(_ argument: (Int) throws(PolicyError) -> HostTensor?) throws(PolicyError) -> [Movement] {
    let axis = try axis(try node.integer("axis", default: 0, file: file))
    let parts = node.outputs.count
    guard parts > 0 else { throw node.error(.malformed, "has no outputs", file: file) }
    var sizes: [Int]?
    if opset < 13 {
      sizes = try node.integers("split", file: file)
    } else if let tensor = try argument(1) {
      sizes = try list(tensor)
    }
    if sizes == nil {
      let share = (shape[axis] + parts - 1) / parts
      // Opset 18 lets the last part be smaller; before that the parts are equal.
      let last = shape[axis] - share * (parts - 1)
      guard last == share || (opset >= 18 && last > 0) else {
        throw error("the dimension \(shape[axis]) does not split into \(parts) parts")
      }
      sizes = [Int](repeating: share, count: parts - 1) + [last]
    }
    let list = sizes ?? []
    guard list.count == parts, list.allSatisfy({ $0 >= 0 && $0 <= shape[axis] }), list.reduce(0, +) == shape[axis]
    else {
      throw error("the parts \(list) do not fill the \(shape[axis]) of dimension \(axis) for \(parts) outputs")
    }
    var start = 0
    return list.map { size in
      var result = shape
      result[axis] = size
      defer { start += size }
      return .gather(axis: axis, indices: Array(start..<(start + size)), shape: result)
    }
  }

  func slice(_ argument: (Int) throws(PolicyError) -> HostTensor?) throws(PolicyError) -> [Movement] {
    guard let first = try argument(1), let second = try argument(2) else {
      throw node.error(.malformed, "has no starts or ends", file: file)
    }
    let starts = try list(first)
    let ends = try list(second)
    let axes = try argument(3).map { tensor throws(PolicyError) in try list(tensor) } ?? Array(starts.indices)
    let steps =
      try argument(4).map { tensor throws(PolicyError) in try list(tensor) } ?? [Int](repeating: 1, count: starts.count)
    guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count else {
      throw error("starts, ends, axes and steps have different lengths")
    }
    var moves: [Movement] = []
    var current = shape
    var seen = Set<Int>()
    for index in starts.indices {
      let axis = try axis(axes[index])
      guard seen.insert(axis).inserted else { throw error("the axis \(axis) is sliced twice") }
      let size = shape[axis]
      let step = steps[index]
      guard step != 0, step > Int.min else { throw error("the step of a slice is 0") }
      func from(_ value: Int) -> Int { value < 0 ? (value < -size ? -1 : value + size) : value }
      let picked: [Int]
      if step > 0 {
        let start = min(max(from(starts[index]), 0), size)
        let end = min(max(from(ends[index]), 0), size)
        picked = Array(stride(from: start, to: end, by: min(step, size + 1)))
      } else {
        let start = min(max(from(starts[index]), 0), size - 1)
        let end = max(from(ends[index]), -1)
        picked = Array(stride(from: start, to: end, by: max(step, -size - 1))).filter { $0 >= 0 && $0 < size }
      }
      current[axis] = picked.count
      moves.append(.gather(axis: axis, indices: picked, shape: current))
    }
    return moves
  }

  func gather(_ tensor: HostTensor) throws(PolicyError) -> Movement {
    let axis = try axis(try node.integer("axis", default: 0, file: file))
    guard tensor.kind == .integer else { throw node.error(.malformed, "its indices are not integers", file: file) }
    var indices: [Int] = []
    for value in tensor.integers {
      let index = value < 0 ? Int(value) + shape[axis] : Int(value)
      guard shape.indices.contains(axis), index >= 0, index < shape[axis] else {
        throw error("the index \(value) is outside the \(shape[axis]) of dimension \(axis)")
      }
      indices.append(index)
    }
    let result = Array(shape[..<axis]) + tensor.shape + Array(shape[(axis + 1)...])
    guard Shape.count(result) != nil else { throw error("the result \(result) is too large") }
    return .gather(axis: axis, indices: indices, shape: result)
  }
}
