import CEvdev
import Testing

@testable import Gamepads

/// A person who answers the guide's questions on a pad with given sources.
@Suite struct GuideTests {
  struct Person {
    var guide: MappingGuide
    var now: Int64 = 0
    let rest: [UInt16: Int32]
    var answers: [MappingGuide.Answer] = []

    init(capabilities: PadCapabilities, rest: [UInt16: Int32], known: [PadControl: PadSource] = [:]) {
      self.rest = rest
      guide = MappingGuide(capabilities: capabilities, keysDown: [], axisValues: [:], known: known, now: 0)
    }

    mutating func send(_ type: Int32, _ code: UInt16, _ value: Int32) {
      now += 5_000_000
      if let answer = guide.take(PadEvent(type: UInt16(type), code: code, value: value, stamp: now), now: now) {
        answers.append(answer)
      }
    }
    mutating func axis(_ code: UInt16, _ value: Int32) { send(EV_ABS, code, value) }
    mutating func wait() {
      now += 1_000_000_000
      if let answer = guide.tick(now: now) { answers.append(answer) }
    }
    mutating func loosen() {
      for (code, value) in rest {
        axis(code, value == 128 ? 255 : 1)
        axis(code, value)
      }
      wait()
    }
    /// Presses or pushes what is behind a source, the way the control asks for.
    mutating func use(_ source: PadSource) {
      switch source {
      case .key(let code):
        send(EV_KEY, code, 1)
        send(EV_KEY, code, 0)
      case .axis(let code, let part, let isInverted):
        let isHat = code >= 16
        let least: Int32 = isHat ? -1 : 0
        let most: Int32 = isHat ? 1 : 255
        var goal = part == .negative ? least : most
        if isInverted { goal = least }
        for step in 1...4 {
          let start = rest[code] ?? 0
          axis(code, isHat ? goal : start + (goal - start) * Int32(step) / 4)
        }
        axis(code, rest[code] ?? 0)
      }
    }
    mutating func answer(_ sources: [PadControl: PadSource]) {
      while case .control(let control) = guide.step {
        guard var source = sources[control] else {
          guard guide.skip() else { return }
          continue
        }
        // Away from the person the kernel counts downwards.
        if control == .leftY || control == .rightY, case .axis(let code, let part, let isInverted) = source {
          source = .axis(code, part: part, isInverted: !isInverted)
        }
        let before = guide.step
        use(source)
        if guide.step == before { return }
      }
    }
  }

  static var capabilities: PadCapabilities {
    var result = PadCapabilities()
    result.keys = Set(0x120...0x12D)
    for code in [0, 1, 2, 3, 4, 5] as [UInt16] { result.axes[code] = AxisRange(minimum: 0, maximum: 255) }
    for code in [16, 17] as [UInt16] { result.axes[code] = AxisRange(minimum: -1, maximum: 1) }
    return result
  }
  static let rest: [UInt16: Int32] = [0: 128, 1: 128, 2: 128, 5: 128, 3: 0, 4: 0, 16: 0, 17: 0]
  /// A DualShock 4 under the generic driver, whose triggers switch (0x126, 0x127) and measure.
  static let sources = PadFamily.playstationGeneric.sources

  @Test("a person who does what is asked gets the pad's true mapping")
  func whole() throws {
    var person = Person(capabilities: Self.capabilities, rest: Self.rest)
    #expect(person.guide.step == .loosen)
    person.wait()
    #expect(person.guide.step == .loosen, "nothing was moved yet")
    person.loosen()
    #expect(person.guide.step == .control(.a))
    person.answer(Self.sources)
    #expect(person.guide.step == .edges)
    #expect(person.guide.sources == Self.sources)
    for code in [0, 1, 2, 5] as [UInt16] {
      person.axis(code, 3)
      person.axis(code, 250)
      person.axis(code, 128)
    }
    person.use(.key(0x121))
    #expect(person.guide.step == .done)
    #expect(person.guide.calibration[0] == AxisCalibration(minimum: 3, centre: 128, maximum: 255))
    let mapping = PadMapping(origin: "", labels: .playstation, sources: person.guide.sources)
    #expect(OperatorLayout.standard.missing(in: mapping).isEmpty)
  }

  @Test("a trigger that switches and measures at once is taken by its measure")
  func doubleTrigger() throws {
    var known = Self.sources
    known[.leftTrigger] = nil
    var person = Person(capabilities: Self.capabilities, rest: Self.rest, known: known)
    person.loosen()
    #expect(person.guide.step == .control(.leftTrigger) && person.guide.remaining == 1)
    person.send(EV_KEY, 0x126, 1)
    person.axis(3, 255)
    person.axis(3, 0)
    person.send(EV_KEY, 0x126, 0)
    #expect(person.guide.sources[.leftTrigger] == .axis(ABS_RX))
  }

  @Test("a stick that runs the other way round is inverted")
  func inverted() throws {
    var known = Self.sources
    known[.leftX] = nil
    known[.leftY] = nil
    var person = Person(capabilities: Self.capabilities, rest: Self.rest, known: known)
    person.loosen()
    person.use(.axis(0, part: .whole, isInverted: true))
    person.use(.axis(1, part: .whole, isInverted: false))
    #expect(person.guide.sources[.leftX] == .axis(0, part: .whole, isInverted: true))
    #expect(person.guide.sources[.leftY] == .axis(1, part: .whole, isInverted: true))
  }

  @Test("what cannot be it is refused and asked for again; what is needed cannot be left out; back asks again")
  func mistakes() throws {
    var person = Person(capabilities: Self.capabilities, rest: Self.rest)
    person.loosen()
    let couldSkip = person.guide.skip()
    #expect(!couldSkip)
    person.use(.key(0x121))
    person.use(.key(0x121))
    #expect(person.answers.last == .refused("that is 'a' already"))
    #expect(person.guide.step == .control(.b))
    // A stick that trembles is no press.
    person.axis(0, 134)
    person.axis(0, 128)
    #expect(person.guide.step == .control(.b))
    person.use(.key(0x122))
    #expect(person.guide.step == .control(.x))
    let wentBack = person.guide.back()
    #expect(wentBack)
    #expect(person.guide.step == .control(.b) && person.guide.sources[.b] == nil)
    person.use(.key(0x122))
    let hasSkipped = person.guide.skip()
    #expect(hasSkipped && person.guide.step == .control(.y))
  }

  @Test("random events never map two controls to one source", arguments: 0..<10)
  func random(_ seed: Int) {
    var numbers = Numbers(state: UInt64(seed))
    var person = Person(capabilities: Self.capabilities, rest: Self.rest)
    person.loosen()
    for _ in 0..<1500 {
      switch numbers.below(12) {
      case 0...4: person.send(EV_KEY, UInt16(0x11E + numbers.below(18)), Int32(numbers.below(3)))
      case 5...8: person.axis(UInt16(numbers.below(20)), Int32(truncatingIfNeeded: numbers.below(400) - 100))
      case 9: person.wait()
      case 10: for (code, value) in Self.rest { person.axis(code, value) }
      default: _ = numbers.below(4) == 0 ? person.guide.back() : person.guide.skip()
      }
      #expect(Set(person.guide.sources.values).count == person.guide.sources.count)
    }
  }
}
