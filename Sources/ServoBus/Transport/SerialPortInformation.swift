/// What can be told about a serial port without opening it.
public struct SerialPortInformation: Sendable, Equatable {
  /// What a USB adaptor says about itself.
  public struct USBIdentity: Sendable, Equatable {
    public let vendor: Int
    public let product: Int
    /// Tells adaptors of one kind apart; many cheap ones have none.
    public let serialNumber: String?
    public let manufacturer: String?
    public let productName: String?
  }

  /// The device: "/dev/ttyUSB0". Which number it gets depends on the order of plugging.
  public let device: String
  /// Links below /dev/serial/by-id, which name the adaptor itself and survive unplugging.
  public let links: [String]
  /// Present for USB adaptors.
  public let usb: USBIdentity?
  /// The kernel's driver, such as ftdi_sio, ch341 or cdc_acm.
  public let driver: String?
  /// Processes that have it open, as far as this user may see.
  public let users: [PortUser]
  /// Whether this user may read and write it.
  public let isAccessible: Bool
  /// The group that the device belongs to.
  public let group: String?
  /// The command that gives the right to it, when it is missing.
  public let rightsRemedy: String?
  /// How long an FTDI adaptor keeps received bytes back, ms; nil where there is no such timer.
  public let latency: Int?
  /// The command that lowers that timer, when it is above 1 ms.
  public let latencyRemedy: String?

  /// What to give as `--port`: a link that survives unplugging where there is one.
  public var stablePath: String { links.first ?? device }
}
