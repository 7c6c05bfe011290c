import ArmModel
import CMuJoCo

/// Says what a status of the engine's wrappers means.
enum EngineStatus {
  /// For set-up, with the engine's own text.
  static func explain(_ status: Int) -> String {
    if status == Int(SINEW_MUJOCO_ERROR) { return String(cString: sinew_mujoco_message()) }
    return "\(reason(status))"
  }

  /// For the control thread.
  @_noLocks
  static func reason(_ status: Int) -> StaticString {
    if status == Int(SINEW_MUJOCO_ERROR) { return "MuJoCo raised an internal error" }
    if status == Int(SINEW_MUJOCO_NOT_FINITE) { return "the simulation diverged: its state is no longer finite" }
    switch status - Int(SINEW_MUJOCO_WARNING) {
    case Int(mjWARN_INERTIA.rawValue): return "the simulation diverged: the inertia matrix is singular"
    case Int(mjWARN_CONTACTFULL.rawValue): return "the simulation ran out of memory for contacts"
    case Int(mjWARN_CNSTRFULL.rawValue): return "the simulation ran out of memory for constraints"
    case Int(mjWARN_BADQPOS.rawValue): return "the simulation diverged: a position is not finite"
    case Int(mjWARN_BADQVEL.rawValue): return "the simulation diverged: a velocity is not finite"
    case Int(mjWARN_BADQACC.rawValue): return "the simulation diverged: an acceleration is not finite"
    case Int(mjWARN_BADCTRL.rawValue): return "the simulation was given a control that is not finite"
    default: return "MuJoCo raised a warning"
    }
  }
}
