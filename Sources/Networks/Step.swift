/// One instruction of a program: plain bytes, offsets in floats from the start of the program's memory.
struct Step: BitwiseCopyable {
  var kind: Kind
  /// The operation within the kind, as the C side numbers it.
  var code: UInt8 = 0
  /// Where the result starts.
  var y = 0
  /// Operands.
  var a = 0
  var b = 0
  var c = 0
  /// Parameters of a scalar function, or epsilon.
  var p: Float = 0
  var q: Float = 0
  /// Elements, or rows of a matrix product.
  var count = 0
  var inner = 0
  var columns = 0
  /// Axes walked around the innermost loop: `rank` of them from `firstAxis`.
  var firstAxis = 0
  var rank = 0
  /// Axes walked inside (reductions), after the outer ones.
  var innerRank = 0

  enum Kind: UInt8 {
    case dense, vector
    // The element-wise parts of recurrent layers; their equations are in kernels.h.
    case gruReset, gruBefore, gruAfter, lstmCell, lstmHidden
    case function, binary, select, copy, gather, matmul, reduce, softmax, layerNormalization

    /// Whether the step runs on vector kernels, not on the interpreter.
    var usesKernels: Bool { rawValue <= Kind.lstmHidden.rawValue }
  }

  /// Marks an absent operand: any negative offset does.
  static let absent = -1
}

/// One dimension of a strided loop. `position` is the loop's counter, kept here so that walking needs no storage.
struct Axis: BitwiseCopyable {
  var size: Int
  var y: Int
  var a: Int
  var b: Int
  var c: Int
  var position = 0
}

/// Offsets of a strided loop's current element.
struct Offsets: BitwiseCopyable {
  var y: Int
  var a: Int
  var b: Int
  var c: Int

  @_noLocks
  init(y: Int, a: Int, b: Int, c: Int) {
    self.y = y
    self.a = a
    self.b = b
    self.c = c
  }

  /// Moves to the next element of the outer loops, the last axis fastest; false when all were visited, and then the
  /// counters and offsets are back at the start.
  @_noLocks
  mutating func advance(_ axes: UnsafeMutablePointer<Axis>, _ rank: Int) -> Bool {
    var axis = rank - 1
    while axis >= 0 {
      axes[axis].position += 1
      y += axes[axis].y
      a += axes[axis].a
      b += axes[axis].b
      c += axes[axis].c
      if axes[axis].position < axes[axis].size { return true }
      axes[axis].position = 0
      y -= axes[axis].y * axes[axis].size
      a -= axes[axis].a * axes[axis].size
      b -= axes[axis].b * axes[axis].size
      c -= axes[axis].c * axes[axis].size
      axis -= 1
    }
    return false
  }
}
