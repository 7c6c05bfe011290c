/// The protocols that virtual servos speak.
public enum ServoProtocol: String, CaseIterable, Sendable {
  /// Feetech's STS, SMS and SCS series.
  case feetech
  /// DYNAMIXEL Protocol 1.0.
  case dynamixel1
  /// DYNAMIXEL Protocol 2.0.
  case dynamixel2

  /// Nominal baud rates by the index that the servo's baud register holds; nil where there is none.
  ///
  /// Sources: Feetech memory table, register 6; DYNAMIXEL e-Manual, X series register 8, AX-12A register 4.
  public func baud(index: Int) -> Int? {
    switch self {
    case .feetech:
      let rates = [1_000_000, 500_000, 250_000, 128_000, 115_200, 76_800, 57_600, 38_400]
      return rates.indices.contains(index) ? rates[index] : nil
    case .dynamixel2:
      let rates = [9600, 57_600, 115_200, 1_000_000, 2_000_000, 3_000_000, 4_000_000, 4_500_000]
      return rates.indices.contains(index) ? rates[index] : nil
    case .dynamixel1:
      return (0...254).contains(index) ? 2_000_000 / (index + 1) : nil
    }
  }

  /// The index of a baud rate, within 3 % (what a UART tolerates); nil when the servo has none like it.
  public func baudIndex(of baud: Int) -> Int? {
    (0...254).first { index in
      self.baud(index: index).map { abs($0 - baud) * 100 <= 3 * baud } ?? false
    }
  }
}

/// An instruction packet as a servo understood it, stuffing removed.
struct Instruction: Equatable {
  /// The servo it is for; 0xFE is everybody.
  var id: UInt8
  var code: UInt8
  var parameters: [UInt8]

  static let broadcastID: UInt8 = 0xFE
  var isBroadcast: Bool { id == Self.broadcastID }
}

/// What a byte brought to an end.
enum ParserEvent: Equatable {
  case instruction(Instruction)
  /// A frame of the right form whose check failed, and the id it named.
  case damaged(id: UInt8)
}

/// What a servo says back: an error byte and data.
struct ServoAnswer: Equatable {
  var error: UInt8 = 0
  var data: [UInt8] = []
}
