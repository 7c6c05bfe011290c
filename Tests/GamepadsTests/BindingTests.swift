import ArmModel
import Testing

@testable import Gamepads

@Suite struct BindingTests {
  static func pad(_ number: Int, unique: String = "", place: String = "", product: UInt16 = 0x028E) -> PadIdentity {
    PadIdentity(
      path: "/dev/input/event\(number)", name: "Pad", bus: 3, vendor: 0x045E, product: product, version: 1,
      unique: unique, place: place)
  }

  @Test("the first pad is taken, then no other while it is there")
  func first() {
    var binding = PadBinding(pinnedPath: nil)
    #expect(binding.admits(Self.pad(5)))
    binding.bind(Self.pad(5))
    #expect(!binding.admits(Self.pad(6)) && !binding.admits(Self.pad(5)))
  }

  @Test("after the loss: the same place, or newly plugged in; never one that stood by")
  func loss() {
    var binding = PadBinding(pinnedPath: nil)
    binding.bind(Self.pad(5, place: "usb-1"))
    binding.lose(others: ["/dev/input/event5", "/dev/input/event6"])
    #expect(!binding.admits(Self.pad(6, place: "usb-2")))
    #expect(binding.admits(Self.pad(7, place: "usb-2")))
    #expect(binding.admits(Self.pad(6, place: "usb-1")))
    #expect(!binding.admits(Self.pad(7, place: "usb-1", product: 0x02EA)))
    // The bystander is pulled and plugged in again: a deliberate act.
    binding.see(["/dev/input/event5"])
    #expect(binding.admits(Self.pad(6, place: "usb-2")))
  }

  @Test("where serial numbers are known they decide")
  func serial() {
    var binding = PadBinding(pinnedPath: nil)
    binding.bind(Self.pad(5, unique: "aa"))
    binding.lose(others: [])
    #expect(binding.admits(Self.pad(9, unique: "aa")))
    #expect(!binding.admits(Self.pad(9, unique: "bb")))
    #expect(!binding.admits(Self.pad(9)))
  }

  @Test("receivers count as wireless, cables do not")
  func wireless() {
    var receiver = Self.pad(5, product: 0x0719)
    #expect(receiver.isWireless)
    receiver.product = 0x028E
    #expect(!receiver.isWireless)
    receiver.bus = 5
    #expect(receiver.isWireless)
  }

  @Test("an input that nobody renewed for 100 ms says that nobody is there, whatever it said")
  func age() {
    var input = OperatorInput()
    input.held = OperatorButtons(.enable)
    input.leftX = 1
    input.status = .present
    input.stamp = 1_000_000_000
    input.presses[1] = 7
    #expect(input.current(at: 1_100_000_000).held.has(.enable))
    let old = input.current(at: 1_100_000_001)
    #expect(old.held == .none && old.leftX == 0 && old.status.rawValue == 0 && old.presses[1] == 7)
  }

  @Test("presses between two looks are found, the first look finds none")
  func presses() {
    var input = OperatorInput()
    input.presses[1] = 200
    var presses = OperatorPresses()
    var pressed = presses.take(input)
    #expect(pressed == .none)
    pressed = presses.take(input)
    #expect(pressed == .none)
    input.presses[1] = 201
    input.presses[4] = 255
    pressed = presses.take(input)
    #expect(pressed.roles == [.stop, .success])
    input.presses[4] = 0
    pressed = presses.take(input)
    #expect(pressed.roles == [.success])
  }
}
