import Foundation
import TestSupport
import Testing

/// What `sinew run` and `sinew servo` say of an arm that is not as it should be, and with which exit code: 2 where what was
/// asked for cannot be, 1 where the bus is the trouble.
@Suite(.enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct ConnectDeviceTests {
  /// An emulated SO-101 as a program of its own.
  private final class Arm {
    let folder: ScratchFolder
    private let emulation: Command

    init(_ options: [String] = []) throws {
      folder = try ScratchFolder()
      emulation = try Command(
        [
          "emulate", "--arm", "so101", "--physics", "independent", "--pty", "bus", "--write-calibration", "arm.yaml",
          "--unpaced",
        ] + options, in: folder.root)
      try emulation.waitFor("bus", onOutput: true)
    }

    deinit { emulation.send(SIGKILL) }

    func run(_ options: [String] = []) throws -> Outcome {
      try Command.run(
        [
          "run", "--unsupervised", "--yes", "--arm", "so101", "--port", "bus", "--calibration", "./arm.yaml",
          "--allow-non-realtime", "--no-log", "--duration", "1",
        ] + options, in: folder, patience: 60)
    }

    /// The guided calibration with nobody at the terminal: it ends by what it says first.
    func calibrate() throws -> Outcome {
      try Command.run(["calibrate", "--arm", "so101", "--port", "bus"], in: folder, patience: 60)
    }

    func servo(_ words: [String]) throws -> Outcome {
      try Command.run(["servo"] + words + ["--port", "bus", "--protocol", "feetech"], in: folder, patience: 60)
    }
  }

  @Test("a mute servo ends a run as it ends servo info")
  func mute() throws {
    let arm = try Arm(["--fault", "mute=3"])
    let run = try arm.run()
    #expect(run.code == 1)
    #expect(
      run.errorLines.last?.hasPrefix("error: servo 3 (elbow_flex) does not answer, others behind do; ") == true,
      "\(run.errors)")
    let info = try arm.servo(["info", "--id", "3"])
    #expect(info.code == 1 && info.errors.contains("servo 3 did not answer"), "\(info.errors)")
  }

  @Test("a supply that is too low ends a run with its voltage")
  func lowVoltage() throws {
    let arm = try Arm(["--voltage", "3.5"])
    let run = try arm.run()
    #expect(run.code == 1)
    #expect(
      run.errors.contains("servo 1 (shoulder_pan) has 3.5 V, the arm needs 4.5 to 12.6 V; check the power supply"))
  }

  @Test("two servos with one id: scan, info, read, write, run and calibrate say so, and nothing is written")
  func sharedID() throws {
    let arm = try Arm(["--double", "2"])
    let advice =
      "several servos answer at id 2, as new ones do: connect them one at a time and give each its own with 'sinew servo set-id'"
    let scan = try arm.servo(["scan", "--ids", "1-6", "--patience", "150"])
    #expect(scan.code == 1 && scan.output.contains("warning: " + advice), "\(scan.output) \(scan.errors)")
    for words in [["info"], ["read", "present_position"], ["write", "torque_enable", "1"]] {
      let outcome = try arm.servo(words + ["--id", "2"])
      #expect(outcome.code == 1 && outcome.errorLines.last == "error: " + advice, "\(words) \(outcome.errors)")
    }
    let run = try arm.run()
    #expect(
      run.code == 1 && run.errors.contains("the answers of id 2 are damaged, late or come twice"), "\(run.errors)")
    #expect(run.errors.contains("'sinew servo set-id'"), "\(run.errors)")
    let calibration = try arm.calibrate()
    #expect(
      calibration.code == 1 && calibration.errorLines.last == "error: shoulder_lift: " + advice, "\(calibration.errors)"
    )
    let others = try arm.servo(["info", "--id", "3"])
    #expect(others.code == 0, "\(others.errors)")
  }

  @Test("mixed firmware: scan warns, calibrate notes, run refuses, each with the versions and what to do")
  func firmware() throws {
    let arm = try Arm(["--firmware", "3=3.9"])
    let scan = try arm.servo(["scan", "--ids", "1-6", "--patience", "150"])
    #expect(
      scan.code == 0
        && scan.output.contains(
          "the sts3215 have different firmware, 3.10 (id 1-2,4-6) and 3.9 (id 3), which may behave differently: bring all"
        ),
      "\(scan.output) \(scan.errors)")
    let run = try arm.run()
    #expect(
      run.code == 1
        && run.errorLines.last
          == "error: servo 3 (elbow_flex) has firmware 3.9, servo 1 (shoulder_pan) has 3.10; bring all servos to one version with Feetech's FD program: mixed ones disturb each other",
      "\(run.errors)")
    let calibration = try arm.calibrate()
    #expect(
      calibration.errors.contains(
        "note: servo 3 has firmware 3.9, servo 1 has 3.10, and 'sinew run' refuses a mixture; bring all to one version"),
      "\(calibration.errors)")
  }

  @Test("a servo of another model is named by run, with the model that belongs there")
  func otherModel() throws {
    let folder = try ScratchFolder()
    let known = try Arm()
    try folder.write(String(contentsOfFile: known.folder.path("arm.yaml"), encoding: .utf8), to: "arm.yaml")
    let setups =
      try VirtualBus.servos("sts3215-7v4", ids: [1, 2])
      + VirtualBus.servos("sts3250", ids: [3]) + VirtualBus.servos("sts3215-7v4", ids: [4, 5, 6])
    let bus = try VirtualBus(setups: setups, voltage: 7.4)
    let run = try Command.run(
      [
        "run", "--unsupervised", "--yes", "--arm", "so101", "--port", bus.port, "--calibration", "./arm.yaml",
        "--allow-non-realtime", "--no-log", "--duration", "1",
      ], in: folder, patience: 60)
    #expect(run.code == 1, "\(run.errors)")
    #expect(
      run.errorLines.last?.hasPrefix(
        "error: servo 3 (elbow_flex) is a sts3250, the calibration was made with a sts3215; ")
        == true, "\(run.errors)")
  }

  @Test("a port that another program has is refused with that program's name and number")
  func busy() throws {
    let arm = try Arm()
    let holder = try Command(
      ["servo", "monitor", "--port", "bus", "--protocol", "feetech", "--ids", "1-6"], in: arm.folder.root)
    defer { holder.send(SIGKILL) }
    try holder.waitFor("1", onOutput: true)
    for outcome in [try arm.run(), try arm.servo(["scan"]), try arm.servo(["info", "--id", "1"]), try arm.calibrate()] {
      #expect(outcome.code == 2, "\(outcome.errors)")
      let line = try #require(outcome.errorLines.last)
      #expect(line.contains("bus: it is in use by sinew (process ") && line.contains("end it first (kill "), "\(line)")
    }
  }

  @Test(
    "doubles and firmware that cannot be emulated are refused",
    arguments: [
      (["--double", "9"], "--double 9: there is no servo 9 on this bus"),
      (["--firmware", "9=3.9"], "--firmware 9=3.9: there is no servo 9 on this bus"),
      (["--firmware", "3=9"], "'9' is no firmware version of a sts3215-7v4; write one such as 3.9"),
      (["--firmware", "3.999"], "'3.999' is no firmware version of a sts3215-7v4"),
    ])
  func notEmulated(options: [String], message: String) throws {
    let outcome = try Command.run(["emulate", "--arm", "so101"] + options, in: ScratchFolder())
    #expect(outcome.code == 2 && outcome.errors.contains(message), "\(outcome.errors)")
  }

  @Test("nobody there: one sentence, once, with the speeds that were tried")
  func nobody() throws {
    let arm = try Arm(["--fault", "mute=1-6"])
    let run = try arm.run()
    #expect(run.code == 1)
    let line = try #require(run.errorLines.last)
    #expect(line.hasPrefix("error: bus: no servo answers, at none of 1000000, "), "\(run.errors)")
    #expect(line.components(separatedBy: "no servo answers").count == 2, "\(line)")
    #expect(!line.contains(": ;") && !line.contains(" ;"), "\(line)")
  }

  @Test("a control rate that the bus does not carry is answered with one that the policy can use")
  func rate() throws {
    let arm = try Arm()
    let run = try arm.run(["--control-rate", "10000"])
    #expect(run.code == 2)
    #expect(run.errors.contains("10000 Hz asked for, this bus carries "), "\(run.errors)")
    let proposed = try #require(run.errors.firstMatch(of: /; ask for a control rate of ([0-9.]+) Hz/)?.1)
    let carried = try #require(run.errors.firstMatch(of: /this bus carries ([0-9]+)/)?.1)
    let (rate, most) = (try #require(Double(proposed)), try #require(Double(carried)))
    // The policy answers at 50 Hz.
    #expect(rate.truncatingRemainder(dividingBy: 50) == 0 && rate <= most && rate > most - 50, "\(run.errors)")
    #expect(!run.errors.contains("latency timer"), "\(run.errors)")
  }
}
