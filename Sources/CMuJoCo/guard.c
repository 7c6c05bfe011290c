#include "CMuJoCo.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

// Where this thread's running wrapper wants to land when MuJoCo raises an error; NULL outside a wrapper.
static _Thread_local jmp_buf *landing;
static _Thread_local char message[2048];

static void append_message(const char *text) {
  size_t used = strlen(message);
  if (used + 1 < sizeof message) snprintf(message + used, sizeof message - used, "%s%s", used ? "; " : "", text);
}

static void on_log(const mjLogMessage *log) {
  if (log->level == mjLOG_ERROR) {
    snprintf(message, sizeof message, "%s", log->subject);
    if (landing) longjmp(*landing, 1);
  } else if (log->level == mjLOG_WARNING) {
    append_message(log->subject);
  }
}

static void on_error(const char *text) {
  snprintf(message, sizeof message, "%s", text);
  if (landing) longjmp(*landing, 1);
}

static void on_warning(const char *text) { append_message(text); }

static void install(void) {
  mju_setLogHandler(on_log);
  // The older pair of hooks is asked first where it is still honoured.
  mju_user_error = on_error;
  mju_user_warning = on_warning;
}

static pthread_once_t installed = PTHREAD_ONCE_INIT;

/// Runs `statement`; on an error runs `failure`. Guards may nest: the outer landing is restored on both ways out.
#define GUARDED(statement, failure)     \
  do {                                  \
    jmp_buf *outer = landing;           \
    jmp_buf here;                       \
    landing = &here;                    \
    if (_setjmp(here) == 0) {           \
      statement;                        \
      landing = outer;                  \
    } else {                            \
      landing = outer;                  \
      failure;                          \
    }                                   \
  } while (0)

const char *sinew_mujoco_message(void) { return message; }

int sinew_mujoco_header_version(void) { return mjVERSION_HEADER; }

int sinew_mujoco_version(void) { return mj_version(); }

// MARK: Loading

static int is_scalar(const mjsJoint *joint) { return joint->type == mjJNT_HINGE || joint->type == mjJNT_SLIDE; }

/// Joints that an equality couples to another one follow it and get no motor of their own.
static int is_follower(mjSpec *spec, const char *name) {
  for (mjsElement *e = mjs_firstElement(spec, mjOBJ_EQUALITY); e; e = mjs_nextElement(spec, e)) {
    mjsEquality *equality = mjs_asEquality(e);
    if (equality && equality->type == mjEQ_JOINT && strcmp(mjs_getString(equality->name1), name) == 0) return 1;
  }
  return 0;
}

static void add_motors(mjSpec *spec, sinew_mujoco_completion *completion) {
  if (mjs_firstElement(spec, mjOBJ_ACTUATOR)) return;
  for (mjsElement *e = mjs_firstElement(spec, mjOBJ_JOINT); e; e = mjs_nextElement(spec, e)) {
    mjsJoint *joint = mjs_asJoint(e);
    if (!joint || !is_scalar(joint)) continue;
    const char *name = mjs_getString(mjs_getName(e));
    if (!name || !*name || is_follower(spec, name)) continue;
    if (joint->armature == 0) joint->armature = completion->armature;
    if (joint->frictionloss == 0) joint->frictionloss = completion->friction_loss;
    if (joint->damping[0] == 0) joint->damping[0] = completion->damping;
    mjsActuator *actuator = mjs_addActuator(spec, NULL);
    if (!actuator) continue;
    mjs_setToMotor(actuator);
    mjs_setName(actuator->element, name);
    mjs_setString(actuator->target, name);
    actuator->trntype = mjTRN_JOINT;
    completion->motors_added++;
  }
}

static int is_excluded(mjSpec *spec, const char *a, const char *b) {
  for (mjsElement *e = mjs_firstElement(spec, mjOBJ_EXCLUDE); e; e = mjs_nextElement(spec, e)) {
    mjsExclude *exclude = mjs_asExclude(e);
    const char *first = mjs_getString(exclude->bodyname1), *second = mjs_getString(exclude->bodyname2);
    if ((!strcmp(first, a) && !strcmp(second, b)) || (!strcmp(first, b) && !strcmp(second, a))) return 1;
  }
  return 0;
}

static void exclude_pair(mjSpec *spec, const mjModel *model, int a, int b, sinew_mujoco_completion *completion) {
  const char *first = mj_id2name(model, mjOBJ_BODY, a), *second = mj_id2name(model, mjOBJ_BODY, b);
  if (!first || !second || is_excluded(spec, first, second)) return;
  mjsExclude *exclude = mjs_addExclude(spec);
  mjs_setString(exclude->bodyname1, first);
  mjs_setString(exclude->bodyname2, second);
  completion->pairs_excluded++;
}

static void exclude_neighbours(mjSpec *spec, const mjModel *model, sinew_mujoco_completion *completion) {
  // MuJoCo lets parent and child pass through each other, except where the parent is fixed to the world.
  for (int body = 1; body < model->nbody; body++) {
    int parent = model->body_parentid[body];
    if (parent > 0 && model->body_weldid[parent] == 0 && model->body_weldid[body] != 0)
      exclude_pair(spec, model, parent, body, completion);
  }
  mjData *data = mj_makeData(model);
  mj_forward(model, data);
  for (int i = 0; i < data->ncon; i++) {
    int first = data->contact[i].geom[0], second = data->contact[i].geom[1];
    if (first >= 0 && second >= 0)
      exclude_pair(spec, model, model->geom_bodyid[first], model->geom_bodyid[second], completion);
  }
  mj_deleteData(data);
}

static mjModel *compile(mjSpec *spec) {
  mjModel *model = mj_compile(spec, NULL);
  if (!model) {
    const char *reason = mjs_getError(spec);
    snprintf(message, sizeof message, "%s", reason && *reason ? reason : "the model could not be compiled");
  }
  return model;
}

static mjModel *load(const char *path, const char *text, const char *directory, sinew_mujoco_completion *completion,
                     mjSpec *volatile *spec_slot) {
  char error[1024] = "";
  mjSpec *spec = text ? mj_parseXMLString(text, NULL, error, sizeof error) : mj_parseXML(path, NULL, error, sizeof error);
  *spec_slot = spec;
  if (!spec) {
    snprintf(message, sizeof message, "%s", error[0] ? error : "the text could not be parsed");
    return NULL;
  }
  if (text) mjs_setString(spec->modelfiledir, directory);
  spec->option.disableflags |= mjDSBL_AUTORESET;
  if (completion) add_motors(spec, completion);
  mjModel *model = compile(spec);
  if (!model) return NULL;
  if (completion) {
    exclude_neighbours(spec, model, completion);
    mj_deleteModel(model);
    message[0] = 0;
    model = compile(spec);
    if (!model) return NULL;
  }
  for (int i = 0; i < mjs_numWarnings(spec); i++) append_message(mjs_getWarning(spec, i));
  model->opt.disableflags |= mjDSBL_AUTORESET;
  return model;
}

mjModel *sinew_mujoco_load(const char *path, const char *text, const char *directory,
                           sinew_mujoco_completion *completion) {
  pthread_once(&installed, install);
  message[0] = 0;
  mjSpec *volatile spec = NULL;
  mjModel *volatile model = NULL;
  GUARDED(model = load(path, text, directory, completion, &spec), model = NULL);
  if (spec) GUARDED(mj_deleteSpec(spec), (void)0);
  return model;
}

mjModel *sinew_mujoco_copy_model(const mjModel *model) {
  pthread_once(&installed, install);
  message[0] = 0;
  mjModel *volatile copy = NULL;
  GUARDED(copy = mj_copyModel(NULL, model), copy = NULL);
  return copy;
}

int sinew_mujoco_set_constants(mjModel *model, mjData *data) {
  message[0] = 0;
  volatile int status = SINEW_MUJOCO_OK;
  GUARDED(mj_setConst(model, data), status = SINEW_MUJOCO_ERROR);
  return status;
}

static void add_point_mass(mjModel *model, int body, const double point[3], double mass) {
  double *total = model->body_mass + body, *centre = model->body_ipos + 3 * body;
  double *quaternion = model->body_iquat + 4 * body, *diagonal = model->body_inertia + 3 * body;
  double rotation[9], inertia[9] = {0};
  mju_quat2Mat(rotation, quaternion);
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++)
      for (int k = 0; k < 3; k++) inertia[3 * i + j] += rotation[3 * i + k] * diagonal[k] * rotation[3 * j + k];
  // Two bodies about their common centre of mass: the reduced mass times the squared distance between their centres.
  double between[3], squared = 0, reduced = *total * mass / (*total + mass);
  for (int i = 0; i < 3; i++) {
    between[i] = point[i] - centre[i];
    squared += between[i] * between[i];
  }
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) inertia[3 * i + j] += reduced * ((i == j ? squared : 0) - between[i] * between[j]);
  for (int i = 0; i < 3; i++) centre[i] += mass / (*total + mass) * between[i];
  *total += mass;
  double vectors[9];
  mju_eig3(diagonal, vectors, quaternion, inertia);
  // The inertial frame no longer coincides with the body's.
  model->body_sameframe[body] = 0;
}

int sinew_mujoco_add_point_mass(mjModel *model, int body, double x, double y, double z, double mass) {
  const double point[3] = {x, y, z};
  volatile int status = SINEW_MUJOCO_OK;
  GUARDED(add_point_mass(model, body, point, mass), status = SINEW_MUJOCO_ERROR);
  return status;
}

mjData *sinew_mujoco_make_data(const mjModel *model) {
  pthread_once(&installed, install);
  message[0] = 0;
  mjData *volatile data = NULL;
  GUARDED(data = mj_makeData(model), data = NULL);
  return data;
}

void sinew_mujoco_delete_model(mjModel *model) { GUARDED(mj_deleteModel(model), (void)0); }

void sinew_mujoco_delete_data(mjData *data) { GUARDED(mj_deleteData(data), (void)0); }

// MARK: Simulation

static int all_sane(const mjtNum *values, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (!(fabs(values[i]) <= mjMAXVAL)) return 0;
  return 1;
}

static int check(const mjModel *model, const mjData *data) {
  for (int i = 0; i < mjNWARNING; i++)
    if (data->warning[i].number > 0) return SINEW_MUJOCO_WARNING + i;
  if (!all_sane(data->qpos, model->nq) || !all_sane(data->qvel, model->nv) || !all_sane(data->qacc, model->nv))
    return SINEW_MUJOCO_NOT_FINITE;
  return SINEW_MUJOCO_OK;
}

int sinew_mujoco_reset(const mjModel *model, mjData *data) {
  volatile int status = SINEW_MUJOCO_OK;
  GUARDED(mj_resetData(model, data), status = SINEW_MUJOCO_ERROR);
  return status;
}

int sinew_mujoco_forward(const mjModel *model, mjData *data) {
  volatile int status = SINEW_MUJOCO_OK;
  GUARDED(mj_forward(model, data), status = SINEW_MUJOCO_ERROR);
  return status ? status : check(model, data);
}

int sinew_mujoco_step(const mjModel *model, mjData *data) {
  volatile int status = SINEW_MUJOCO_OK;
  GUARDED(mj_step(model, data), status = SINEW_MUJOCO_ERROR);
  return status ? status : check(model, data);
}

int sinew_mujoco_kinematics(const mjModel *model, mjData *data) {
  volatile int status = SINEW_MUJOCO_OK;
  GUARDED(mj_kinematics(model, data), status = SINEW_MUJOCO_ERROR);
  return status;
}
