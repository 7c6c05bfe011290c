import CEvdev
import Glibc

/// A pad's battery, as the kernel reports it.
public struct PadBattery: Sendable, Equatable {
  /// Charge in percent; nil where the pad says only roughly how full it is.
  public var percent: Int?
  /// The kernel's word: Discharging, Charging, Full, or a level such as Low.
  public var state: String
}

/// A pad that was found, opened or not.
public struct FoundPad: Sendable {
  public var identity: PadIdentity
  public var capabilities: PadCapabilities
  /// Why it cannot be opened; nil when it can.
  public var problem: GamepadError?
  public var battery: PadBattery?
  /// The motion sensors of the same pad, whose steady stream shows that the link lives.
  public var heartbeatPath: String?
  /// The lasting name below `/dev/input/by-id`, where udev made one.
  public var lastingPath: String?
}

/// Looks for pads in `/dev/input`, with what sysfs tells everybody about devices that only some may open.
public enum PadDiscovery {
  static let folder = "/dev/input"

  /// Every pad there is, in the order of the device numbers.
  public static func scan() -> [FoundPad] {
    eventNumbers().compactMap { examine("\(folder)/event\($0)") }
  }

  static func eventNumbers() -> [Int] {
    Files.names(in: folder).compactMap { $0.hasPrefix("event") ? Int($0.dropFirst(5)) : nil }.sorted()
  }

  /// The pad behind a device file, or nil when it is none.
  static func examine(_ path: String) -> FoundPad? {
    guard let slash = path.lastIndex(of: "/") else { return nil }
    let attributes = "/sys/class/input/\(path[path.index(after: slash)...])/.."
    let described = SystemDescription(attributes: attributes, path: path)
    // Keyboards are not opened when it is known without that they are none.
    if let described, !described.capabilities.areThoseOfAGamepad { return nil }
    var found: FoundPad
    do throws(GamepadError) {
      let device = try PadDevice(path: path)
      guard device.capabilities.areThoseOfAGamepad else { return nil }
      found = FoundPad(identity: device.identity, capabilities: device.capabilities)
    } catch {
      guard let described, error.kind != .notFound, error.kind != .notAGamepad else { return nil }
      found = FoundPad(identity: described.identity, capabilities: described.capabilities, problem: error)
    }
    found.battery = battery(attributes)
    found.heartbeatPath = heartbeat(of: found.identity, attributes)
    found.lastingPath = lastingPath(of: path)
    return found
  }

  /// The device's parent holds its battery beside the folder of its input devices.
  private static func battery(_ attributes: String) -> PadBattery? {
    let folder = "\(attributes)/../../power_supply"
    for name in Files.names(in: folder).sorted() {
      let percent = Files.firstLine(of: "\(folder)/\(name)/capacity").flatMap { Int($0) }
      guard
        let state = Files.firstLine(of: "\(folder)/\(name)/\(percent == nil ? "capacity_level" : "status")")
      else { continue }
      return PadBattery(percent: percent.map { min(max($0, 0), 100) }, state: state)
    }
    return nil
  }

  /// Another input device of the same parent, with an accelerometer: Sony's "Motion Sensors", Nintendo's "IMU".
  private static func heartbeat(of identity: PadIdentity, _ attributes: String) -> String? {
    let siblings = "\(attributes)/.."
    for input in Files.names(in: siblings).sorted() where input.hasPrefix("input") {
      guard let properties = Files.firstLine(of: "\(siblings)/\(input)/properties"),
        UInt64(properties.split(separator: " ").last ?? "0", radix: 16).map({
          $0 >> UInt64(INPUT_PROP_ACCELEROMETER) & 1
        })
          == 1
      else { continue }
      if let event = Files.names(in: "\(siblings)/\(input)").first(where: { $0.hasPrefix("event") }) {
        return "\(folder)/\(event)"
      }
    }
    return nil
  }

  /// The device file that a link such as those of `by-id` leads to; of anything else the path itself.
  static func devicePath(_ path: String) -> String {
    guard let target = Files.target(of: path), let name = target.split(separator: "/").last,
      name.hasPrefix("event"), Int(name.dropFirst(5)) != nil
    else { return path }
    return "\(folder)/\(name)"
  }

  private static func lastingPath(of path: String) -> String? {
    let links = "\(folder)/by-id"
    return Files.names(in: links).sorted().first {
      $0.hasSuffix("-event-joystick") && devicePath("\(links)/\($0)") == path
    }.map { "\(links)/\($0)" }
  }
}

/// What sysfs says of an input device.
private struct SystemDescription {
  var identity: PadIdentity
  var capabilities = PadCapabilities()

  init?(attributes: String, path: String) {
    guard let keys = Files.firstLine(of: "\(attributes)/capabilities/key"),
      let axes = Files.firstLine(of: "\(attributes)/capabilities/abs")
    else { return nil }
    func number(_ name: String) -> UInt16 {
      Files.firstLine(of: "\(attributes)/id/\(name)").flatMap { UInt16($0, radix: 16) } ?? 0
    }
    identity = PadIdentity(
      path: path, name: Files.firstLine(of: "\(attributes)/name") ?? "", bus: number("bustype"),
      vendor: number("vendor"), product: number("product"), version: number("version"),
      unique: Files.firstLine(of: "\(attributes)/uniq") ?? "", place: Files.firstLine(of: "\(attributes)/phys") ?? "")
    capabilities.keys = Set(Self.bits(keys, below: UInt16(KEY_CNT)))
    for code in Self.bits(axes, below: UInt16(ABS_CNT)) { capabilities.axes[code] = .some(nil) }
    let effects = Files.firstLine(of: "\(attributes)/capabilities/ff") ?? ""
    capabilities.hasRumble = Self.bits(effects, below: UInt16(FF_CNT)).contains(UInt16(FF_RUMBLE))
  }

  /// The set bits of words in hexadecimal, the highest first, as sysfs prints them: each as wide as a C long.
  static func bits(_ text: String, below limit: UInt16) -> [UInt16] {
    var result: [UInt16] = []
    for (index, word) in text.split(separator: " ").reversed().enumerated() {
      guard let word = UInt(word, radix: 16), index < 64 else { return [] }
      for bit in 0..<UInt.bitWidth where word >> UInt(bit) & 1 == 1 {
        let code = index * UInt.bitWidth + bit
        if code < Int(limit) { result.append(UInt16(code)) }
      }
    }
    return result
  }
}
