import ArgumentParser
import Foundation
import ServoBus

/// `sinew port`: which serial ports there are.
struct PortCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "port",
    abstract: "List the serial ports, and find the one that a bus is on.",
    discussion: """
      Examples:
        sinew port list
        sinew port find
      """,
    subcommands: [PortListCommand.self, PortFindCommand.self])
}

/// `sinew port list`.
struct PortListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the serial ports with what is known about each.",
    discussion: """
      For every port: the device, the link that survives unplugging (give that as --port), what the adaptor says about \
      itself, its driver, who has it open, whether you may use it, and how long an FTDI adaptor keeps bytes back.

      Examples:
        sinew port list
        sinew port list --json

      Exit codes: 0 success, also without any port; 1 the ports cannot be listed.
      """)

  @Flag(help: "Print one JSON object.")
  var json = false

  mutating func run() throws {
    let ports = try listPorts()
    if json {
      try printJSON(PortListOutput(ports))
    } else if ports.isEmpty {
      print("no serial ports; plug the adaptor in, and try another cable or socket if it does not appear")
    } else {
      print(ports.map(describe).joined(separator: "\n"))
    }
  }

  private func describe(_ port: SerialPortInformation) -> String {
    var lines = [port.device]
    func add(_ name: String, _ value: String) {
      lines.append("  \(name):" + String(repeating: " ", count: max(1, 10 - name.count)) + value)
    }
    if !port.links.isEmpty { add("link", port.links.joined(separator: ", ")) }
    if let usb = port.usb {
      let names = [usb.manufacturer, usb.productName].compactMap { $0 }.joined(separator: " ")
      add(
        "adaptor",
        [names, PortListOutput.code(usb), usb.serialNumber.map { "serial \($0)" } ?? "without a serial number"]
          .filter { !$0.isEmpty }.joined(separator: ", "))
    }
    if let driver = port.driver { add("driver", driver) }
    if !port.users.isEmpty { add("in use by", port.users.map(\.description).joined(separator: ", ")) }
    let group = port.group.map { " (group \($0))" } ?? ""
    add("rights", port.rightsRemedy.map { "none\(group); \($0)" } ?? "yours to use\(group)")
    if let latency = port.latency { add("latency", "\(latency) ms" + (port.latencyRemedy.map { "; \($0)" } ?? "")) }
    return lines.joined(separator: "\n")
  }
}

/// The ports; that they cannot be listed is the machine's failure.
func listPorts() throws -> [SerialPortInformation] {
  do throws(PortError) { return try SerialPort.all() } catch { throw RunFailure("\(error)") }
}

/// The ports as JSON.
struct PortListOutput: Encodable {
  struct Port: Encodable {
    struct Process: Encodable {
      let process: Int
      let name: String
    }
    let device: String
    let links: [String]
    let usbVendor: String?
    let usbProduct: String?
    let serialNumber: String?
    let manufacturer: String?
    let product: String?
    let driver: String?
    let usedBy: [Process]
    let accessible: Bool
    let group: String?
    let rightsCommand: String?
    let latencyMs: Int?
    let latencyCommand: String?

    init(_ port: SerialPortInformation) {
      device = port.device
      links = port.links
      usbVendor = port.usb.map { PortListOutput.hex($0.vendor) }
      usbProduct = port.usb.map { PortListOutput.hex($0.product) }
      serialNumber = port.usb?.serialNumber
      manufacturer = port.usb?.manufacturer
      product = port.usb?.productName
      driver = port.driver
      usedBy = port.users.map { Process(process: $0.process, name: $0.name) }
      accessible = port.isAccessible
      group = port.group
      rightsCommand = port.rightsRemedy
      latencyMs = port.latency
      latencyCommand = port.latencyRemedy
    }
  }

  let ports: [Port]

  init(_ ports: [SerialPortInformation]) { self.ports = ports.map(Port.init) }

  /// Four hexadecimal digits, as lsusb prints them.
  static func hex(_ number: Int) -> String { String(format: "%04x", number) }

  /// Vendor and product: "0403:6014".
  static func code(_ usb: SerialPortInformation.USBIdentity) -> String { "\(hex(usb.vendor)):\(hex(usb.product))" }
}
