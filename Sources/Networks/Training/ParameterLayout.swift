/// Where one weight matrix, bias or free vector stands in a flat parameter vector.
///
/// A matrix is stored as [inputs][outputs], every row rounded up to 16 floats; the padding is 0 and its gradient is 0.
public struct ParameterBlock: Sendable, Equatable {
  /// Its name, such as `actor.0.weight`.
  public let name: String
  public let rows: Int
  public let columns: Int
  /// Position of its first number.
  public let offset: Int

  /// Floats from one row to the next.
  public var stride: Int { paddedCount(columns) }
  /// Floats with padding.
  public var count: Int { rows * stride }
  /// Numbers without padding.
  public var parameterCount: Int { rows * columns }
}

/// The plan of a flat parameter vector: blocks one after the other, so that optimisers, norms and conjugate gradients are
/// passes over one vector.
public struct ParameterLayout: Sendable {
  public private(set) var blocks: [ParameterBlock] = []
  /// Floats with padding.
  public private(set) var count = 0

  /// An empty plan.
  public init() {}

  /// Appends a block.
  public mutating func add(_ name: String, rows: Int, columns: Int) -> ParameterBlock {
    let block = ParameterBlock(name: name, rows: rows, columns: columns, offset: count)
    blocks.append(block)
    count += block.count
    return block
  }

  /// Numbers without padding.
  public var parameterCount: Int { blocks.reduce(0) { $0 + $1.parameterCount } }

  /// The name of the first block that holds a number that is not finite; nil when all are.
  public func firstNotFinite(in vector: UnsafePointer<Float>) -> String? {
    blocks.first { block in
      (block.offset..<(block.offset + block.count)).contains { !vector[$0].isFinite }
    }?.name
  }
}
