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
