/// Letters made of straight strokes, for pictures without a font: the printable characters of ASCII.
///
/// Places are digits on a grid: x from 0, y from 0 (lowest descender) over 2 (base line) and 6 (small letters) to 8 (capital
/// letters).
enum StrokeFont {
  /// One line a character, from ! on; strokes apart by blanks, each a row of places xy.
  private static let table = """
    0804 0202
    0806 2826
    1218 3238 0646 0444
    372818070615253433221203 1911
    0248 0808 4242
    4206071827260403122244
    0806
    18060412
    08161402
    2723 0644 4604
    0444 2622
    1201
    0424
    0202
    0138
    120307182837332212
    071812 0222
    07182837360232
    07182837362515 253433221203
    22280434
    380805253433221203
    372818070312223334251504
    083812
    15060718283736251504031222333425
    031222333728180706152536
    0202 0505
    0505 1201
    360432
    0535 0333
    063402
    07182837362524 2222
    32120307183847443424263634
    022842 1434
    250508283736253433220205
    3728180703122233
    02082837332202
    38080232 0525
    380802 0525
    37281807031222333525
    0208 3238 0535
    0222 1218 0828
    3833221203
    0208 3804 1532
    080232
    0208254842
    02083238
    120307182837332212
    02082837362505
    120307182837332212 2432
    02082837362505 1532
    372818070615253433221203
    0848 2822
    080312223338
    082248
    0812263248
    0238 0832
    082548 2522
    08380232
    18080212
    0831
    08181202
    061826
    0141
    0817
    3526160503122233 3632
    0802 0516263533221203
    3526160503122233
    3832 3526160503122233
    04343526160503122233
    281712 0626
    3631201001 3526160503122233
    0802 0516263532
    0602 0808
    161100 1818
    0802 3603 1432
    080312
    0206 05162522 25364542
    0206 0516263532
    120305162635332212
    0006 0516263533221203
    3036 3526160503122233
    0206 051626
    35261605142433221203
    181322 0626
    0603122233 3632
    062246
    0612253246
    0236 0632
    0622 46221000
    06360232
    28171605141322
    0800
    08171625141302
    04152435
    """
  private static let glyphs: [[[Drawing.Point]]] = table.split(separator: "\n").map { line in
    line.split(separator: " ").map { stroke in
      let digits = stroke.utf8.map { Double($0) - 48 }
      return (0..<(digits.count / 2)).map { Drawing.Point(x: digits[2 * $0], y: digits[2 * $0 + 1]) }
    }
  }
  /// What stands for a character that is not known: a box.
  private static let unknown = [[0, 2], [0, 8], [3, 8], [3, 2], [0, 2]].map { Drawing.Point(x: $0[0], y: $0[1]) }
  /// Units of the grid between two characters, and of a blank.
  private static let gap = 1.7
  private static let blank = 2.5
  /// Share of the font's size that a unit is: capital letters of six units are as high as usual ones.
  private static let unit = 0.12

  private static func glyph(_ character: Character) -> [[Drawing.Point]] {
    guard let code = character.asciiValue, code > 32, code < 127 else { return character == " " ? [] : [unknown] }
    return glyphs[Int(code) - 33]
  }

  private static func width(_ glyph: [[Drawing.Point]]) -> Double {
    glyph.joined().map(\.x).max() ?? blank - gap
  }

  /// A text's strokes on the page.
  /// - Parameters:
  ///   - place: the text's start, middle or end on the base line.
  ///   - size: of the font, in units of the page.
  static func strokes(
    _ text: String, at place: Drawing.Point, size: Double, anchor: Drawing.Anchor
  ) -> [[Drawing.Point]] {
    let glyphs = text.map(glyph)
    let length = glyphs.reduce(-gap) { $0 + width($1) + gap } * unit * size
    var x = place.x - (anchor == .start ? 0 : (anchor == .middle ? length / 2 : length))
    var strokes: [[Drawing.Point]] = []
    for glyph in glyphs {
      strokes += glyph.map { stroke in
        stroke.map { Drawing.Point(x: x + $0.x * unit * size, y: place.y - ($0.y - 2) * unit * size) }
      }
      x += (width(glyph) + gap) * unit * size
    }
    return strokes
  }
}
