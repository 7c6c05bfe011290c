import CEvdev
import Foundation
import TestSupport
import Testing

@testable import Gamepads

@Suite struct SDLMappingTests {
  static let xbox =
    "030000005e0400008e02000014010000,X360 Controller,a:b0,b:b1,back:b6,dpdown:h0.4,dpleft:h0.8,dpright:h0.2,dpup:h0.1,guide:b8,leftshoulder:b4,leftstick:b9,lefttrigger:a2,leftx:a0,lefty:a1,rightshoulder:b5,rightstick:b10,righttrigger:a5,rightx:a3,righty:a4,start:b7,x:b2,y:b3,platform:Linux,"

  static var database: String {
    get throws {
      try String(
        contentsOf: Fixtures.packageRoot.appendingPathComponent(
          "Sources/Gamepads/Resources/gamepads/gamecontrollerdb.txt"),
        encoding: .utf8)
    }
  }

  @Test("a line is read as SDL reads it, and gives the same codes as the built-in profile")
  func xbox() throws {
    let line = try SDLMapping(line: Self.xbox)
    #expect(line.name == "X360 Controller" && line.platform == "Linux" && line.bindings.count == 21)
    #expect(line.bindings[.up] == .hat(0, direction: 1))
    #expect(line.describes(PadRig.identity))
    let mapping = try line.resolved(for: PadRig.capabilities, labels: .xbox, origin: "")
    let builtIn = try #require(BuiltInProfiles.mapping(for: PadRig.identity, PadRig.capabilities))
    #expect(mapping.sources == builtIn.sources)
  }

  @Test("the GUID of a pad is the one in the database")
  func guid() {
    #expect(PadRig.identity.sdlGUID == "030000005e0400008e02000014010000")
  }

  @Test("DualShock 4, Xbox Series by Bluetooth and F310 on D resolve to the codes of their drivers")
  func families() throws {
    let database = SDLDatabase(text: try Self.database)
    func check(
      _ identity: PadIdentity, keys: [Int32], axes: [Int32: (Int32, Int32)], _ wanted: [PadControl: PadSource]
    ) throws {
      var capabilities = PadCapabilities()
      capabilities.keys = Set(keys.map { UInt16($0) })
      for (code, range) in axes { capabilities.axes[UInt16(code)] = AxisRange(minimum: range.0, maximum: range.1) }
      let line = try #require(database.mapping(for: identity), "\(identity.name)")
      let sources = try line.resolved(for: capabilities, labels: .xbox, origin: "").sources
      for (control, source) in wanted { #expect(sources[control] == source, "\(identity.name) \(control)") }
      // The profile that is built in says the same, in all that both map.
      let builtIn = try #require(BuiltInProfiles.mapping(for: identity, capabilities)).sources
      for (control, source) in builtIn where sources[control] != nil {
        #expect(sources[control] == source, "\(identity.name) \(control)")
      }
    }
    let hat: [Int32: (Int32, Int32)] = [ABS_HAT0X: (-1, 1), ABS_HAT0Y: (-1, 1)]
    func axes(_ codes: [Int32], _ range: (Int32, Int32)) -> [Int32: (Int32, Int32)] {
      hat.merging(codes.map { ($0, range) }) { $1 }
    }
    try check(
      PadIdentity(path: "", name: "DualShock 4", bus: 3, vendor: 0x054C, product: 0x09CC, version: 0x8111),
      keys: (0x130...0x13E).filter { $0 != 0x132 && $0 != 0x135 }, axes: axes([0, 1, 2, 3, 4, 5], (0, 255)),
      [.x: .button(BTN_WEST), .y: .button(BTN_NORTH), .back: .button(BTN_SELECT), .start: .button(BTN_START)])
    try check(
      PadIdentity(path: "", name: "Series", bus: 5, vendor: 0x045E, product: 0x0B13, version: 0x0501),
      keys: Array(0x130...0x13E), axes: axes([0, 1, 2, 5, 9, 10], (0, 65535)),
      [
        .rightX: .axis(ABS_Z), .rightY: .axis(ABS_RZ), .leftTrigger: .axis(ABS_BRAKE), .rightTrigger: .axis(ABS_GAS),
        .x: .key(0x133), .y: .key(0x134),
      ])
    try check(
      PadIdentity(path: "", name: "F310 D", bus: 3, vendor: 0x046D, product: 0xC216, version: 0x0110),
      keys: Array(0x120...0x12B), axes: axes([0, 1, 2, 5], (0, 255)),
      [.a: .key(0x121), .b: .key(0x122), .x: .key(0x120), .y: .key(0x123), .leftTrigger: .key(0x126)])
    try check(
      PadIdentity(path: "", name: "DualShock 4, generic", bus: 3, vendor: 0x054C, product: 0x09CC, version: 0x0111),
      keys: Array(0x120...0x12D), axes: axes([0, 1, 2, 3, 4, 5], (0, 255)),
      [.a: .key(0x121), .b: .key(0x122), .leftTrigger: .axis(ABS_RX), .guide: .key(0x12C)])
    try check(
      PadIdentity(path: "", name: "Switch Pro", bus: 5, vendor: 0x057E, product: 0x2009, version: 0x8001),
      keys: (0x130...0x13E).filter { $0 != 0x132 }, axes: axes([0, 1, 3, 4], (-32767, 32767)),
      [
        .a: .button(BTN_SOUTH), .b: .button(BTN_EAST), .x: .button(BTN_WEST), .y: .button(BTN_NORTH),
        .leftTrigger: .button(BTN_TL2),
      ])
  }

  @Test("every line of the database that ships can be read")
  func wholeDatabase() throws {
    let database = SDLDatabase(text: try Self.database)
    #expect(database.problems.map { "\($0.line): \($0.error)" } == [])
    #expect(database.mappings.count == 368)
    #expect(database.mappings.allSatisfy { $0.platform == "Linux" })
  }

  @Test(
    "what is wrong with a line is said",
    arguments: [
      ("", "expected GUID"), ("a,b", "expected GUID"), ("xyz,Name,a:b0", "no GUID"),
      ("030000005e0400008e0200001401000g,Name,a:b0", "no GUID"), ("\(g),Name,a", "not control:source"),
      ("\(g),Name,a:b0,a:b1", "there twice"), ("\(g),Name,a:c0", "no source"), ("\(g),Name,a:b", "no source"),
      ("\(g),Name,a:b1000", "no source"), ("\(g),Name,a:b-1", "no source"), ("\(g),Name,a:+b1", "no source"),
      ("\(g),Name,dpup:h0.3", "no source"), ("\(g),Name,dpup:h0", "no source"), ("\(g),Name,dpup:h0.1~", "no source"),
      ("\(g),Name,lefttriger:a2", "did you mean 'lefttrigger'"), ("\(g),Name,platform:Linux", "maps no control"),
      ("\(g),Name,a:b0,platform:", "platform"), ("\(g),Name,a:b٣", "no source"),
      ("\(g),Name," + String(repeating: "a", count: 5000), "longer than"),
    ])
  func mistakes(_ line: String, _ message: String) {
    #expect { try SDLMapping(line: line) } throws: { "\($0)".contains(message) }
  }
  private static let g = "030000005e0400008e02000014010000"

  @Test("halves, inversion, unknown but harmless fields, the checksum and other systems")
  func variants() throws {
    let line = try SDLMapping(
      line: "\(Self.g),N,leftx:a0~,lefttrigger:+a2,righttrigger:-a2,paddle1:b9,+lefty:a1,crc:12ab")
    #expect(line.bindings[.leftX] == .axis(0, part: .whole, isInverted: true))
    #expect(line.bindings[.leftTrigger] == .axis(2, part: .positive, isInverted: false))
    #expect(line.bindings[.rightTrigger] == .axis(2, part: .negative, isInverted: false))
    #expect(line.ignored == ["paddle1", "+lefty"])
    let checked = try SDLMapping(line: "0300abcd5e0400008e02000014010000,N,a:b0")
    #expect(checked.describes(PadRig.identity))
    #expect(try !SDLMapping(line: Self.xbox.replacing("Linux", with: "Windows")).describes(PadRig.identity))
    #expect(
      try !SDLMapping(line: "\(Self.g),N,a:b1,hint:SDL_GAMECONTROLLER_USE_BUTTON_LABELS:=1").describes(PadRig.identity))
    #expect(throws: SDLMappingError.self) {
      try SDLMapping(line: "\(Self.g),N,a:b11").resolved(for: PadRig.capabilities, labels: .xbox, origin: "")
    }
  }

  @Test("whatever is changed in a line, reading ends in a mapping or in an error of one line")
  func fuzz() {
    var numbers = Numbers(state: 11)
    let original = Array(Self.xbox.utf8)
    let alphabet = Array(",:.~+-abh0123456789xyz\u{0}é\n ".utf8)
    var read = 0
    for _ in 0..<3000 {
      var bytes = original
      for _ in 0...numbers.below(4) {
        let place = numbers.below(bytes.count)
        switch numbers.below(3) {
        case 0: bytes[place] = alphabet[numbers.below(alphabet.count)]
        case 1: bytes.remove(at: place)
        default: bytes.insert(alphabet[numbers.below(alphabet.count)], at: place)
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      do throws(SDLMappingError) {
        let mapping = try SDLMapping(line: text)
        read += 1
        _ = try? mapping.resolved(for: PadRig.capabilities, labels: .xbox, origin: "")
      } catch {
        #expect(!error.description.isEmpty)
      }
      // A broken line hinders no other.
      #expect(SDLDatabase(text: text + "\n" + Self.xbox).mappings.last?.name == "X360 Controller")
    }
    #expect(read > 100 && read < 3000)
  }
}
