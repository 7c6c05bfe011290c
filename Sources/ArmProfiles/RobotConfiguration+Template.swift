import ArmModel
import Configuration

extension RobotConfiguration {
  /// A commented `robot.yaml` for an arm, in which every field stands with its default; what `sinew init` writes. It reads
  /// back as `defaults(for: arm)`.
  public static func template(for arm: String) -> String {
    let defaults = RobotConfiguration.defaults(for: arm)
    return """
      # robot.yaml: what `sinew run` does. Every field may be left out; what stands here is its default.
      # An option given on the command line wins. Paths are relative to the working directory.

      arm: \(quotedScalar(defaults.arm))   # a shipped arm profile by name, or the path of a .yaml file
      task: \(defaults.task.map(quotedScalar) ?? "none")   # a shipped task by name, or the path of a .yaml file
      policy:   # a shipped policy by name, a bundle folder or an .onnx file; empty: the one that ships for the task

      hardware:   # the real arm; with a port here it moves, and `sinew run` asks for --unsupervised
        port:   # such as /dev/serial/by-id/...; empty: the arm is simulated
        calibration:   # a name in calibration/, or the path of a file
        baud:   # bit/s; empty: the arm profile's
        exit:   # park, release or hold: what is done with the arm in the end; empty: park
        on_crash:   # hold or release: what becomes of the arm when the program dies; empty: hold
        on_unplug:   # end, or wait for the port to come back; empty: end
        stall_periods:   # control periods that a tick may last before a watchdog ends the program; empty: 4; 0: none

      simulation:
        model:   # a shipped model by name, or the path of an MJCF or URDF file; empty: the arm profile's
        servo:   # a servo profile by name or path, or none for plain torque motors; empty: what fits the arm
        # Named departures from nominal, recorded in the log. For example:
        # perturbations: {payload: 0.1, friction: 1.2, latency: 0.005, backlash: 0.01, sensor_noise: 0.001}
        perturbations:

      control:
        rate_hz:   # ticks per second, a whole multiple of the policy's; empty: the policy's for efforts, at least 100 for positions

      run:
        seed: \(defaults.seed)   # the same seed on a virtual clock gives the same run
        duration: \(defaults.duration.map { scalar($0) } ?? "")   # s; empty: until stopped
        sampling: \(defaults.sampling.rawValue)   # mean, or sample for exploration
        clock: \(defaults.clock.rawValue)   # real, or virtual: as fast as the machine

      log:
        enabled: \(defaults.log.isEnabled)
        folder: \(quotedScalar(defaults.log.folder))
        compression: \(defaults.log.compression.rawValue)   # zstd, lz4 or none

      realtime:
        priority: \(defaults.realTime.priority)   # SCHED_FIFO, 1 to 99
        cpu:   # the core for the loop; empty: where the system puts it
        lock_memory: \(defaults.realTime.lockMemory)
        allow_non_realtime: \(defaults.realTime.allowNonRealtime)   # true lets hardware run without these rights; the log says so

      safety:
        # Limits tighter than the arm profile's (rad, rad/s, rad/s2, rad/s3, N m). For example:
        # every_joint: {velocity: 1.5}
        # joints: {\(exampleJoint(of: arm)): {lower: -1, upper: 1, velocity: 1}}
        # The box that every part of the moving arm stays in (m, frame of the arm's base):
        # workspace: {x: [-0.3, 0.45], y: [-0.3, 0.3], z: [0, 0.5]}
        # Goals are kept from leading a physical arm into itself or the table; for a simulated one with:
        # self_collision: true

      """
  }

  /// A joint to show in the example: the arm's first, when the arm is known.
  private static func exampleJoint(of arm: String) -> String {
    guard let profile = try? ArmProfile.named(arm), let first = profile.joints.first else { return "JOINT" }
    return quotedScalar(first.name)
  }

  /// A number without a fraction where it has none.
  private static func scalar(_ number: Double) -> String {
    number == Double(Int(number)) ? String(Int(number)) : String(number)
  }
}
