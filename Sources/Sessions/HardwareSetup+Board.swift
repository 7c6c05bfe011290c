import ArmModel
import Configuration
import Recording
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
    LoggedArm(
      metadata: [
        "profile": profile.name, "calibration": identity.calibration.name, "calibration_file": identity.calibrationPath,
        "calibration_sha256": ContentHash.sha256(identity.calibrationText), "port": settings.port,
        "protocol": ArmBus.firmwareWire, "baud": "\(report.baud)", "board": "\(report.board)",
        "board_id": String(report.uniqueID, radix: 16), "board_firmware": report.firmware,
        "board_reset": report.reset, "board_starts": "\(report.bootCount)", "session": "\(report.session)",
        "latency_us": "\(Double(report.latency) / 1000)", "clock_drift": "\(report.clockDrift)",
        "clock_error_us": "\(Double(report.clockError) / 1000)",
        "cycle_bytes": "\(report.sentBytes + report.receivedBytes)", "achievable_rate_hz": "\(report.achievableRate)",
        "position_source": "pulses put out by the board", "exit": settings.exit.rawValue,
        "on_unplug": settings.onUnplug.rawValue, "on_crash": settings.onCrash.rawValue,
        "stall_periods": settings.stallPeriods.map { "\($0)" } ?? "default",
      ].merging(settings.isUnsupervised ? ["unsupervised": "true"] : [:]) { own, _ in own },
      attachments: [
        LogAttachment(
          name: "calibration.yaml", mediaType: "application/yaml", data: Array(identity.calibrationText.utf8))
      ])
  }
}
