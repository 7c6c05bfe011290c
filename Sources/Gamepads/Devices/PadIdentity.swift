import CEvdev

/// Which pad it is, as the kernel names it.
public struct PadIdentity: Sendable, Hashable {
  /// The device file, such as `/dev/input/event5`. It changes when a pad is plugged in again.
  public var path: String
  /// The name that the driver gives.
  public var name: String
  /// Bus (3 USB, 5 Bluetooth, 6 virtual), vendor, product and version.
  public var bus: UInt16
  public var vendor: UInt16
  public var product: UInt16
  public var version: UInt16
  /// The serial number or Bluetooth address; empty for most cabled pads.
  public var unique: String
  /// Where it is plugged in; may be empty.
  public var place: String

  public init(
    path: String, name: String, bus: UInt16, vendor: UInt16, product: UInt16, version: UInt16, unique: String = "",
    place: String = ""
  ) {
    self.path = path
    self.name = name
    self.bus = bus
    self.vendor = vendor
    self.product = product
    self.version = version
    self.unique = unique
    self.place = place
  }

  /// Vendor and product as `045e:028e`.
  public var model: String { "\(hexadecimal(vendor, 4)):\(hexadecimal(product, 4))" }

  /// The bus in words.
  public var busName: String {
    switch Int32(bus) {
    case BUS_USB: "USB"
    case BUS_BLUETOOTH: "Bluetooth"
    case BUS_VIRTUAL: "virtual"
    default: "bus \(bus)"
    }
  }

  /// Whether it has no cable: by its bus, or because it is the USB receiver of a wireless pad.
  public var isWireless: Bool {
    if Int32(bus) == BUS_BLUETOOTH { return true }
    let product = UInt32(vendor) << 16 | UInt32(product)
    return Int32(bus) == BUS_USB && Self.receivers.contains(product)
  }

  /// USB receivers of wireless pads, vendor and product; they keep the pad's last state when the pad is gone.
  /// Sources: the kernel's xpad.c (360W entries), hid-ids.h; Logitech's F710 and Cordless RumblePad 2.
  private static var receivers: [UInt32] {
    [0x045E_0291, 0x045E_02A9, 0x045E_0719, 0x045E_02E6, 0x045E_02FE, 0x046D_C219, 0x046D_C21F, 0x046D_C218]
  }

  /// SDL's name of the model: eight little-endian numbers in hexadecimal (bus, checksum, vendor, 0, product, 0, version,
  /// 0), here with the checksum left out as in the public database.
  public var sdlGUID: String {
    [bus, 0, vendor, 0, product, 0, version, 0].map { hexadecimal($0.byteSwapped, 4) }.joined()
  }

  /// Whether a pad that appears may take the place of this one, which has gone: the same model, the same serial number
  /// where both have one, else at the same place or `isNew`: plugged in after this one had gone. So a second pad that was
  /// there all the time never takes over.
  public func mayBeReplaced(by other: PadIdentity, isNew: Bool) -> Bool {
    guard vendor == other.vendor, product == other.product, bus == other.bus else { return false }
    if !unique.isEmpty || !other.unique.isEmpty { return unique == other.unique }
    return isNew || (!place.isEmpty && place == other.place)
  }
}

/// A number in lower-case hexadecimal, filled up with zeros.
func hexadecimal(_ value: some FixedWidthInteger, _ digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
