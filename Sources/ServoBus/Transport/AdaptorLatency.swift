import CSystem
import Glibc

/// How long a USB adaptor keeps received bytes back. FTDI's chips wait 16 ms by default, which caps a bus at 61 Hz.
public struct AdaptorLatency: Sendable, Equatable {
  /// The timer as found, ms; nil where the adaptor has none (ttyACM, on-board ports).
  public let found: Int?
  /// The timer now, ms.
  public let now: Int?
  /// The command that lowers it, when this user may not.
  public let remedy: String?

  /// Nothing to lower.
  public static let none = AdaptorLatency(found: nil, now: nil, remedy: nil)

  init(found: Int?, now: Int?, remedy: String?) {
    self.found = found
    self.now = now
    self.remedy = remedy
  }

  /// Reads the timer of the device's adaptor and lowers it to 1 ms.
  static func lower(device: String, descriptor: Int32) -> AdaptorLatency {
    let file = file(of: device)
    guard let found = read(file) else { return .none }
    guard found > 1 else { return AdaptorLatency(found: found, now: found, remedy: nil) }
    // The driver's own door needs no more right than the port itself; sysfs belongs to root.
    _ = sinew_terminal_low_latency(descriptor)
    if let now = read(file), now > 1 { write("1", to: file) }
    let now = read(file) ?? found
    return AdaptorLatency(found: found, now: now, remedy: now > 1 ? remedy(file) : nil)
  }

  /// Where the kernel shows the timer of a device that has one.
  static func file(of device: String) -> String {
    "/sys/bus/usb-serial/devices/\(device.split(separator: "/").last ?? "")/latency_timer"
  }

  /// The timer in that file, ms.
  static func read(_ file: String) -> Int? { firstLine(of: file).flatMap { Int($0) } }

  /// The command that lowers the timer in that file.
  static func remedy(_ file: String) -> String { "echo 1 | sudo tee \(file)" }

  private static func write(_ text: String, to file: String) {
    guard let handle = fopen(file, "we") else { return }
    fputs(text, handle)
    fclose(handle)
  }
}
