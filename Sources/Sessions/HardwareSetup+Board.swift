import ArmModel
import ServoBus

extension HardwareSetup {
  /// What a run tells of hobby servos behind a controller board.
  func findings(_ report: BoardReport, _ settings: HardwareSettings, controlRate: Double) -> ArmFindings {
    let carried = (report.achievableRate * 10).rounded() / 10
    let rate =
      "line and board carry \(carried) Hz, the loop asks for \(controlRate) Hz: \(report.sentBytes) + "
      + "\(report.receivedBytes) bytes a tick at \(report.baud) bit/s, latency \(report.latency / 1000) µs; the board's "
      + "clock runs \((report.clockDrift * 1e6).rounded()) ppm fast, times are within \(report.clockError / 1000) µs"
    return ArmFindings(
      description:
        "\(profile.name) '\(identity.calibration.name)' on \(settings.port) (\(profile.joints.count) hobby servos behind a board with "
        + "firmware \(report.firmware), at \(report.baud) bit/s)",
      notes: report.notes + [rate], logged: logged(report, settings))
  }

  private func logged(_ report: BoardReport, _ settings: HardwareSettings) -> LoggedArm {
    let found = [
      "port": settings.port, "protocol": ArmBus.firmwareWire, "baud": "\(report.baud)", "board": "\(report.board)",
      "board_id": String(report.uniqueID, radix: 16), "board_firmware": report.firmware,
      "board_reset": report.reset, "board_starts": "\(report.bootCount)", "session": "\(report.session)",
      "latency_us": "\(Double(report.latency) / 1000)", "clock_drift": "\(report.clockDrift)",
      "clock_error_us": "\(Double(report.clockError) / 1000)",
      "cycle_bytes": "\(report.sentBytes + report.receivedBytes)", "achievable_rate_hz": "\(report.achievableRate)",
      "position_source": "pulses put out by the board",
    ]
    return logged(identity.metadata.merging(found) { own, _ in own }, settings)
  }
}
