import ArmModel
import Configuration

/// What tells one servo on a bus from another: neither Feetech's nor DYNAMIXEL's tables have a serial number, so an arm is
/// known by ids, models and the homing offsets that its calibration left in the servos.
public struct ServoIdentity: Sendable, Equatable {
  public var id: UInt8
  /// What its model number register holds.
  public var modelNumber: Int?
  /// What its homing offset register holds; nil where it has none.
  public var homingOffset: Int?

  public init(id: UInt8, modelNumber: Int?, homingOffset: Int?) {
    self.id = id
    self.modelNumber = modelNumber
    self.homingOffset = homingOffset
  }
}

extension ArmCalibration {
  /// The servos that this calibration is of, followers behind their leaders.
  public var servos: [ServoIdentity] {
    joints.flatMap { joint in
      [ServoIdentity(id: joint.servo, modelNumber: joint.modelNumber, homingOffset: joint.homingOffset)]
        + joint.followers.map {
          ServoIdentity(id: $0.servo, modelNumber: joint.modelNumber, homingOffset: $0.homingOffset)
        }
    }
  }

  /// The hash over the servos: 16 hexadecimal digits of SHA-256.
  public var fingerprint: String { Self.fingerprint(of: servos) }

  /// The hash over servos in any order.
  public static func fingerprint(of servos: [ServoIdentity]) -> String {
    let lines = servos.sorted { $0.id < $1.id }.map { servo in
      "\(servo.id) \(servo.modelNumber.map(String.init) ?? "-") \(servo.homingOffset.map(String.init) ?? "-")\n"
    }
    return String(ContentHash.sha256(lines.joined()).prefix(16))
  }

  /// What the servos found on a bus have other than this calibration says, a sentence each; empty when they are the ones.
  public func differences(from found: [ServoIdentity]) -> [String] {
    var sentences: [String] = []
    for wanted in servos {
      guard let servo = found.first(where: { $0.id == wanted.id }) else {
        sentences.append("servo \(wanted.id) is missing")
        continue
      }
      if let number = wanted.modelNumber, servo.modelNumber != number {
        sentences.append(
          "servo \(wanted.id) has model number \(servo.modelNumber.map(String.init) ?? "unknown"), the calibration \(number)"
        )
      }
      if servo.homingOffset != wanted.homingOffset {
        sentences.append(
          "servo \(wanted.id) has homing offset \(servo.homingOffset.map(String.init) ?? "none"), the calibration "
            + (wanted.homingOffset.map(String.init) ?? "none"))
      }
    }
    return sentences
  }
}
