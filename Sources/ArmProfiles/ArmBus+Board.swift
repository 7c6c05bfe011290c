import ArmModel
import Configuration

extension ArmBus {
  /// Reads the `bus` of an arm of hobby servos behind a controller board: `protocol` `firmware`.
  init(board root: ConfigurationNode, joints: [String]) throws(ConfigurationError) {
    try root.allowOnly([
      "protocol", "baud", "supply", "frame_rate", "channels", "models", "signs", "pulses", "directions",
    ])
    _ = try sourced(root.child("protocol"), keys: ["name"])
    let baud = try sourced(root.child("baud"), keys: ["rate"]).child("rate").integer(in: 9600...4_000_000)
    let supply = try range(try sourced(root.child("supply"), keys: ["lower", "upper"]), "lower", "upper", in: 1...60)
    let frameRate = try sourced(root.child("frame_rate"), keys: ["rate"]).child("rate").integer(in: 40...333)

    let columns = ColumnReader(bus: root, joints: joints)
    let channels = try columns.required("channels") { (node) throws(ConfigurationError) in
      UInt8(try node.integer(in: 0...15))
    }
    let models = try columns.required("models") { (node) throws(ConfigurationError) in
      let names = try node.strings()
      guard !names.isEmpty else { throw node.error("names no servo model") }
      return names
    }
    let signs = try columns.required("signs") { (node) throws(ConfigurationError) in
      let sign = try node.integer()
      guard sign == 1 || sign == -1 else { throw node.error("\(sign) is no sign", suggestion: "write 1 or -1") }
      return sign
    }
    let pulses = try columns.required("pulses") { (node) throws(ConfigurationError) in
      try node.allowOnly(["centre", "per_radian", "lower", "upper"])
      // µs; the board takes 400 to 2600.
      let allowed = try range(node, "lower", "upper", in: 400...2600)
      let centre = try node.child("centre").double(in: -10_000...10_000)
      return PulseDrive(centre: centre, perRadian: try node.child("per_radian").double(in: 10...5000), range: allowed)
    }
    let directions = try columns.optional("directions") { (node) throws(ConfigurationError) in try node.string() }
    for (index, channel) in channels.enumerated() {
      if let other = channels.firstIndex(of: channel), other < index {
        throw try root.child("channels").error(
          "channel \(channel) stands for \(joints[other]) and for \(joints[index])",
          suggestion: "every servo has a channel of its own")
      }
    }
    self.init(
      wire: Self.firmwareWire, baud: baud, supply: supply,
      servos: joints.indices.map { index in
        JointServo(
          joint: joints[index], servo: channels[index], models: models[index], sign: signs[index],
          direction: directions[index], pulse: pulses[index])
      })
    self.frameRate = frameRate
  }
}
