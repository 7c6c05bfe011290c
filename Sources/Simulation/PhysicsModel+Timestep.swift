import CMuJoCo

extension PhysicsModel {
  /// This model with another physics step, s: for control rates that its own step does not divide.
  ///
  /// - Throws: when the step is not between 10 µs and 50 ms, outside which no arm is simulated well.
  public func withTimestep(_ seconds: Double) throws(SimulationError) -> PhysicsModel {
    guard seconds >= 1e-5, seconds <= 0.05 else {
      throw SimulationError(
        .controlPeriod, file: path, "a physics time step of \(seconds) s is not between 0.00001 and 0.05 s")
    }
    guard let copy = sinew_mujoco_copy_model(pointer) else {
      throw SimulationError(.engine, file: path, "no memory for a copy of the model")
    }
    copy.pointee.opt.timestep = seconds
    return PhysicsModel(
      taking: copy, path: path, sourceText: sourceText,
      notes: notes + ["the physics time step is \(seconds) s instead of the model's \(timestep) s"])
  }
}
