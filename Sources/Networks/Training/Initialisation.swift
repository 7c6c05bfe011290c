import Glibc
import Numerics

extension ParameterBlock {
  /// Fills the block with a (semi-)orthogonal matrix times `gain`.
  ///
  /// Vectors of independent normal deviates are orthonormalised (Gram–Schmidt, twice for accuracy, in double precision):
  /// uniform over the orthogonal matrices, as PyTorch's `orthogonal_` is.
  /// Source: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning", arXiv:1312.6120.
  /// - Parameter columns: the part of the columns to fill; nil for all. Gates of recurrent layers are filled apart.
  public func initialiseOrthogonal(
    _ parameters: UnsafeMutablePointer<Float>, gain: Double, columns part: Range<Int>? = nil,
    random: inout RandomStream
  ) {
    let part = part ?? 0..<columns
    let vectors = min(rows, part.count)
    let length = max(rows, part.count)
    var basis: [[Double]] = []
    while basis.count < vectors {
      var vector = (0..<length).map { _ in random.normal() }
      for _ in 0..<2 {
        for other in basis {
          var product = 0.0
          for index in 0..<length { product += vector[index] * other[index] }
          for index in 0..<length { vector[index] -= product * other[index] }
        }
      }
      var square = 0.0
      for number in vector { square += number * number }
      let norm = square.squareRoot()
      // Linearly dependent draws have probability zero; rounding makes it merely tiny.
      guard norm > 1e-9 else { continue }
      basis.append(vector.map { $0 / norm })
    }
    for row in 0..<rows {
      for column in 0..<part.count {
        let value = rows <= part.count ? basis[row][column] : basis[column][row]
        parameters[offset + row * stride + part.lowerBound + column] = Float(gain * value)
      }
    }
  }

  /// The numbers without padding, row after row: [inputs][outputs].
  public func values(in parameters: UnsafePointer<Float>) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(parameterCount)
    for row in 0..<rows {
      for column in 0..<columns { result.append(parameters[offset + row * stride + column]) }
    }
    return result
  }

  /// Writes numbers without padding, row after row.
  public func write(_ values: [Float], to parameters: UnsafeMutablePointer<Float>) {
    precondition(values.count == parameterCount, "\(name) has \(parameterCount) numbers, not \(values.count)")
    for row in 0..<rows {
      for column in 0..<columns { parameters[offset + row * stride + column] = values[row * columns + column] }
    }
  }
}
