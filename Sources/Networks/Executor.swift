import CKernels

/// A program's memory and instructions: raw buffers it owns, everything the control thread touches.
struct Executor: ~Copyable {
  /// Parameters and values; 64-byte aligned, zeroed and so touched at construction.
  let memory: UnsafeMutableBufferPointer<Float>
  /// The functions of the program's instruction set.
  let kernels: OpaquePointer
  /// 1 when the memory outgrows the nearest caches, so that weights are requested ahead.
  let streamed: CInt
  let steps: UnsafeMutableBufferPointer<Step>
  let axes: UnsafeMutableBufferPointer<Axis>
  let indices: UnsafeMutableBufferPointer<Int>
  let feedback: UnsafeMutableBufferPointer<Feedback>

  /// What the first two cache levels of a core can be trusted to hold between two runs.
  private static let nearCacheBytes = 256 * 1024

  /// After a run `count` floats go from `from` to `to`; `initial` holds what a reset writes there.
  struct Feedback: BitwiseCopyable {
    var from: Int
    var to: Int
    var initial: Int
    var count: Int
  }

  init(
    kernels: OpaquePointer, memoryCount: Int, steps: [Step], axes: [Axis], indices: [Int], feedback: [Feedback]
  ) {
    self.kernels = kernels
    streamed = memoryCount * MemoryLayout<Float>.stride > Self.nearCacheBytes ? 1 : 0
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: max(memoryCount, 16) * 4, alignment: 64)
    let floats = bytes.bindMemory(to: Float.self, capacity: max(memoryCount, 16))
    floats.initialize(repeating: 0, count: max(memoryCount, 16))
    memory = UnsafeMutableBufferPointer(start: floats, count: max(memoryCount, 16))
    self.steps = Self.copy(steps)
    self.axes = Self.copy(axes)
    self.indices = Self.copy(indices)
    self.feedback = Self.copy(feedback)
  }

  private static func copy<Element: BitwiseCopyable>(_ array: [Element]) -> UnsafeMutableBufferPointer<Element> {
    let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: array.count)
    _ = buffer.initialize(from: array)
    return buffer
  }

  deinit {
    memory.deallocate()
    steps.deallocate()
    axes.deallocate()
    indices.deallocate()
    feedback.deallocate()
  }

  @_noLocks
  func run() {
    for index in 0..<steps.count { execute(steps[index]) }
    for index in 0..<feedback.count {
      let edge = feedback[index]
      sinew_row_copy(at(edge.from), 1, at(edge.to), 1, edge.count)
    }
  }

  @_noLocks
  func resetState() {
    for index in 0..<feedback.count {
      let edge = feedback[index]
      sinew_row_copy(at(edge.initial), 1, at(edge.to), 1, edge.count)
    }
  }

  /// The address of an offset. The offsets were computed within the memory's size when the program was built.
  @_noLocks
  func at(_ offset: Int) -> UnsafeMutablePointer<Float> {
    // The base address is always there: the memory is never empty.
    memory.baseAddress.unsafelyUnwrapped + offset
  }

  @_noLocks
  private func execute(_ step: Step) {
    switch step.kind {
    case .dense:
      sinew_dense(
        kernels, at(step.b), at(step.c), at(step.a), at(step.y), step.inner, step.count, streamed, step.code, step.p,
        step.q)
    case .vector: sinew_function_vector(kernels, step.code, step.p, step.q, at(step.a), at(step.y), step.count)
    case .gruReset: sinew_gru_reset(kernels, at(step.a), at(step.b), at(step.y), step.count)
    case .gruBefore: sinew_gru_before(kernels, at(step.a), at(step.b), at(step.c), at(step.y), step.count)
    case .gruAfter: sinew_gru_after(kernels, at(step.a), at(step.b), at(step.c), at(step.y), step.count)
    case .lstmCell: sinew_lstm_cell(kernels, at(step.a), at(step.b), at(step.y), step.count)
    case .lstmHidden: sinew_lstm_hidden(kernels, at(step.a), at(step.b), at(step.y), step.count)
    case .function: sinew_row_function(step.code, step.p, step.q, at(step.a), at(step.y), step.count)
    case .binary: binary(step)
    case .select: select(step)
    case .copy: copy(step)
    case .gather: gather(step)
    case .matmul: matmul(step)
    case .reduce: reduce(step)
    case .softmax: softmax(step)
    case .layerNormalization: layerNormalization(step)
    }
  }

  @_noLocks
  private func outer(_ step: Step) -> UnsafeMutablePointer<Axis> {
    axes.baseAddress.unsafelyUnwrapped + step.firstAxis
  }

  // The innermost axis of a strided loop is the last of its axes and runs in C; the ones before it are walked here.

  @_noLocks
  private func binary(_ step: Step) {
    let axes = outer(step)
    let row = axes[step.rank - 1]
    var offset = Offsets(y: step.y, a: step.a, b: step.b, c: 0)
    repeat {
      sinew_row_binary(step.code, at(offset.a), row.a, at(offset.b), row.b, at(offset.y), row.size)
    } while offset.advance(axes, step.rank - 1)
  }

  @_noLocks
  private func select(_ step: Step) {
    let axes = outer(step)
    let row = axes[step.rank - 1]
    var offset = Offsets(y: step.y, a: step.a, b: step.b, c: step.c)
    repeat {
      sinew_row_select(
        at(offset.c), row.c, at(offset.a), row.a, at(offset.b), row.b, at(offset.y), row.size)
    } while offset.advance(axes, step.rank - 1)
  }

  @_noLocks
  private func copy(_ step: Step) {
    let axes = outer(step)
    let row = axes[step.rank - 1]
    var offset = Offsets(y: step.y, a: step.a, b: 0, c: 0)
    repeat {
      sinew_row_copy(at(offset.a), row.a, at(offset.y), row.y, row.size)
    } while offset.advance(axes, step.rank - 1)
  }

  /// count: blocks before the axis; columns: size of the axis; inner: elements after it; b, rank: the indices.
  @_noLocks
  private func gather(_ step: Step) {
    var y = step.y
    for block in 0..<step.count {
      for position in 0..<step.rank {
        let row = block * step.columns + indices[step.b + position]
        sinew_row_copy(at(step.a + row * step.inner), 1, at(y), 1, step.inner)
        y += step.inner
      }
    }
  }

  @_noLocks
  private func matmul(_ step: Step) {
    let axes = outer(step)
    var offset = Offsets(y: step.y, a: step.a, b: step.b, c: 0)
    repeat {
      sinew_row_matmul(at(offset.a), at(offset.b), at(offset.y), step.count, step.inner, step.columns)
    } while offset.advance(axes, step.rank)
  }

  @_noLocks
  private func reduce(_ step: Step) {
    let axes = outer(step)
    let reduced = axes + step.rank
    let row = reduced[step.innerRank - 1]
    var offset = Offsets(y: step.y, a: step.a, b: 0, c: 0)
    repeat {
      var sum = sinew_reduce_start(step.code)
      var element = Offsets(y: 0, a: offset.a, b: 0, c: 0)
      repeat {
        sum = sinew_row_reduce(step.code, sum, at(element.a), row.a, row.size)
      } while element.advance(reduced, step.innerRank - 1)
      at(offset.y).pointee = sinew_reduce_finish(step.code, sum, step.count)
    } while offset.advance(axes, step.rank)
  }

  /// count: blocks before the axis; columns: size of the axis; inner: elements after it.
  @_noLocks
  private func softmax(_ step: Step) {
    for block in 0..<step.count {
      for lane in 0..<step.inner {
        let offset = block * step.columns * step.inner + lane
        sinew_row_softmax(at(step.a + offset), at(step.y + offset), step.inner, step.columns)
      }
    }
  }

  @_noLocks
  private func layerNormalization(_ step: Step) {
    for block in 0..<step.count {
      let offset = block * step.inner
      sinew_row_layer_normalization(
        at(step.a + offset), step.b < 0 ? nil : UnsafePointer(at(step.b)),
        step.c < 0 ? nil : UnsafePointer(at(step.c)), step.p, at(step.y + offset), step.inner)
    }
  }
}
