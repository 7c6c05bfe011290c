import Foundation
import Glibc

/// Serial devices that are not there, for programs that are started with this environment: a library loaded into them
/// makes pseudo-terminals pass for serial devices, and a folder for the kernel's tree of them.
///
/// libserialport itself runs unchanged in these programs.
public final class SerialStandIn {
  /// The library, compiled once; nil where there is no C compiler.
  public static let library: String? = {
    let source = Fixtures.packageRoot.appendingPathComponent("Tests/SerialShim/shim.c").path
    let output = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-shim-\(getpid()).so").path
    for compiler in ["/usr/bin/clang", "/usr/bin/cc", "/usr/bin/gcc"]
    where FileManager.default.isExecutableFile(atPath: compiler) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: compiler)
      process.arguments = ["-shared", "-fPIC", "-w", "-o", output, source, "-ldl"]
      process.standardError = FileHandle.nullDevice
      guard (try? process.run()) != nil else { continue }
      process.waitUntilExit()
      guard process.terminationStatus == 0 else { continue }
      // Programs of other users load it, too.
      chmod(output, 0o755)
      return output
    }
    return nil
  }()

  /// Why suites that need it are skipped.
  public static var reason: String { "needs a C compiler to make a stand-in for the serial driver" }

  /// The folder that stands for /sys and for the serial devices below /dev.
  public let root: String
  /// Made-up devices, and the terminals that stand for them.
  public var terminals: [String: String] = [:]
  /// Whether the driver lowers the latency timer when it is asked.
  public var lowersLatency = false

  /// A machine without a serial port.
  public init() throws {
    root = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-tree-\(UUID().uuidString)").path
    for folder in ["sys/class/tty", "sys/bus/usb-serial/devices", "sys/bus/usb-serial/drivers", "dev/serial/by-id"] {
      try FileManager.default.createDirectory(atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
    }
    chmod(root, 0o755)
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  /// What programs are started with.
  public var environment: [String: String] {
    var variables = ["LD_PRELOAD": Self.library ?? "", "SINEW_SHIM_ROOT": root]
    if lowersLatency { variables["SINEW_SHIM_LOW_LATENCY"] = "1" }
    if !terminals.isEmpty {
      variables["SINEW_SHIM_PORTS"] = terminals.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
    return variables
  }

  /// A USB adaptor as the kernel shows it.
  public struct Adaptor: Sendable {
    public var vendor: String
    public var product: String
    public var manufacturer: String
    public var productName: String
    public var serialNumber: String?
    public var driver: String
    /// The FTDI timer, ms.
    public var latency: Int?

    /// ROBOTIS' adaptor: an FTDI chip.
    public static let u2d2 = Adaptor(
      vendor: "0403", product: "6014", manufacturer: "FTDI", productName: "USB <-> Serial Converter",
      serialNumber: "FT2H2Z5A", driver: "ftdi_sio", latency: 16)
    /// The adaptor on many a servo board, without a serial number.
    public static let ch340 = Adaptor(
      vendor: "1a86", product: "7523", manufacturer: "QinHeng", productName: "USB Serial", serialNumber: nil,
      driver: "ch341-uart", latency: nil)
  }

  /// Plugs an adaptor in; it becomes /dev/`name`.
  public func plug(_ adaptor: Adaptor, as name: String) throws {
    let device = "sys/devices/pci0000:00/usb1/1-\(name)"
    let port = "\(device)/1-\(name):1.0/\(name)"
    try makeFolder("\(port)/tty/\(name)")
    try write("1\n", "\(device)/busnum")
    try write("7\n", "\(device)/devnum")
    try write(adaptor.vendor + "\n", "\(device)/idVendor")
    try write(adaptor.product + "\n", "\(device)/idProduct")
    try write(adaptor.manufacturer + "\n", "\(device)/manufacturer")
    try write(adaptor.productName + "\n", "\(device)/product")
    if let serial = adaptor.serialNumber { try write(serial + "\n", "\(device)/serial") }
    if let latency = adaptor.latency { try write("\(latency)\n", "\(port)/latency_timer") }
    try makeFolder("sys/bus/usb-serial/drivers/\(adaptor.driver)")
    try link("\(port)/driver", to: "../../../../../../bus/usb-serial/drivers/\(adaptor.driver)")
    try link("\(port)/tty/\(name)/device", to: "../../../\(name)")
    try link("sys/bus/usb-serial/devices/\(name)", to: "../../../../\(port)")
    try link("sys/class/tty/\(name)", to: "../../../\(port)/tty/\(name)")
    try write("", "dev/\(name)")
    if let serial = adaptor.serialNumber {
      let words = "\(adaptor.manufacturer)_\(adaptor.productName)".replacing(" ", with: "_").replacing(
        "<->", with: "__")
      try link("dev/serial/by-id/usb-\(words)_\(serial)-if00-port0", to: "../../\(name)")
    }
  }

  /// Pulls it out.
  public func unplug(_ name: String) throws {
    let links = "\(root)/dev/serial/by-id"
    for link in try FileManager.default.contentsOfDirectory(atPath: links)
    where try FileManager.default.destinationOfSymbolicLink(atPath: "\(links)/\(link)").hasSuffix("/\(name)") {
      try FileManager.default.removeItem(atPath: "\(links)/\(link)")
    }
    for path in [
      "dev/\(name)", "sys/class/tty/\(name)", "sys/bus/usb-serial/devices/\(name)",
      "sys/devices/pci0000:00/usb1/1-\(name)",
    ] { try FileManager.default.removeItem(atPath: "\(root)/\(path)") }
  }

  /// The file of an adaptor's latency timer.
  public func latencyFile(_ name: String) -> String {
    "\(root)/sys/devices/pci0000:00/usb1/1-\(name)/1-\(name):1.0/\(name)/latency_timer"
  }

  private func makeFolder(_ path: String) throws {
    try FileManager.default.createDirectory(atPath: "\(root)/\(path)", withIntermediateDirectories: true)
  }

  private func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(root)/\(path)"))
  }

  private func link(_ path: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: "\(root)/\(path)", withDestinationPath: target)
  }
}
