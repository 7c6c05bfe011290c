import ArmModel
import ArmProfiles
import Foundation
import VirtualServos

/// An arm behind a pseudo-terminal whose shafts know nothing of each other, light work for a busy machine; its calibration
/// beside it.
final class EmulatedBus {
  let server: ServoBusServer
  /// What turns the shafts: a hand may hold them.
  let shafts: IndependentJoints

  /// `profile`'s arm on the link `name` in `folder`, at its home or at `pose` (rad), with `name`.yaml as its calibration.
  /// Its servos are all of `model`.
  init(
    _ profile: String, _ model: String, at name: String, in folder: ScratchFolder, pose: [Double]? = nil,
    recordingLimit: Int = 0
  ) throws {
    let servo = try ServoModel.named(model)
    let calibration = try EmulatedCalibration.make(profile: profile, model: servo, ids: Array(1...6))
    try folder.write(calibration.text, to: "\(name).yaml")
    let setups = zip(try ServoSetup.servos(servo, ids: Array(1...6), baud: 1_000_000), calibration.joints).map {
      $0.calibrated(as: $1)
    }
    let home = try pose ?? ArmProfile.named(profile).home
    shafts = IndependentJoints(home.map { IndependentJoints.Joint(start: $0, speed: 6) })
    var configuration = VirtualBusConfiguration(servos: setups, timing: BusTiming())
    configuration.recordingLimit = recordingLimit
    // The shafts are touched between two bytes only, see `ServoBusServer.withBus`.
    nonisolated(unsafe) let bus = try VirtualServoBus(configuration, physics: shafts)
    server = try ServoBusServer.pseudoTerminal(bus, link: folder.path(name))
  }

  var isOn: Bool { server.state.servos.allSatisfy(\.isTorqueOn) }
  var isOff: Bool { server.state.servos.allSatisfy { !$0.isTorqueOn } }

  /// The codes of all instructions that the servos have understood.
  func instructions(at place: Int) -> Set<UInt8> {
    Set(server.recording.filter { $0.kind == .instruction && $0.bytes.count > place }.map { $0.bytes[place] })
  }

  /// The SO-101 with DYNAMIXEL servos in the place of its own, as an arm profile in `folder`.
  static func dynamixelProfile(in folder: ScratchFolder) throws -> String {
    let text = try ArmProfile.text(of: "so101")
      .replacing("name: feetech,", with: "name: dynamixel2,")
      .replacing("every_joint: [sts3215]", with: "every_joint: [xm430-w350]")
      .replacing("    upper: 12.6\n", with: "    upper: 14.8\n")
    try folder.write(text, to: "so101-dynamixel.yaml")
    return folder.path("so101-dynamixel.yaml")
  }
}
