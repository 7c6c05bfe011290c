extension ProgramBuilder {
  /// The same numbers under another shape. One dimension may be −1: it takes what is left.
  public mutating func reshape(_ x: Value, to shape: [Int]) throws(NetworkError) -> Value {
    let label = "reshape of \(x.shape) to \(shape)"
    let count = try node(x, label).count
    var target = shape
    if let open = shape.firstIndex(of: -1) {
      target[open] = 1
      let rest = try Shape.count(target, label)
      guard count.isMultiple(of: rest) else { throw NetworkError("\(label): \(count) elements do not divide") }
      target[open] = count / rest
    }
    guard try Shape.count(target, label) == count else {
      throw NetworkError("\(label): the number of elements differs")
    }
    if target == x.shape { return x }
    return try add(.alias, [x.index], target, label)
  }

  /// Dimensions in another order; `permutation` defaults to the reversed order.
  public mutating func transpose(_ x: Value, permutation: [Int]? = nil) throws(NetworkError) -> Value {
    let order = permutation ?? Array(x.shape.indices.reversed())
    let label = "transpose of \(x.shape) by \(order)"
    _ = try node(x, label)
    guard order.sorted() == Array(x.shape.indices) else {
      throw NetworkError("\(label): every axis must be named once")
    }
    let strides = Shape.strides(x.shape)
    return try add(
      .strided(offset: 0, strides: order.map { strides[$0] }), [x.index], order.map { x.shape[$0] }, label)
  }

  /// Values joined along one axis.
  public mutating func concat(_ values: [Value], axis: Int) throws(NetworkError) -> Value {
    guard let first = values.first else { throw NetworkError("concat: no values") }
    let label = "concat of \(values.map(\.shape)) along axis \(axis)"
    let axis = try Shape.axis(axis, rank: first.shape.count, label)
    var shape = first.shape
    shape[axis] = 0
    for value in values {
      _ = try node(value, label)
      guard value.shape.count == shape.count,
        shape.indices.allSatisfy({ $0 == axis || value.shape[$0] == shape[$0] })
      else { throw NetworkError("\(label): the other dimensions differ") }
      shape[axis] += value.shape[axis]
      guard shape[axis] <= Limits.elements else { throw NetworkError("\(label): too many elements") }
    }
    if values.count == 1 { return first }
    return try add(.concatenate(axis: axis), values.map(\.index), shape, label)
  }

  /// Part of a value by ONNX's rules: per named axis a start, an end (not included) and a step; negative numbers count
  /// from the end, numbers outside are clamped, a negative step walks backwards. An empty result is an error.
  public mutating func slice(
    _ x: Value, starts: [Int], ends: [Int], axes: [Int]? = nil, steps: [Int]? = nil
  ) throws(NetworkError) -> Value {
    let label = "slice of \(x.shape) from \(starts) to \(ends)"
    _ = try node(x, label)
    let axes = axes ?? Array(starts.indices)
    let steps = steps ?? [Int](repeating: 1, count: starts.count)
    guard starts.count == ends.count, axes.count == starts.count, steps.count == starts.count else {
      throw NetworkError("\(label): starts, ends, axes and steps differ in number")
    }
    var shape = x.shape
    var strides = Shape.strides(x.shape)
    var offset = 0
    var seen = Set<Int>()
    for index in starts.indices {
      let axis = try Shape.axis(axes[index], rank: x.shape.count, label)
      guard seen.insert(axis).inserted else { throw NetworkError("\(label): axis \(axis) is named twice") }
      let size = x.shape[axis]
      let step = steps[index]
      guard step != 0, step != .min else { throw NetworkError("\(label): step \(step)") }
      func fromStart(_ position: Int) -> Int { position < 0 ? max(position, -size - 1) + size : min(position, size) }
      let start: Int
      let length: Int
      if step > 0 {
        start = min(max(fromStart(starts[index]), 0), size)
        let end = min(max(fromStart(ends[index]), 0), size)
        length = end > start ? (end - start - 1) / step + 1 : 0
      } else {
        start = min(max(fromStart(starts[index]), -1), size - 1)
        let end = min(max(fromStart(ends[index]), -1), size - 1)
        length = start > end ? (start - end - 1) / -step + 1 : 0
      }
      guard length > 0 else { throw NetworkError("\(label): nothing is left of axis \(axis)") }
      offset += start * strides[axis]
      shape[axis] = length
      // A step longer than the axis is never taken twice; clamping it keeps the product small.
      strides[axis] *= length == 1 ? 0 : step
    }
    return try add(.strided(offset: offset, strides: strides), [x.index], shape, label)
  }

  /// The slices of one axis named by `indices`, in their order; negative ones count from the end. The axis becomes
  /// `indices.count` long; reshape afterwards for ONNX's other index shapes.
  public mutating func gather(_ x: Value, indices: [Int], axis: Int) throws(NetworkError) -> Value {
    let label = "gather from \(x.shape)"
    _ = try node(x, label)
    let axis = try Shape.axis(axis, rank: x.shape.count, label)
    var rows: [Int] = []
    for index in indices {
      rows.append(try Shape.axis(index, rank: x.shape[axis], "\(label): index"))
    }
    var shape = x.shape
    shape[axis] = rows.count
    return try add(.gather(indices: rows, axis: axis), [x.index], shape, label)
  }

  /// NumPy broadcasting to a shape (ONNX Expand: the result is the broadcast of both shapes).
  public mutating func expand(_ x: Value, to shape: [Int]) throws(NetworkError) -> Value {
    let label = "expand of \(x.shape) to \(shape)"
    _ = try node(x, label)
    _ = try Shape.count(shape, label)
    let target = try Shape.broadcast(x.shape, shape, label)
    if target == x.shape { return x }
    return try add(.strided(offset: 0, strides: Shape.broadcastStrides(x.shape, to: target)), [x.index], target, label)
  }
}
