// The only door to MuJoCo. Its default answer to an internal error is exit(1) and a MUJOCO_LOG.TXT in the working
// directory; every wrapper below instead catches the error (a handler that jumps back, no frame of another language in
// between), returns a status, and keeps the text for sinew_mujoco_message(). Nothing is ever printed or written.
//
// All wrappers are thread-safe as long as two threads do not share one mjData.
#pragma once
#include <mujoco/mujoco.h>
#include <stddef.h>
#include <stdint.h>

#ifndef SINEW_RT
// Reviewed: neither locks nor allocates, so a Swift function marked @_noLocks may call it.
#define SINEW_RT __attribute__((swift_attr("@_noLocks")))
#endif

// MARK: Status

enum {
  SINEW_MUJOCO_OK = 0,
  /// MuJoCo raised an internal error; the mjData it worked on is spoiled until it is reset.
  SINEW_MUJOCO_ERROR = 1,
  /// The state is no longer finite, or beyond MuJoCo's largest value.
  SINEW_MUJOCO_NOT_FINITE = 2,
  /// Plus a warning index (mjtWarning): the step raised that warning.
  SINEW_MUJOCO_WARNING = 16,
};

/// What went wrong in the last failing call of this thread, or what MuJoCo warned of in the last load; "" when nothing.
const char *sinew_mujoco_message(void);

// MARK: Version

/// The version of the headers this program was built with, and of the library it runs with (4000001 = 4.0.1).
int sinew_mujoco_header_version(void);
int sinew_mujoco_version(void);

// MARK: Loading (not for the control thread)

/// How a URDF, which knows neither actuators nor contact filters, is completed.
typedef struct {
  double armature;       ///< kg·m², added to joints for which the file gives none
  double friction_loss;  ///< N·m, likewise
  double damping;        ///< N·m·s/rad, likewise
  int motors_added;      ///< result: torque motors, one per hinge or slide that follows no other, of the joint's name
  int pairs_excluded;    ///< result: pairs of bodies that may pass through each other, see `sinew_mujoco_load`
} sinew_mujoco_completion;

/// Parses and compiles a model: the file at `path`, or where `text` is given that XML, whose relative files are then
/// looked up in `directory`. With `completion` motors are added if the model has no actuators, and contacts are switched
/// off between a fixed body and its children and between bodies that touch in the reference pose: shapes of neighbouring
/// links overlap at their joint. Returns NULL on error; on success a non-empty message holds MuJoCo's warnings.
mjModel *sinew_mujoco_load(const char *path, const char *text, const char *directory,
                           sinew_mujoco_completion *completion);

/// A copy to be edited, or NULL.
mjModel *sinew_mujoco_copy_model(const mjModel *model);
/// Recomputes what depends on masses, inertias, armatures; the data are reset by it.
SINEW_RT int sinew_mujoco_set_constants(mjModel *model, mjData *data);
/// Adds a point mass (kg) to a body at a point of the body's frame (m); call sinew_mujoco_set_constants afterwards.
SINEW_RT int sinew_mujoco_add_point_mass(mjModel *model, int body, double x, double y, double z, double mass);
/// New data with everything at the reference pose, or NULL.
mjData *sinew_mujoco_make_data(const mjModel *model);
void sinew_mujoco_delete_model(mjModel *model);
void sinew_mujoco_delete_data(mjData *data);

// MARK: Simulation

/// Back to the reference pose; clears warnings, warm start, time and control. Does not evaluate anything.
SINEW_RT int sinew_mujoco_reset(const mjModel *model, mjData *data);
/// Forward dynamics without integration, then the same checks as a step.
SINEW_RT int sinew_mujoco_forward(const mjModel *model, mjData *data);
/// One time step. Any warning raised by it, and a state that is not finite, is a failure.
SINEW_RT int sinew_mujoco_step(const mjModel *model, mjData *data);
/// Positions of bodies and sites from qpos and the mocap poses, nothing else.
SINEW_RT int sinew_mujoco_kinematics(const mjModel *model, mjData *data);
