import ArmModel
import CEvdev
import Testing

@testable import Gamepads

@Suite struct InterpreterTests {
  @Test("enable is held while its button is, and each press counts")
  func enable() throws {
    var rig = try PadRig()
    #expect(rig.input.status.has([.present, .known, .neutral]))
    rig.key(BTN_TR, true)
    #expect(rig.input.held == OperatorButtons(.enable) && rig.presses(.enable) == 1)
    #expect(rig.input.status.has([.enableIsDown, .neutralAtEnable]))
    rig.key(BTN_TR, false)
    #expect(rig.input.held == .none && !rig.input.status.has(.enableIsDown))
    rig.key(BTN_TR, true)
    #expect(rig.presses(.enable) == 2)
  }

  @Test("nothing acts before its report closes the frame")
  func frames() throws {
    var rig = try PadRig()
    rig.event(EV_KEY, BTN_EAST, 1)
    rig.event(EV_ABS, ABS_X, 32767)
    #expect(rig.input.held == .none && rig.input.leftX == 0)
    rig.report()
    #expect(rig.input.held.has(.stop) && rig.input.leftX > 0.99)
  }

  @Test("a press and its release in one frame count as a press")
  func shortPress() throws {
    var rig = try PadRig()
    rig.event(EV_KEY, BTN_EAST, 1)
    rig.event(EV_KEY, BTN_EAST, 0)
    rig.report()
    #expect(rig.input.held == .none && rig.presses(.stop) == 1)
    // The same for enable: its new press shows although it is held before and after.
    rig.key(BTN_TR, true)
    rig.event(EV_KEY, BTN_TR, 0)
    rig.event(EV_KEY, BTN_TR, 1)
    rig.report()
    #expect(rig.input.held.has(.enable) && rig.presses(.enable) == 2)
  }

  @Test("a button that is down when the pad appears is stuck: enable is not trusted, stop acts")
  func stuck() throws {
    var rig = try PadRig(keysDown: [UInt16(BTN_TR), UInt16(BTN_EAST)])
    #expect(rig.input.held == OperatorButtons(.stop))
    #expect(rig.input.status.has(.enableIsDown))
    #expect(rig.presses(.enable) == 0 && rig.presses(.stop) == 0)
    // Other buttons do not make it trusted.
    rig.key(BTN_SOUTH, true)
    rig.key(BTN_SOUTH, false)
    rig.axis(ABS_HAT0X, 1)
    rig.axis(ABS_HAT0X, 0)
    #expect(!rig.input.held.has(.enable) && rig.presses(.enable) == 0)
    // Autorepeat is no press.
    rig.event(EV_KEY, BTN_TR, 2)
    rig.report()
    #expect(!rig.input.held.has(.enable))
    rig.key(BTN_TR, false)
    rig.key(BTN_TR, true)
    #expect(rig.input.held.has(.enable) && rig.presses(.enable) == 1)
  }

  @Test("release needs stop and shift, in either order; stop acts with or without shift")
  func releaseChord() throws {
    for order in [[BTN_TL, BTN_EAST], [BTN_EAST, BTN_TL]] {
      var rig = try PadRig()
      rig.key(order[0], true)
      #expect(!rig.input.held.has(.release))
      rig.key(order[1], true)
      #expect(rig.input.held.has(.release) && rig.input.held.has(.stop))
      #expect(rig.presses(.release) == 1 && rig.presses(.stop) == 1)
      rig.key(BTN_TL, false)
      #expect(rig.input.held == OperatorButtons(.stop))
    }
  }

  @Test("other chords need shift first, and letting shift go begins nothing")
  func chords() throws {
    var rig = try PadRig()
    rig.key(BTN_START, true)
    rig.key(BTN_TL, true)
    #expect(rig.input.held == OperatorButtons(.start) && rig.presses(.reset) == 0)
    rig.key(BTN_START, false)
    rig.key(BTN_START, true)
    #expect(rig.input.held == OperatorButtons(.reset) && rig.presses(.start) == 1)
    rig.key(BTN_TL, false)
    #expect(rig.input.held == OperatorButtons(.reset) && rig.presses(.start) == 1)
    rig.key(BTN_START, false)
    // A control without a second role has none with shift held.
    rig.key(BTN_TL, true)
    rig.key(BTN_SOUTH, true)
    rig.key(BTN_TL, false)
    #expect(rig.input.held == .none && rig.presses(.success) == 0)
  }

  @Test("lost events: enable is released at once, stays so when its button is still down, and needs a new press")
  func loss() throws {
    var rig = try PadRig()
    rig.key(BTN_TR, true)
    rig.axis(ABS_X, 32767)
    // An unfinished frame is thrown away with the rest.
    rig.event(EV_KEY, BTN_SOUTH, 1)
    rig.pad.beginLoss(now: rig.now)
    #expect(!rig.input.held.has(.enable) && rig.input.leftX == 0 && rig.input.losses == 1)
    #expect(rig.input.status.has(.eventsLost) && !rig.input.status.has(.neutral))
    rig.event(EV_KEY, BTN_EAST, 1)
    rig.event(EV_KEY, BTN_START, 1)
    rig.report()
    rig.pad.endLoss(now: rig.now)
    #expect(rig.input.leftX > 0.99 && rig.input.held.has(.stop) && !rig.input.held.has(.enable))
    // A stop found on the way counts, an episode's button does not.
    #expect(rig.presses(.stop) == 1 && rig.presses(.start) == 0 && rig.presses(.success) == 0)
    rig.key(BTN_EAST, false)
    #expect(!rig.input.held.has(.enable) && rig.input.status.has(.enableIsDown))
    rig.key(BTN_TR, false)
    #expect(rig.input.status.has(.eventsLost))
    rig.key(BTN_TR, true)
    #expect(rig.input.held.has(.enable) && !rig.input.status.has(.eventsLost))
  }

  @Test("a wireless pad that says nothing for 3 s while enabled is silent; with a cable a steady hand is no fault")
  func silence() throws {
    var cable = try PadRig()
    cable.key(BTN_TR, true)
    cable.pass(60)
    #expect(cable.input.held.has(.enable))
    var radio = try PadRig(link: .init(isWireless: true))
    radio.key(BTN_TR, true)
    radio.pass(2.99)
    #expect(radio.input.held.has(.enable))
    radio.pass(0.03)
    #expect(!radio.input.held.has(.enable) && radio.input.status.has([.silent, .enableIsDown]))
    // Events alone do not bring it back, a new press does.
    radio.axis(ABS_X, 20000)
    #expect(!radio.input.held.has(.enable))
    radio.key(BTN_TR, false)
    radio.key(BTN_TR, true)
    #expect(radio.input.held.has(.enable) && !radio.input.status.has(.silent))
    // Any event is a sign of life.
    for step in 0..<20 {
      radio.pass(1)
      radio.axis(ABS_X, Int32(20000 + step))
    }
    #expect(radio.input.held.has(.enable))
  }

  @Test("a heartbeat shows a lost link within a quarter of a second, and keeps a steady hand alive")
  func heartbeat() throws {
    var rig = try PadRig(link: .init(isWireless: true, hasHeartbeat: true))
    #expect(rig.input.status.has([.wireless, .heartbeat]))
    rig.key(BTN_TR, true)
    for _ in 0..<100 {
      rig.pass(0.1)
      rig.pad.heard(now: rig.now)
    }
    #expect(rig.input.held.has(.enable))
    rig.pass(0.3)
    #expect(rig.input.status.has(.silent) && !rig.input.held.has(.enable))
  }

  @Test("an axis that stands at 0 is unknown until it reports; any other value has been reported")
  func firstReport() throws {
    var rig = try PadRig(values: [0: 100, 1: 0, 3: 100, 4: 100])
    #expect(!rig.input.status.has(.known) && !rig.input.status.has(.neutral))
    #expect(rig.pad.unknownControls == [.leftY])
    rig.axis(ABS_RX, 32767)
    #expect(rig.input.rightX == 0)
    rig.key(BTN_TR, true)
    #expect(rig.input.held.has(.enable) && !rig.input.status.has(.neutralAtEnable))
    rig.axis(ABS_Y, 5)
    #expect(rig.input.status.has(.known) && rig.input.rightX > 0.99)
  }

  @Test("what was deflected when enable was pressed is told until the next press")
  func neutralAtEnable() throws {
    var rig = try PadRig()
    rig.axis(ABS_X, 30000)
    rig.key(BTN_TR, true)
    #expect(!rig.input.status.has(.neutralAtEnable))
    rig.axis(ABS_X, 0)
    #expect(rig.input.status.has(.neutral) && !rig.input.status.has(.neutralAtEnable))
    rig.key(BTN_TR, false)
    rig.key(BTN_TR, true)
    #expect(rig.input.status.has(.neutralAtEnable))
  }

  @Test("a resting stick's centre is learned; moving it or holding enable learns nothing")
  func learning() throws {
    var rig = try PadRig(values: [0: 1500, 1: -100, 3: 50, 4: 1])
    rig.key(BTN_TR, true)
    rig.pass(2)
    rig.key(BTN_TR, false)
    #expect(rig.pad.value(of: .leftX) > 0.04)
    rig.pass(0.6)
    #expect(rig.pad.value(of: .leftX) == 0)
    rig.axis(ABS_X, 32767)
    #expect(rig.input.leftX > 0.99)
    rig.axis(ABS_X, -32768)
    #expect(rig.input.leftX < -0.99)
    // Held far out for long, the centre stays.
    rig.axis(ABS_X, 8000)
    rig.pass(5)
    #expect(rig.pad.value(of: .leftX) > 0.19)
  }

  @Test("the counts go on from pad to pad; the connection counts up; what is gone says nothing")
  func reconnection() throws {
    var first = try PadRig()
    first.key(BTN_EAST, true)
    first.axis(ABS_X, 32767)
    let gone = first.pad.gone(now: first.now)
    #expect(gone.status.rawValue == 0 && gone.held == .none && gone.leftX == 0 && gone.presses[1] == 1)
    let second = try PadRig(previous: gone)
    #expect(second.input.connection == 2 && second.presses(.stop) == 1)
  }

  @Test("hostile events change nothing outside the pad: unknown codes, repeated reports, endless frames, wild values")
  func hostile() throws {
    var rig = try PadRig()
    for code in [0, 0x2FF, 0x300, 0xFFFF] as [UInt16] {
      for type in [1, 3, 4, 0x15, 0xFFFF] as [UInt16] {
        rig.pad.take(PadEvent(type: type, code: code, value: .max, stamp: .max), now: rig.now)
        rig.pad.take(PadEvent(type: type, code: code, value: .min, stamp: .min), now: rig.now)
      }
    }
    rig.report()
    #expect(rig.input.leftX >= -1 && rig.input.leftX <= 1)
    for step in 0..<10_000 { rig.event(EV_ABS, ABS_Y, Int32(step)) }
    rig.key(BTN_EAST, true)
    #expect(rig.input.held.has(.stop))
  }

  @Test("random lives: enable is never held without a press since the last doubt", arguments: 0..<10)
  func randomLives(_ seed: Int) throws {
    var numbers = Numbers(state: UInt64(seed))
    var rig = try PadRig(
      keysDown: numbers.below(2) == 0 ? [UInt16(BTN_TR)] : [],
      link: .init(isWireless: numbers.below(2) == 0, hasHeartbeat: numbers.below(2) == 0))
    // A model of the rule in its shortest form.
    var isDown = rig.input.status.has(.enableIsDown)
    var isTrusted = false
    let keys = [BTN_TR, BTN_TR, BTN_TL, BTN_EAST, BTN_SOUTH, BTN_START, BTN_SELECT]
    var state: [Int32: Bool] = [BTN_TR: isDown]
    var counted = rig.presses(.enable)
    for _ in 0..<1000 {
      switch numbers.below(10) {
      case 0...5:
        let code = keys[numbers.below(keys.count)]
        let new = !(state[code] ?? false)
        state[code] = new
        rig.key(code, new)
        if code == BTN_TR {
          isDown = new
          isTrusted = new
          if new { counted &+= 1 }
        }
      case 6: rig.axis([ABS_X, ABS_Y, ABS_RX, ABS_Z][numbers.below(4)], Int32(truncatingIfNeeded: numbers.next()))
      case 7:
        rig.pad.beginLoss(now: rig.now)
        isTrusted = false
        for code in keys where numbers.below(3) == 0 {
          let new = numbers.below(2) == 0
          state[code] = new
          if code == BTN_TR { isDown = new }
          rig.event(EV_KEY, code, new ? 1 : 0)
        }
        rig.report()
        rig.pad.endLoss(now: rig.now)
      case 8:
        rig.pad.heard(now: rig.now)
        rig.pass(0.1)
      default:
        rig.pass(3.1)
        if rig.pad.link.isWireless { isTrusted = false }
      }
      let input = rig.input
      #expect(input.held.has(.enable) == (isDown && isTrusted))
      #expect(input.status.has(.enableIsDown) == isDown)
      #expect(input.presses[0] == counted)
      #expect(input.held.has(.stop) == (state[BTN_EAST] ?? false))
      #expect(input.held.has(.release) == ((state[BTN_EAST] ?? false) && (state[BTN_TL] ?? false)))
      #expect(abs(input.leftX) <= 1 && abs(input.leftY) <= 1 && abs(input.gripper) <= 1)
      #expect(input.leftX * input.leftX + input.leftY * input.leftY <= 1.000001)
    }
  }
}
