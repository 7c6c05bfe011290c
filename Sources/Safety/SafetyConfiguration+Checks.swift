import ArmModel

extension SafetyConfiguration {
  /// Whether no number would switch off by accident what it is meant to bound: a comparison with NaN is false.
  var areNumbersUsable: Bool {
    @_noLocks get {
      guard residualTime > 0, envelope >= 1, handoverDistance >= 0, handoverTime >= 0, moveSpeed > 0, parkTime > 0,
        monitors.areNumbersUsable
      else { return false }
      guard isHardware && mode == .position else { return true }
      // The reach of a goal, and with it what a dead host leaves behind, is a share of the largest speed.
      return limits.velocity.isFinite
    }
  }
}

extension MonitorLimits {
  /// Whether every limit is a number that is not negative, or infinite.
  var areNumbersUsable: Bool {
    @_noLocks get {
      guard oldPeriods >= 0, stalePeriods >= 0, jumpPeriods >= 0, outsideTolerance >= 0, trackingError >= 0 else {
        return false
      }
      guard obstructedError >= 0, obstructedReach >= 0, obstructedEffort >= 0, obstructedSpeed >= 0 else {
        return false
      }
      guard obstructedGrowth >= 0, obstructedLead >= 0 else { return false }
      guard standstillTolerance >= 0, armingDrift >= 0, dampTorqueShare >= 0, dampTorqueShare <= 1 else { return false }
      guard busErrorShare >= 0, clampedShare >= 0 else { return false }
      return !lowestVoltage.isNaN && !highestTemperature.isNaN
    }
  }
}
