import CSerialPort
import Glibc

extension SerialPort {
  /// The serial ports of this machine, by device name; none are opened, but for on-board ones, which cannot be told from
  /// empty slots otherwise.
  public static func all() throws(PortError) -> [SerialPortInformation] {
    var list: UnsafeMutablePointer<OpaquePointer?>?
    guard sp_list_ports(&list) == SP_OK, let ports = list else {
      throw PortError(
        .failed, path: "/sys/class/tty", "the ports cannot be listed: \(systemMessage(sp_last_error_code()))",
        suggestion: "check that /sys is mounted")
    }
    defer { sp_free_port_list(list) }
    var found: [(device: String, usb: SerialPortInformation.USBIdentity?)] = []
    var index = 0
    while let port = ports[index] {
      index += 1
      guard let name = text(sp_get_port_name(port)) else { continue }
      found.append((name, identity(port)))
    }
    let users = PortUsers.of(Set(found.map(\.device)))
    let links = linksByDevice()
    return found.sorted { isBefore($0.device, $1.device) }.map { port in
      describe(port.device, usb: port.usb, links: links[port.device] ?? [], users: users[port.device] ?? [])
    }
  }

  private static func describe(
    _ device: String, usb: SerialPortInformation.USBIdentity?, links: [String], users: [PortUser]
  ) -> SerialPortInformation {
    let isAccessible = access(device, R_OK | W_OK) == 0
    let group = PortDiagnosis.owningGroup(of: device)
    let name = String(device.split(separator: "/").last ?? "")
    let latencyFile = AdaptorLatency.file(of: device)
    let latency = AdaptorLatency.read(latencyFile)
    return SerialPortInformation(
      device: device, links: links, usb: usb, driver: driver(of: name), users: users, isAccessible: isAccessible,
      group: group, rightsRemedy: isAccessible ? nil : PortDiagnosis.rightsRemedy(for: device, group: group),
      latency: latency, latencyRemedy: latency.map { $0 > 1 } == true ? AdaptorLatency.remedy(latencyFile) : nil)
  }

  private static func identity(_ port: OpaquePointer) -> SerialPortInformation.USBIdentity? {
    guard sp_get_port_transport(port) == SP_TRANSPORT_USB else { return nil }
    var (vendor, product): (Int32, Int32) = (0, 0)
    guard sp_get_port_usb_vid_pid(port, &vendor, &product) == SP_OK else { return nil }
    return SerialPortInformation.USBIdentity(
      vendor: Int(vendor), product: Int(product), serialNumber: text(sp_get_port_usb_serial(port)),
      manufacturer: text(sp_get_port_usb_manufacturer(port)), productName: text(sp_get_port_usb_product(port)))
  }

  private static func text(_ characters: UnsafeMutablePointer<CChar>?) -> String? {
    guard let characters, characters.pointee != 0 else { return nil }
    return String(cString: characters)
  }

  private static func driver(of name: String) -> String? {
    linkTarget(of: "/sys/class/tty/\(name)/device/driver")?.split(separator: "/").last.map(String.init)
  }

  private static func linksByDevice() -> [String: [String]] {
    let folder = "/dev/serial/by-id"
    var links: [String: [String]] = [:]
    for name in entryNames(in: folder).sorted() {
      if let device = resolvedPath("\(folder)/\(name)") { links[device, default: []].append("\(folder)/\(name)") }
    }
    return links
  }

  /// ttyUSB2 before ttyUSB10.
  private static func isBefore(_ a: String, _ b: String) -> Bool {
    func key(_ name: String) -> (Substring, Int) {
      let stem = name.prefix(name.count - name.reversed().prefix { $0.isNumber }.count)
      return (stem, Int(name.dropFirst(stem.count)) ?? -1)
    }
    return key(a) < key(b)
  }
}
