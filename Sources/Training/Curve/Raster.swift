/// Pixels in eight-bit red, green and blue, white at first.
struct Raster: Sendable {
  let width: Int
  let height: Int
  /// Row after row from the top, three bytes a pixel.
  private(set) var pixels: [UInt8]

  init(width: Int, height: Int) {
    self.width = width
    self.height = height
    pixels = [UInt8](repeating: 255, count: 3 * width * height)
  }

  /// Draws a line with round ends and smooth edges through points in pixels; one point is a dot.
  mutating func line(_ points: [Drawing.Point], width: Double, colour: Drawing.Colour) {
    guard let first = points.first else { return }
    if points.count == 1 { segment(first, first, width: width, colour) }
    for (from, to) in zip(points, points.dropFirst()) { segment(from, to, width: width, colour) }
  }

  private mutating func segment(
    _ from: Drawing.Point, _ to: Drawing.Point, width: Double, _ colour: Drawing.Colour
  ) {
    let reach = width / 2 + 1
    guard let columns = Self.pixels(from.x, to.x, reach, below: self.width),
      let rows = Self.pixels(from.y, to.y, reach, below: height)
    else { return }
    let (dx, dy) = (to.x - from.x, to.y - from.y)
    let square = dx * dx + dy * dy
    for row in rows {
      for column in columns {
        let (x, y) = (Double(column) + 0.5 - from.x, Double(row) + 0.5 - from.y)
        let along = square > 0 ? min(max((x * dx + y * dy) / square, 0), 1) : 0
        let (u, v) = (x - along * dx, y - along * dy)
        // The share of the pixel that the line covers, from its middle's distance.
        let share = min(max(width / 2 + 0.5 - (u * u + v * v).squareRoot(), 0), 1)
        if share > 0 { blend(3 * (row * self.width + column), share, colour) }
      }
    }
  }

  /// The pixels between two places, with some more on both sides; nil where there are none.
  private static func pixels(_ a: Double, _ b: Double, _ reach: Double, below limit: Int) -> Range<Int>? {
    let (low, high) = (max(min(a, b) - reach, 0), min(max(a, b) + reach, Double(limit - 1)))
    return low <= high ? Int(low)..<(Int(high) + 1) : nil
  }

  private mutating func blend(_ place: Int, _ share: Double, _ colour: Drawing.Colour) {
    func mixed(_ old: UInt8, _ new: UInt8) -> UInt8 {
      UInt8((Double(old) + share * (Double(new) - Double(old))).rounded())
    }
    pixels[place] = mixed(pixels[place], colour.red)
    pixels[place + 1] = mixed(pixels[place + 1], colour.green)
    pixels[place + 2] = mixed(pixels[place + 2], colour.blue)
  }
}
