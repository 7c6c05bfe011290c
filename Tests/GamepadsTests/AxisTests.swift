import Testing

@testable import Gamepads

@Suite struct AxisTests {
  static let ranges = [
    AxisRange(minimum: -32768, maximum: 32767, fuzz: 16, flat: 128),
    AxisRange(minimum: 0, maximum: 65535, fuzz: 255, flat: 4095), AxisRange(minimum: 0, maximum: 255),
    AxisRange(minimum: -32767, maximum: 32767, fuzz: 250, flat: 500), AxisRange(minimum: -1, maximum: 1),
    AxisRange(minimum: .min, maximum: .max),
  ]

  @Test("an axis reaches -1, 0 and 1 at its least, centre and most, and rises in between", arguments: ranges)
  func scale(_ range: AxisRange) {
    let scale = AxisScale(range: range)
    #expect(scale.symmetric(range.minimum) == -1 && scale.symmetric(range.maximum) == 1)
    #expect(scale.unipolar(range.minimum) == 0 && scale.unipolar(range.maximum) == 1)
    var last = -1.0
    for step in 0...1000 {
      let raw = Double(range.minimum) + (Double(range.maximum) - Double(range.minimum)) * Double(step) / 1000
      let value = scale.symmetric(Int32(raw.rounded()))
      #expect(value >= last && value <= 1)
      last = value
    }
    #expect(scale.symmetric(.min) >= -1 && scale.symmetric(.max) <= 1)
  }

  @Test("a range without extent, or turned round, gives 0 and not a fault")
  func degenerate() {
    for range in [AxisRange(minimum: 0, maximum: 0), AxisRange(minimum: 5, maximum: -5, flat: .max)] {
      let scale = AxisScale(range: range)
      for raw in [Int32.min, -5, 0, 5, .max] {
        #expect(scale.symmetric(raw) == 0 && scale.unipolar(raw) == 0)
      }
      #expect(scale.flatOfHalf == 0)
    }
  }

  @Test("measured ends and centre are used; nonsense among them is not")
  func calibration() {
    let range = AxisRange(minimum: 0, maximum: 255)
    let scale = AxisScale(range: range, calibration: AxisCalibration(minimum: 10, centre: 140, maximum: 240))
    #expect(scale.symmetric(140) == 0 && scale.symmetric(10) == -1 && scale.symmetric(240) == 1)
    let wrong = AxisScale(range: range, calibration: AxisCalibration(minimum: 10, centre: 5, maximum: 240))
    #expect(wrong == AxisScale(range: range))
  }

  @Test("a stick: 0 inside the dead zone, no step at its edge, full at the rim, direction kept, never above 1")
  func radial() {
    var numbers = Numbers(state: 3)
    for _ in 0..<3000 {
      let x = Double(numbers.below(2001) - 1000) / 1000
      let y = Double(numbers.below(2001) - 1000) / 1000
      let out = DeadZone.radial(x: x, y: y, radius: 0.1)
      let length = (x * x + y * y).squareRoot()
      let result = (out.x * out.x + out.y * out.y).squareRoot()
      if length <= 0.1 {
        #expect(out == (0, 0))
      } else {
        #expect(result <= 1 + 1e-12 && result > 0)
        #expect(abs(result - min((length - 0.1) / 0.9, 1)) < 1e-12)
        // The direction stays.
        #expect(abs(out.x * y - out.y * x) < 1e-12)
      }
    }
    #expect(DeadZone.radial(x: 1, y: 0, radius: 0.1) == (1, 0))
    #expect(DeadZone.radial(x: 0.1001, y: 0, radius: 0.1).x < 0.001)
  }

  @Test("a trigger: 0 inside its dead zone, no step at the edge, 1 at the end")
  func linear() {
    #expect(DeadZone.linear(0.05, width: 0.05) == 0 && DeadZone.linear(1, width: 0.05) == 1)
    #expect(DeadZone.linear(0.0501, width: 0.05) < 0.001 && DeadZone.linear(0.0501, width: 0.05) > 0)
  }

  @Test("wherever a centre was learned, a stick at its true rest stays inside the dead zone", arguments: ranges)
  func learnedCentre(_ range: AxisRange) {
    let extent = Double(range.maximum) - Double(range.minimum)
    let middle = (Double(range.minimum) + Double(range.maximum)) / 2
    for step in -100...100 {
      var scale = AxisScale(range: range)
      // Learned anywhere, also where somebody held the stick.
      scale.learn(rest: Int32(exactly: (middle + extent * Double(step) / 200).rounded()) ?? 0)
      let rest = Int32(middle.rounded(.towardZero))
      #expect(abs(scale.symmetric(rest)) < DeadZone.stick)
      #expect(scale.symmetric(range.minimum) == -1 && scale.symmetric(range.maximum) == 1)
    }
  }
}
