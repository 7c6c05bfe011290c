/// Lines, dots and words on a white page, to be written as SVG or as PNG. Lengths in units of the page, y downwards.
struct Drawing: Sendable {
  struct Point: Sendable {
    var x: Double
    var y: Double
  }
  /// Red, green and blue, eight bits each.
  struct Colour: Sendable {
    var red: UInt8
    var green: UInt8
    var blue: UInt8

    /// From 0xRRGGBB.
    init(_ hex: UInt32) {
      red = UInt8(truncatingIfNeeded: hex >> 16)
      green = UInt8(truncatingIfNeeded: hex >> 8)
      blue = UInt8(truncatingIfNeeded: hex)
    }

    var text: String {
      "#" + [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
  }
  /// Which end of a text stands at its place.
  enum Anchor: String, Sendable { case start, middle, end }
  enum Mark: Sendable {
    case line([Point], width: Double, Colour)
    case dot(Point, radius: Double, Colour)
    /// The place is on the base line.
    case text(String, Point, size: Double, Anchor, Colour)
  }

  let width: Int
  let height: Int
  private(set) var marks: [Mark] = []

  init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  mutating func line(_ points: [Point], width: Double, colour: Colour) {
    marks.append(.line(points, width: width, colour))
  }

  mutating func dot(_ centre: Point, radius: Double, colour: Colour) {
    marks.append(.dot(centre, radius: radius, colour))
  }

  mutating func text(
    _ text: String, x: Double, y: Double, size: Double = 12, anchor: Anchor = .start, colour: Colour = Colour(0)
  ) {
    marks.append(.text(text, Point(x: x, y: y), size: size, anchor, colour))
  }

  // MARK: SVG

  var svg: String {
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height)\" font-family=\"sans-serif\">",
      "<rect width=\"\(width)\" height=\"\(height)\" fill=\"white\"/>",
    ]
    for mark in marks {
      switch mark {
      case .line(let points, let width, let colour):
        let places = points.map { "\(Float($0.x)),\(Float($0.y))" }.joined(separator: " ")
        parts.append(
          "<polyline fill=\"none\" stroke=\"\(colour.text)\" stroke-width=\"\(width)\" points=\"\(places)\"/>")
      case .dot(let centre, let radius, let colour):
        parts.append(
          "<circle cx=\"\(Float(centre.x))\" cy=\"\(Float(centre.y))\" r=\"\(radius)\" fill=\"\(colour.text)\"/>")
      case .text(let text, let place, let size, let anchor, let colour):
        parts.append(
          "<text x=\"\(Float(place.x))\" y=\"\(Float(place.y))\" font-size=\"\(size)\" fill=\"\(colour.text)\" "
            + "text-anchor=\"\(anchor.rawValue)\">\(Self.escaped(text))</text>")
      }
    }
    return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }

  // MARK: PNG

  /// The page in pixels.
  /// - Parameter scale: pixels of a unit.
  func png(scale: Double = 2) -> [UInt8] {
    var raster = Raster(width: Int(Double(width) * scale), height: Int(Double(height) * scale))
    func scaled(_ point: Point) -> Point { Point(x: point.x * scale, y: point.y * scale) }
    for mark in marks {
      switch mark {
      case .line(let points, let width, let colour):
        raster.line(points.map(scaled), width: width * scale, colour: colour)
      case .dot(let centre, let radius, let colour):
        raster.line([scaled(centre)], width: 2 * radius * scale, colour: colour)
      case .text(let text, let place, let size, let anchor, let colour):
        // The thickness of a usual sans-serif face's stem.
        for stroke in StrokeFont.strokes(text, at: place, size: size, anchor: anchor) {
          raster.line(stroke.map(scaled), width: size * scale / 10, colour: colour)
        }
      }
    }
    return PortableNetworkGraphics.file(raster)
  }
}
