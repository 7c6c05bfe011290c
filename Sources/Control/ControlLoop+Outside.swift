import ArmModel
import Numerics
import Safety

// A policy outside the loop: it sees what the loop's own would see, and answers between the halves of a tick.
extension ControlLoop {
  /// Whether a step has been opened and waits for its action.
  public var isAwaitingAnswer: Bool { @_noLocks get { step.isOpen && !step.isDecided } }

  /// What the task shows: of the step that waits for its action, or the last of an episode that has ended.
  public var observation: UnsafePointer<Double> { @_noLocks get { UnsafePointer(buffers.observation) } }

  /// The action of the step that waits for one, after squash and clip. Without such a step nothing happens.
  @_noLocks
  public mutating func answer(_ action: UnsafePointer<Float>) {
    guard isAwaitingAnswer else { return }
    for index in 0..<buffers.actionCount {
      buffers.action[index] = action[index]
      buffers.rawAction[index] = action[index]
      buffers.mean[index] = .nan
      buffers.logStandardDeviation[index] = .nan
    }
    step.logProbability = .nan
    step.value = .nan
    decideStep(isUsable: true)
    if isInterpolating { interpolate() }
  }

  /// Begins anew as after set-up, but for the clock and the streams: nothing latched, nothing under way. For an arm that is
  /// put somewhere without the loop.
  @_noLocks
  public mutating func restart() {
    safety = SafetyCore(configuration.safety)
    inputs = SafetyInputs(count: safety.configuration.limits.count, mode: configuration.mode)
    requests = .none
    remoteRequests = .none
    lastArmError = nil
    episode.isRunning = false
    step.isOpen = false
    ticksIntoStep = 0
  }

  /// Begins anew with an arm that was away and has come back under torque: its safety core is in `boot` again, where
  /// nothing is switched and nothing commanded, and what was decided about the arm before counts no longer.
  @_noLocks
  public mutating func meetArmAgain() {
    restart()
    var core = safety
    decision = core.step(inputs, now: clock.now())
  }
}
