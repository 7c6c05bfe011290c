extension Condition {
  /// The name used in logs and on the terminal.
  public var name: String {
    switch self {
    case .stopRequested: "stop requested"
    case .proposalInvalid: "proposal invalid"
    case .proposalLate: "proposal late"
    case .observationStale: "observation stale"
    case .armMute: "arm mute"
    case .armFailed: "arm failed"
    case .measurementInvalid: "measurement invalid"
    case .overrunBudgetSpent: "overrun budget spent"
    case .timeGap: "time gap"
    case .writeFailed: "write failed"
    case .enableReleased: "enable released"
    case .operatorLost: "operator lost"
    case .operatorSilent: "operator silent"
    case .operatorEventsLost: "operator events lost"
    case .jointSilent: "joint silent"
    case .busErrors: "bus errors"
    case .servoOverload: "servo overload"
    case .servoVoltage: "servo voltage"
    case .servoSensor: "servo sensor"
    case .torqueLost: "torque lost"
    case .servoWatchdog: "servo watchdog"
    case .measurementJumped: "measurement jumped"
    case .trackingError: "tracking error"
    case .obstructed: "obstructed"
    case .outsideLimits: "outside limits"
    case .collisionPredicted: "collision predicted"
    case .clampedTooOften: "clamped too often"
    case .proposalsInvalid: "proposals invalid"
    case .suspended: "suspended"
    case .standstillLost: "standstill lost"
    case .armingDrifted: "arming drifted"
    case .armingTimedOut: "arming timed out"
    case .emergencyStop: "emergency stop"
    case .releaseRequested: "release requested"
    case .handoverRefused: "hand-over refused"
    }
  }

  /// What happened and what to do next, for a person.
  public var advice: String {
    switch self {
    case .stopRequested: "a stop was requested"
    case .proposalInvalid:
      "a proposal was not finite, incomplete or far outside the limits; check the policy's observation "
        + "and weights with 'sinew policy eval', then start again"
    case .proposalLate: "the policy did not answer in time; run a smaller network or a lower rate"
    case .observationStale: "the arm's state is too old because reads fail or are delayed; check cable and power"
    case .armMute: "the arm stopped answering; check cable and power, then reset"
    case .armFailed: "the arm reported a failure; see the message beside it, then reset"
    case .measurementInvalid: "the arm measured a number that is not finite; check its sensors, then reset"
    case .overrunBudgetSpent:
      "the loop overran its period too often; lower the rate or grant real-time rights ('sinew doctor')"
    case .timeGap: "the loop stood still for more than ten periods (suspend, overload); start again"
    case .writeFailed: "a command could not be written; check cable and power, then reset"
    case .enableReleased: "enable was released; press it anew with the sticks at rest"
    case .operatorLost:
      "the operator's device is gone; plug it in or switch it on, let the sticks go, and press enable anew"
    case .operatorSilent:
      "the wireless device has been silent for 3 s, so its link may be lost; press enable anew, or use "
        + "a cable"
    case .operatorEventsLost: "events of the operator's device were lost; press enable anew"
    case .jointSilent: "a servo did not answer three times in a row; check its cable, then reset"
    case .busErrors:
      "more than 5 % of the replies were damaged; check cables, termination and the line's speed; goes "
        + "by itself after 1 s without errors"
    case .servoOverload: "a servo is overloaded or too hot; take the load off, let it cool, then reset"
    case .servoVoltage: "the supply is outside the servos' limits; check the power supply, then reset"
    case .servoSensor: "a servo's position sensor reports a fault; repair or replace it, then reset"
    case .torqueLost: "a servo let go or started again; check its supply and its temperature, then reset and arm anew"
    case .servoWatchdog:
      "a servo's watchdog stopped it because commands did not come in time; check the loop's timing, "
        + "then reset"
    case .measurementJumped:
      "a joint's position leapt further than it can move; check its sensor and its calibration, then reset"
    case .trackingError: "a joint does not follow its goal; check for an obstacle and for power, then reset"
    case .obstructed: "a joint pushes against something; free the arm, then reset"
    case .outsideLimits: "a joint stands outside its limits; jog it inward"
    case .collisionPredicted: "the goal leads into the arm itself or out of its workspace; choose another one"
    case .clampedTooOften: "the policy asks for more than the limits allow for most of the time; check its scaling"
    case .proposalsInvalid: "the policy proposed what cannot be executed too often; mend it, then reset"
    case .suspended: "the machine was suspended; start again"
    case .standstillLost: "a joint gave way while the arm held; check load and power, then reset"
    case .armingDrifted: "a joint moved while torque came on; support the arm, check its calibration, then reset"
    case .armingTimedOut: "torque was not confirmed in time; check the servos, then reset"
    case .emergencyStop: "the emergency stop is pressed; release it, let enable and the sticks go, then reset"
    case .releaseRequested: "torque was released on request; let enable and the sticks go, then reset"
    case .handoverRefused: "the new source's goal was too far from where the arm is; bring them together first"
    }
  }
}
