/// The order in which the dense kernel streams its weights: blocks of 64 outputs as [inputs][64], then blocks of 16 as
/// [inputs][16]. Outputs are padded to whole vectors with zeros; so is every gate of a recurrent layer.
enum Packing {
  /// Rounded up to whole vectors of 16 floats.
  static func padded(_ count: Int) -> Int { (count + 15) & ~15 }

  /// For each packed output the row of the layer it holds, nil for padding.
  static func rows(_ layer: DenseLayer) -> [Int?] {
    let gate = layer.gateSize ?? layer.outputs
    var rows: [Int?] = []
    for first in stride(from: 0, to: layer.outputs, by: gate) {
      for row in 0..<padded(gate) { rows.append(row < gate ? first + row : nil) }
    }
    return rows
  }

  static func weights(_ layer: DenseLayer) -> [Float] {
    let rows = rows(layer)
    var packed = [Float](repeating: 0, count: rows.count * layer.inputs)
    var block = 0
    while block < rows.count {
      let width = rows.count - block >= 64 ? 64 : 16
      let start = block * layer.inputs
      for lane in 0..<width {
        guard let row = rows[block + lane] else { continue }
        for input in 0..<layer.inputs {
          packed[start + input * width + lane] = layer.weights[row * layer.inputs + input]
        }
      }
      block += width
    }
    return packed
  }

  /// The bias in packed order, zeros where there is none.
  static func bias(_ layer: DenseLayer) -> [Float] {
    rows(layer).map { row in
      guard let row, let bias = layer.bias else { return 0 }
      return bias[row]
    }
  }
}
