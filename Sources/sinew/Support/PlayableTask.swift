import Configuration
import Tasks
import Training

/// A task that an arm can play: a shipped one by name, or any by the path of its file.
func playableTask(named name: String) throws -> TaskDefinition {
  guard name != TrainingPlan.pendulum else {
    throw InputError(
      "\(name): can only be trained, with 'sinew train': it is no task of an arm; take one of "
        + "\(TaskDefinition.shipped.joined(separator: ", ")), or the path of a .yaml file")
  }
  return try checkingInput { try TaskDefinition.named(name) }
}
