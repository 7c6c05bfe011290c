import ArmModel
import CEvdev
import Configuration
import Foundation
import Testing

@testable import Gamepads

@Suite struct MappingFileTests {
  static var file: MappingFile {
    get throws {
      var mapping = try #require(BuiltInProfiles.mapping(for: PadRig.identity, PadRig.capabilities))
      mapping.origin = "f.yaml"
      mapping.calibration = [0: AxisCalibration(minimum: -30000, centre: -938, maximum: 31000)]
      return MappingFile(
        name: "A \"pad\" \\ with: odd # signs", bus: 3, vendor: 0x045E, product: 0x028E, mapping: mapping)
    }
  }

  @Test("a file that was written reads as what it was")
  func roundTrip() throws {
    let file = try Self.file
    let read = try MappingFile(ConfigurationNode.parse(text: file.text, file: "f.yaml"))
    #expect(read == file)
    #expect(read.describes(PadRig.identity))
  }

  @Test("sources are written by the kernel's names and read again")
  func sources() {
    let cases: [(String, PadSource)] = [
      ("BTN_SOUTH", .key(0x130)), ("ABS_X", .axis(ABS_X)), ("-ABS_HAT0Y", .hat(ABS_HAT0Y, .negative)),
      ("+ABS_Z", .hat(ABS_Z, .positive)), ("ABS_RZ~", .axis(5, part: .whole, isInverted: true)),
      ("KEY:0x2ff", .key(0x2FF)),
    ]
    for (text, source) in cases {
      #expect(PadSource(text: text) == source, "\(text)")
      #expect(PadSource(text: source.text) == source, "\(source.text)")
    }
    for code in 0..<UInt16(KEY_CNT) { #expect(PadSource(text: PadSource.key(code).text) == .key(code)) }
    for text in ["", "BTN", "+BTN_SOUTH", "ABS_X~~", "KEY:0x300", "KEY:0x", "ABS:0x40", "BTN_SOUTH\u{0}", "REL_X"] {
      #expect(PadSource(text: text) == nil, "\(text)")
    }
  }

  @Test(
    "a mistake in a file is said with its place",
    arguments: [
      ("vendor: \"045e\"", "vendor: \"45e9f\"", "four hexadecimal digits"),
      ("a: \"BTN_SOUTH\"", "a: \"BTN_SUOTH\"", "no key or axis"),
      ("a: \"BTN_SOUTH\"", "a: \"BTN_EAST\"", "two controls cannot be the same"),
      ("leftx: \"ABS_X\"", "leftx: \"BTN_C\"", "is an axis"),
      ("  rightshoulder: \"BTN_TR\"\n", "", "enable (rightshoulder)"),
      ("[-30000, -938, 31000]", "[-30000, 31000, -938]", "rising order"),
      ("enable: rightshoulder", "enable: y", "may not be on X or Y"),
      ("stop: b", "stop: x", "may not be on X or Y"),
      ("stop: b", "stop: rightshoulder", "enable"),
      ("stop: b", "stop: shift+b", "same control"),
      ("release: shift+b", "release: null", "'release' has no control"),
      ("stop: b", "stop: leftx", "stick's direction"),
      ("success: a", "success: lefttrigger", "moves the gripper"),
      ("shift: leftshoulder", "shift: a", "shift control"),
      ("labels: xbox", "labels: sega", "unknown value"),
      ("pad:", "pat:", "unknown key"),
    ])
  func mistakes(_ old: String, _ new: String, _ message: String) throws {
    let text = try Self.file.text
    #expect(text.contains(old))
    let broken = text.replacingOccurrences(of: old, with: new)
    #expect { try MappingFile(ConfigurationNode.parse(text: broken, file: "f.yaml")) } throws: { error in
      "\(error)".contains(message) && "\(error)".hasPrefix("f.yaml:")
    }
  }

  @Test("whatever is changed in a file, reading ends in a mapping that keeps the rules or in an error")
  func fuzz() throws {
    var numbers = Numbers(state: 5)
    let original = Array(try Self.file.text.utf8)
    let words = ["x", "y", "null", "shift+", "enable", "BTN_NORTH", "~", "[", "0x", "-", "1e9", ": ", "\n"]
    var good = 0
    for _ in 0..<1500 {
      var bytes = original
      for _ in 0...numbers.below(3) {
        let place = numbers.below(bytes.count)
        switch numbers.below(3) {
        case 0: bytes[place] = UInt8(numbers.below(128))
        case 1: bytes.removeSubrange(place..<min(place + 1 + numbers.below(8), bytes.count))
        default: bytes.insert(contentsOf: words[numbers.below(words.count)].utf8, at: place)
        }
      }
      guard let node = try? ConfigurationNode.parse(text: String(decoding: bytes, as: UTF8.self), file: "f"),
        let file = try? MappingFile(node)
      else { continue }
      good += 1
      #expect(file.layout.problem == nil && file.layout.missing(in: file.mapping).isEmpty)
      for role in [OperatorRole.enable, .stop, .release] {
        let control = try #require(file.layout.presses[role]?.control)
        #expect(control != .x && control != .y)
      }
    }
    #expect(good > 50)
  }

  @Test("the layout that ships is sound, and neither X nor Y has a role")
  func standardLayout() throws {
    let layout = OperatorLayout.standard
    #expect(layout.problem == nil)
    #expect(Set(layout.presses.keys) == Set(OperatorRole.allCases))
    #expect(!layout.presses.values.contains { $0.control == .x || $0.control == .y })
    #expect(layout.shift != .x && layout.shift != .y)
    // In no family the codes that drivers exchange are those of a role.
    for family in PadFamily.allCases where family != .playstationGeneric && family != .logitechDirect {
      for press in layout.presses.values {
        #expect(
          family.sources[press.control] != .button(BTN_NORTH) && family.sources[press.control] != .button(BTN_WEST))
      }
    }
  }

  @Test("the user's file comes before the SDL line, that before the built-in profile; broken files are left out")
  func precedence() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-pads-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func origin(_ mapper: PadMapper) throws -> String {
      try mapper.mapping(for: PadRig.identity, PadRig.capabilities).mapping.origin
    }
    #expect(try origin(PadMapper(userFolder: folder.path)) == "built in (Xbox)")
    #expect(try origin(PadMapper(named: [SDLMappingTests.xbox], userFolder: folder.path)) == "the SDL mapping given")
    let list = folder.appendingPathComponent("lines.txt").path
    try "# mine\n\(SDLMappingTests.xbox)\n".write(toFile: list, atomically: true, encoding: .utf8)
    #expect(try origin(PadMapper(named: [list], userFolder: nil)) == "the SDL mapping given")
    let own = folder.appendingPathComponent("own.yaml").path
    try Self.file.text.write(toFile: own, atomically: true, encoding: .utf8)
    try "pad: [".write(toFile: folder.appendingPathComponent("b.yaml").path, atomically: true, encoding: .utf8)
    let mapper = try PadMapper(named: [SDLMappingTests.xbox], userFolder: folder.path)
    #expect(try origin(mapper) == own)
    #expect(mapper.problems.count == 1)
    #expect(throws: ConfigurationError.self) { try PadMapper(named: [folder.path + "/b.yaml"], userFolder: nil) }
    #expect(throws: ConfigurationError.self) { try PadMapper(named: ["none.yaml"], userFolder: nil) }
  }

  @Test("an unknown pad, and a mapping that does not fit, are refused with the next step")
  func unknown() throws {
    var identity = PadRig.identity
    identity.vendor = 0x1234
    var capabilities = PadRig.capabilities
    capabilities.keys = Set(0x120...0x12B)
    let mapper = try PadMapper(userFolder: nil)
    #expect {
      _ = try mapper.mapping(for: identity, capabilities)
    } throws: { "\($0)".contains("is not known; map it once with 'sinew gamepad map --pad /dev/input/event5'") }
    let short = try PadMapper(named: ["\(SDLMappingTests.xbox.prefix(32)),N,a:b0,leftx:a0,lefty:a1"], userFolder: nil)
    #expect {
      _ = try short.mapping(for: PadRig.identity, PadRig.capabilities)
    } throws: { "\($0)".contains("leaves out what an operator needs: enable (rightshoulder), stop (b)") }
  }
}
