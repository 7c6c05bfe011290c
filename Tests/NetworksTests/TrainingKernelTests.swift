import CKernels
import Glibc
import Networks
import Testing

/// The matrix product of every instruction set, on buffers of exactly the documented size.
@Suite("Training kernels") struct TrainingKernelTests {
  /// A·B in double precision over strided views, plus a start.
  static func reference(
    m: Int, n: Int, k: Int, a: (Int, Int) -> Float, b: (Int, Int) -> Float, start: (Int, Int) -> Float
  ) -> [Double] {
    var result: [Double] = []
    for i in 0..<m {
      for j in 0..<n {
        result.append((0..<k).reduce(Double(start(i, j))) { $0 + Double(a(i, $1)) * Double(b($1, j)) })
      }
    }
    return result
  }

  @Test("products of every size agree with double precision, plain and transposed", arguments: InstructionSet.supported)
  func products(_ set: InstructionSet) throws {
    let kernels = try DenseKernelTests.kernels(set)
    var noise = Noise(11)
    var worst = 0.0
    let sizes = [
      (1, 1, 1), (3, 2, 5), (8, 64, 10), (12, 32, 16), (13, 33, 17), (20, 64, 11), (24, 2, 64), (13, 18, 257),
    ]
    for (m, n, k) in sizes + [(14, 33, 300), (4, 100, 20), (7, 5, 600)] {
      let wide = (n + 15) / 16 * 16
      for isTransposedA in [false, true] {
        for isTransposedB in [false, true] {
          let a = Exactly(noise.floats(m * k))
          let b = Exactly(noise.floats(isTransposedB ? n * k : k * wide))
          let bias = Exactly(noise.floats(wide))
          let before = noise.floats(m * wide)
          let (left, right, bottom) = (a.array, b.array, bias.array)
          for start in 0..<3 {
            let c = Exactly(before)
            var product = sinew_product(
              m: m, n: n, k: k, a: a.floats, a_row: isTransposedA ? 1 : k, a_column: isTransposedA ? m : 1,
              b: b.floats, b_row: isTransposedB ? 1 : wide, b_column: isTransposedB ? k : 1, c: c.floats, c_row: wide,
              bias: start == 1 ? UnsafePointer(bias.floats) : nil, accumulates: start == 2 ? 1 : 0, function: 0, p: 0,
              q: 0)
            sinew_matrix_product(kernels, &product)
            let expected = Self.reference(
              m: m, n: n, k: k, a: { isTransposedA ? left[$1 * m + $0] : left[$0 * k + $1] },
              b: { isTransposedB ? right[$1 * k + $0] : right[$0 * wide + $1] },
              start: { start == 0 ? 0 : (start == 1 ? bottom[$1] : before[$0 * wide + $1]) })
            let result = c.array
            let got = (0..<m).flatMap { row in (0..<n).map { result[row * wide + $0] } }
            worst = max(worst, largestError(got, expected) / Double(k).squareRoot())
          }
        }
      }
    }
    #expect(worst <= 2e-6)
  }

  @Test("a fused activation is applied once, to the whole sum", arguments: InstructionSet.supported)
  func fused(_ set: InstructionSet) throws {
    let kernels = try DenseKernelTests.kernels(set)
    var noise = Noise(12)
    let (m, n, k) = (5, 16, 600)
    let a = Exactly(noise.floats(m * k, scale: 0.1))
    let b = Exactly(noise.floats(k * n, scale: 0.5))
    let c = Exactly([Float](repeating: .nan, count: m * n))
    var product = sinew_product(
      m: m, n: n, k: k, a: a.floats, a_row: k, a_column: 1, b: b.floats, b_row: n, b_column: 1, c: c.floats, c_row: n,
      bias: nil, accumulates: 0, function: UInt8(SINEW_TANH.rawValue), p: 0, q: 0)
    sinew_matrix_product(kernels, &product)
    let (left, right) = (a.array, b.array)
    let expected = Self.reference(
      m: m, n: n, k: k, a: { left[$0 * k + $1] }, b: { right[$0 * n + $1] }, start: { _, _ in 0 }
    ).map { tanh($0) }
    #expect(largestError(c.array, expected) <= 1e-5)
  }

  @Test("flat vector operations agree with double precision", arguments: InstructionSet.supported)
  func vectors(_ set: InstructionSet) throws {
    let kernels = try VectorKernels(set)
    var noise = Noise(13)
    for count in [16, 32, 48, 1024, 1040, 5008] {
      let x = Exactly(noise.floats(count))
      let y = Exactly(noise.floats(count))
      let before = doubles(y.array)
      let dot = zip(doubles(x.array), before).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(kernels.dot(x.floats, y.floats, count: count) - dot) <= 1e-5 * Double(count).squareRoot())
      kernels.add(-0.5, x.floats, to: y.floats, count: count)
      kernels.scale(y.floats, by: 3, count: count)
      #expect(largestError(y.array, zip(doubles(x.array), before).map { 3 * ($1 - 0.5 * $0) }) <= 2e-6)
    }
  }

  @Test("Adam and RMSprop follow their equations for ten steps", arguments: InstructionSet.supported)
  func optimisers(_ set: InstructionSet) throws {
    let kernels = try VectorKernels(set)
    var noise = Noise(14)
    let count = 32
    let start = noise.floats(count)
    let (x, m, v) = (
      Exactly(start), Exactly([Float](repeating: 0, count: count)), Exactly([Float](repeating: 0, count: count))
    )
    let (z, w) = (Exactly(start), Exactly([Float](repeating: 0, count: count)))
    var (dx, dm, dv) = (doubles(start), [Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
    var (dz, dw) = (dx, dv)
    for step in 1...10 {
      let gradient = Exactly(noise.floats(count))
      let (c1, c2) = (1 - pow(0.9, Double(step)), 1 - pow(0.999, Double(step)))
      kernels.adam(
        rate: Float(0.01 / c1), root: Float(1 / c2.squareRoot()), beta1: 0.9, beta2: 0.999, epsilon: 1e-5,
        gradientScale: 0.5, gradient: gradient.floats, parameters: x.floats, first: m.floats, second: v.floats,
        count: count)
      kernels.rmsprop(
        rate: 0.01, decay: 0.99, epsilon: 1e-5, gradientScale: 0.5, gradient: gradient.floats, parameters: z.floats,
        second: w.floats, count: count)
      for index in 0..<count {
        let g = 0.5 * Double(gradient.array[index])
        dm[index] = 0.9 * dm[index] + 0.1 * g
        dv[index] = 0.999 * dv[index] + 0.001 * g * g
        dx[index] -= 0.01 * (dm[index] / c1) / ((dv[index] / c2).squareRoot() + 1e-5)
        dw[index] = 0.99 * dw[index] + 0.01 * g * g
        dz[index] -= 0.01 * g / (dw[index].squareRoot() + 1e-5)
      }
    }
    #expect(largestError(x.array, dx) <= 2e-6)
    #expect(largestError(z.array, dz) <= 2e-6)
  }
}
