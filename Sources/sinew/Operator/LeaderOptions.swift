import ArgumentParser
import Sessions

/// The leader arm in the person's other hand, where there is one.
struct LeaderOptions: ParsableArguments {
  @Option(
    name: .customLong("leader-port"),
    help: ArgumentHelp(
      "Follow a leader arm on this port: a second arm without torque, moved by hand. Nothing is ever switched on in it.",
      valueName: "port"))
  var port: String?

  @Option(
    name: .customLong("leader"),
    help: ArgumentHelp(
      "The leader's arm profile: a shipped name or a YAML file. Default: that of --arm.", valueName: "arm"))
  var profile: String?

  @Option(
    name: .customLong("leader-calibration"),
    help: ArgumentHelp("The leader's calibration: a name or a file. Default: leader.", valueName: "name"))
  var calibration: String?

  @Option(name: .customLong("leader-baud"), help: "Speed of the leader's bus, bit/s. Default: its arm profile's.")
  var baud: Int?

  func validate() throws {
    try refuseEmpty(["leader-port": port, "leader": profile, "leader-calibration": calibration])
    if let baud, !(1...10_000_000).contains(baud) {
      throw ValidationError("--leader-baud must be between 1 and 10000000, found \(baud).")
    }
    let given: [(String, Bool)] = [
      ("--leader", profile != nil), ("--leader-calibration", calibration != nil), ("--leader-baud", baud != nil),
    ]
    if port == nil, let (name, _) = given.first(where: { $0.1 }) {
      throw ValidationError("\(name) is about a leader arm; name its port with --leader-port, or leave it out.")
    }
  }

  /// What was asked for; `arm` is the profile of the arm that follows.
  func settings(following arm: String?) throws -> LeaderSettings? {
    guard let port else { return nil }
    guard let name = profile ?? arm else {
      throw InputError("--leader-port needs the arm that is there: give --leader (so101, koch, or a YAML file)")
    }
    return LeaderSettings(port: port, profile: name, calibration: calibration ?? "leader", baud: baud)
  }
}
