import CZlib
import Glibc
import Learning
import Testing

@testable import Training

/// Learning curves as pictures.
@Suite("Learning curves") struct LearningCurveTests {
  static let csv =
    LearningCurve.header + "\n1000,20,-10,50,,,,,,,,,,\n2000,40,-6,50,-5,,,,,,,,,\n4000,80,-2,50,,,,,,,,,,\n"

  /// What a reader of PNG files sees: every chunk's checksum, the header, the unpacked rows.
  static func read(_ bytes: [UInt8]) throws -> (width: Int, height: Int, pixels: [UInt8]) {
    #expect(bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]))
    func number(_ place: Int) -> Int { bytes[place..<(place + 4)].reduce(0) { $0 << 8 | Int($1) } }
    var place = 8
    var chunks: [(name: String, data: [UInt8])] = []
    while place < bytes.count {
      let length = number(place)
      let checked = Array(bytes[(place + 4)..<(place + 8 + length)])
      #expect(Int(crc32_z(0, checked, checked.count)) == number(place + 8 + length))
      chunks.append((String(decoding: checked.prefix(4), as: UTF8.self), Array(checked.dropFirst(4))))
      place += 12 + length
    }
    #expect(chunks.map(\.name) == ["IHDR", "IDAT", "IEND"])
    let (width, height) = (number(16), number(20))
    #expect(Array(bytes[24..<29]) == [8, 2, 0, 0, 0])
    var size = UInt(height * (3 * width + 1) + 1)
    var rows = [UInt8](repeating: 0, count: Int(size))
    #expect(uncompress(&rows, &size, chunks[1].data, UInt(chunks[1].data.count)) == Z_OK)
    #expect(Int(size) == height * (3 * width + 1))
    var pixels: [UInt8] = []
    for row in 0..<height {
      let first = row * (3 * width + 1)
      #expect(rows[first] == 0)
      pixels += rows[(first + 1)..<(first + 1 + 3 * width)]
    }
    return (width, height, pixels)
  }

  @Test("the PNG shows what the SVG shows: line, dots, labels and axes in their places")
  func picture() throws {
    let drawing = LearningCurve(csv: Self.csv, upTo: 4000).drawing(title: "reacher-v5, ppo, seed 1")
    let image = try Self.read(drawing.png())
    #expect(image.width == 1440 && image.height == 800)
    func colour(_ x: Double, _ y: Double) -> [UInt8] {
      let place = 3 * (Int(2 * y) * image.width + Int(2 * x))
      return Array(image.pixels[place..<(place + 3)])
    }
    /// Pixels of a page's rectangle that are darker than a shade of grey.
    func ink(_ x: ClosedRange<Int>, _ y: ClosedRange<Int>) -> Int {
      var count = 0
      for row in (2 * y.lowerBound)..<(2 * y.upperBound) {
        for column in (2 * x.lowerBound)..<(2 * x.upperBound) {
          count += image.pixels[3 * (row * image.width + column)] < 128 ? 1 : 0
        }
      }
      return count
    }
    #expect(colour(5, 5) == [255, 255, 255])
    // Steps 0 to 4000 stand at 70 to 690; returns −2 to −10 at 50 to 360.
    #expect(colour(70 + 620 * 0.75, 50 + 310 * 0.25) == [0x2b, 0x6c, 0xb0])
    #expect(colour(70 + 620 * 0.5, 50 + 310 * 0.375) == [0xdd, 0x6b, 0x20])
    // Title, names of the axes, the ends of their scales.
    for (x, y) in [(70...240, 8...22), (70...150, 30...42), (320...440, 384...398), (30...64, 45...56)] {
      #expect(ink(x, y) > 100)
    }
    for x in [65...75, 675...705] { #expect(ink(x, 366...380) > 20) }
    #expect(ink(600...719, 120...300) == 0)
    let svg = drawing.svg
    for text in ["<polyline", "<circle", "environment steps", "mean return", ">4000<", ">-10.0<", "seed 1"] {
      #expect(svg.contains(text), "\(text)")
    }
  }

  @Test("a run without an ended episode makes an empty page, not a failure")
  func empty() throws {
    let drawing = LearningCurve(csv: LearningCurve.header + "\n64,0,,,,,,,,,,,,\n", upTo: 64).drawing(title: "x")
    #expect(try Self.read(drawing.png(scale: 1)).pixels.allSatisfy { $0 == 255 })
    #expect(drawing.svg.contains("</svg>"))
  }

  @Test("every printable character has strokes of its own, as wide as it says; unknown ones are boxes")
  func font() {
    var seen: Set<String> = []
    for code in UInt8(33)...126 {
      let text = String(UnicodeScalar(code))
      let strokes = StrokeFont.strokes(text, at: Drawing.Point(x: 0, y: 0), size: 100, anchor: .start)
      #expect(!strokes.isEmpty && strokes.allSatisfy { !$0.isEmpty }, "\(text)")
      // Capital letters of 72 units; nothing leaves the line.
      #expect(
        strokes.joined().allSatisfy { (0...48.001).contains($0.x) && (-84.001...24.001).contains($0.y) }, "\(text)")
      seen.insert("\(strokes)")
    }
    // O and 0 are alike, and so are . and others drawn alike in many faces.
    #expect(seen.count >= 92)
    let box = StrokeFont.strokes("μ", at: Drawing.Point(x: 0, y: 0), size: 100, anchor: .start)
    #expect(box.count == 1 && box[0].count == 5)
    let end = StrokeFont.strokes("12", at: Drawing.Point(x: 50, y: 0), size: 10, anchor: .end)
    #expect(abs((end.joined().map(\.x).max() ?? 0) - 50) < 1e-9)
  }
}
