#include "CPadTestbed.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <time.h>
#include <unistd.h>

// umockdev-1.0 and gobject-2.0, as far as they are used here. Every object is opaque.
typedef int gboolean;
static struct {
  void *(*testbed_new)(void);
  char *(*testbed_get_root_dir)(void *);
  gboolean (*testbed_add_from_string)(void *, const char *, void **);
  void (*testbed_remove_device)(void *, const char *);
  int (*testbed_get_dev_fd)(void *, const char *);
  void *(*ioctl_base_new)(void);
  gboolean (*testbed_attach_ioctl)(void *, const char *, void *, void **);
  gboolean (*testbed_detach_ioctl)(void *, const char *, void **);
  unsigned long (*ioctl_client_get_request)(void *);
  void *(*ioctl_client_get_arg)(void *);
  int (*ioctl_client_execute)(void *, int *, void **);
  void (*ioctl_client_complete)(void *, long, int);
  void *(*ioctl_data_resolve)(void *, size_t, size_t, void **);
  void (*ioctl_data_update)(void *, size_t, uint8_t *, int);
  void (*ioctl_data_retrieve)(void *, uint8_t **, int *);
  void (*ioctl_data_unref)(void *);
  void (*object_unref)(void *);
  unsigned long (*signal_connect)(void *, const char *, void (*)(void), void *, void *, int);
  void (*g_free)(void *);
} api;

static const char *load(void) {
  void *library = dlopen("libumockdev.so.0", RTLD_NOW | RTLD_GLOBAL);
  if (!library) return "libumockdev is not installed; run tools/setup --with-test-tools";
  const struct {
    void *target;
    const char *name;
  } names[] = {
      {&api.testbed_new, "umockdev_testbed_new"},
      {&api.testbed_get_root_dir, "umockdev_testbed_get_root_dir"},
      {&api.testbed_add_from_string, "umockdev_testbed_add_from_string"},
      {&api.testbed_remove_device, "umockdev_testbed_remove_device"},
      {&api.testbed_get_dev_fd, "umockdev_testbed_get_dev_fd"},
      {&api.ioctl_base_new, "umockdev_ioctl_base_new"},
      {&api.testbed_attach_ioctl, "umockdev_testbed_attach_ioctl"},
      {&api.testbed_detach_ioctl, "umockdev_testbed_detach_ioctl"},
      {&api.ioctl_client_get_request, "umockdev_ioctl_client_get_request"},
      {&api.ioctl_client_get_arg, "umockdev_ioctl_client_get_arg"},
      {&api.ioctl_client_execute, "umockdev_ioctl_client_execute"},
      {&api.ioctl_client_complete, "umockdev_ioctl_client_complete"},
      {&api.ioctl_data_resolve, "umockdev_ioctl_data_resolve"},
      {&api.ioctl_data_update, "umockdev_ioctl_data_update"},
      {&api.ioctl_data_retrieve, "umockdev_ioctl_data_retrieve"},
      {&api.ioctl_data_unref, "umockdev_ioctl_data_unref"},
      {&api.object_unref, "g_object_unref"},
      {&api.signal_connect, "g_signal_connect_data"},
      {&api.g_free, "g_free"},
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    void *symbol = dlsym(library, names[i].name);
    if (!symbol) return "libumockdev is too old: 0.17 is needed";
    memcpy(names[i].target, &symbol, sizeof symbol);
  }
  return NULL;
}

const char *sinew_testbed_obstacle(void) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static bool is_loaded;
  static const char *obstacle;
  const char *preload = getenv("LD_PRELOAD");
  if (!preload || !strstr(preload, "umockdev")) return "not under umockdev-wrapper; run tools/gamepad-tests";
  pthread_mutex_lock(&lock);
  if (!is_loaded) obstacle = load();
  is_loaded = true;
  pthread_mutex_unlock(&lock);
  return obstacle;
}

struct sinew_testbed {
  void *object;
};

struct sinew_pad {
  sinew_testbed *bed;
  char *node;
  void *base;
  int master;
  pthread_mutex_t lock;
  sinew_pad_state state;
  sinew_pad_record record;
  /// Bytes that were sent and have not been read yet.
  long unread;
};

/// What may lie unread, in bytes: whole events only. The terminal that stands for the device holds 4095 bytes, and whoever
/// reads from a full one gets a part of an event, which no kernel's input device gives.
static const long most_unread = 4095 / sizeof(struct input_event) * sizeof(struct input_event);

sinew_testbed *sinew_testbed_make(void) {
  if (sinew_testbed_obstacle()) return NULL;
  sinew_testbed *bed = calloc(1, sizeof *bed);
  if (bed) bed->object = api.testbed_new();
  return bed;
}

void sinew_testbed_destroy(sinew_testbed *bed) {
  api.object_unref(bed->object);
  free(bed);
}

char *sinew_testbed_root(sinew_testbed *bed) { return api.testbed_get_root_dir(bed->object); }

bool sinew_testbed_add(sinew_testbed *bed, const char *description) {
  return api.testbed_add_from_string(bed->object, description, NULL);
}

void sinew_testbed_remove(sinew_testbed *bed, const char *path) { api.testbed_remove_device(bed->object, path); }

// MARK: What a pad answers

static void finish(void *client, long result, int error) {
  api.ioctl_client_complete(client, error ? -1 : result, error);
}

/// Writes the answer into the memory that the request points to; what is longer than asked for is cut.
static void answer(void *client, const void *bytes, size_t length, size_t size) {
  void *data = api.ioctl_data_resolve(api.ioctl_client_get_arg(client), 0, size, NULL);
  if (!data) return finish(client, 0, EFAULT);
  uint8_t *copy = calloc(1, size);
  memcpy(copy, bytes, length < size ? length : size);
  api.ioctl_data_update(data, 0, copy, (int)size);
  free(copy);
  api.ioctl_data_unref(data);
  finish(client, (long)(length < size ? length : size), 0);
}

static void store_rumble(sinew_pad *pad, void *client) {
  void *data = api.ioctl_data_resolve(api.ioctl_client_get_arg(client), 0, sizeof(struct ff_effect), NULL);
  if (!data) return finish(client, 0, EFAULT);
  uint8_t *bytes = NULL;
  int length = 0;
  api.ioctl_data_retrieve(data, &bytes, &length);
  struct ff_effect effect = {0};
  if (bytes && length >= (int)sizeof effect) memcpy(&effect, bytes, sizeof effect);
  if (effect.id < 0) effect.id = 0;
  pad->record.rumbles_stored++;
  pad->record.last_rumble = effect;
  api.ioctl_data_update(data, 0, (uint8_t *)&effect, sizeof effect);
  api.g_free(bytes);
  api.ioctl_data_unref(data);
  finish(client, 0, 0);
}

static void answer_request(sinew_pad *pad, void *client, unsigned long request) {
  sinew_pad_state *state = &pad->state;
  const unsigned number = _IOC_NR(request);
  const size_t size = _IOC_SIZE(request);
  const int version = 0x010001;
  const uint8_t nothing[128] = {0};
  switch (number) {
    case 0x01: return answer(client, &version, sizeof version, size);
    case 0x02: return answer(client, &state->id, sizeof state->id, size);
    case 0x06: return answer(client, state->name, strlen(state->name) + 1, size);
    case 0x07:
    case 0x08: {
      const char *text = number == 7 ? state->phys : state->uniq;
      if (!*text) return finish(client, 0, ENOENT);
      return answer(client, text, strlen(text) + 1, size);
    }
    case 0x18: return answer(client, state->keys, sizeof state->keys, size);
    case 0x80: return store_rumble(pad, client);
    case 0x81: return finish(client, 0, 0);
    case 0x90: pad->record.grabs++; return finish(client, 0, state->grab_error);
    case 0xa0: pad->record.clock_choices++; return finish(client, 0, state->clock_error);
    case 0x20: return answer(client, state->event_bits, sizeof state->event_bits, size);
    case 0x20 + EV_KEY: return answer(client, state->key_bits, sizeof state->key_bits, size);
    case 0x20 + EV_ABS: return answer(client, state->abs_bits, sizeof state->abs_bits, size);
    case 0x20 + EV_FF: return answer(client, state->force_bits, sizeof state->force_bits, size);
  }
  if (number >= 0x40 && number < 0x80) return answer(client, &state->axes[number - 0x40], sizeof *state->axes, size);
  // Properties, LEDs, switches and the other kinds of event: none of them.
  if (number == 0x09 || number == 0x19 || number == 0x1b || (number >= 0x20 && number < 0x40)) {
    return answer(client, nothing, size < sizeof nothing ? size : sizeof nothing, size);
  }
  finish(client, 0, ENOTTY);
}

static gboolean handle_request(void *base, void *client, void *context) {
  (void)base;
  sinew_pad *pad = context;
  const unsigned long request = api.ioctl_client_get_request(client);
  if (_IOC_TYPE(request) != 'E') {
    int error = 0;
    int result = api.ioctl_client_execute(client, &error, NULL);
    api.ioctl_client_complete(client, result, error);
    return 1;
  }
  pthread_mutex_lock(&pad->lock);
  answer_request(pad, client, request);
  pthread_mutex_unlock(&pad->lock);
  return 1;
}

static void note_read(sinew_pad *pad, long count) {
  pthread_mutex_lock(&pad->lock);
  pad->unread = count < pad->unread ? pad->unread - count : 0;
  pthread_mutex_unlock(&pad->lock);
}

static gboolean handle_read(void *base, void *client, void *context) {
  (void)base;
  sinew_pad *pad = context;
  pthread_mutex_lock(&pad->lock);
  int error = pad->state.read_error;
  pthread_mutex_unlock(&pad->lock);
  int result = -1;
  if (!error) result = api.ioctl_client_execute(client, &error, NULL);
  if (result > 0) note_read(pad, result);
  api.ioctl_client_complete(client, result, error);
  return 1;
}

sinew_pad *sinew_pad_attach(sinew_testbed *bed, const char *node, const sinew_pad_state *state) {
  sinew_pad *pad = calloc(1, sizeof *pad);
  if (!pad) return NULL;
  pad->bed = bed;
  pad->node = strdup(node);
  pad->state = *state;
  pthread_mutex_init(&pad->lock, NULL);
  pad->base = api.ioctl_base_new();
  api.signal_connect(pad->base, "handle-ioctl", (void (*)(void))handle_request, pad, NULL, 0);
  api.signal_connect(pad->base, "handle-read", (void (*)(void))handle_read, pad, NULL, 0);
  pad->master = api.testbed_get_dev_fd(bed->object, node);
  if (pad->master < 0 || !api.testbed_attach_ioctl(bed->object, node, pad->base, NULL)) {
    api.object_unref(pad->base);
    free(pad->node);
    free(pad);
    return NULL;
  }
  fcntl(pad->master, F_SETFL, fcntl(pad->master, F_GETFL) | O_NONBLOCK);
  return pad;
}

void sinew_pad_detach(sinew_pad *pad) {
  // The pad itself stays: a request of somebody who has it open may be on its way to the other thread.
  api.testbed_detach_ioctl(pad->bed->object, pad->node, NULL);
}

void sinew_pad_read(sinew_pad *pad, sinew_pad_state *state) {
  pthread_mutex_lock(&pad->lock);
  *state = pad->state;
  pthread_mutex_unlock(&pad->lock);
}

void sinew_pad_change(sinew_pad *pad, const sinew_pad_state *state) {
  pthread_mutex_lock(&pad->lock);
  pad->state = *state;
  pthread_mutex_unlock(&pad->lock);
}

sinew_pad_record sinew_pad_asked(sinew_pad *pad) {
  pthread_mutex_lock(&pad->lock);
  sinew_pad_record record = pad->record;
  pthread_mutex_unlock(&pad->lock);
  return record;
}

/// Takes room for an event; false when there is none.
static bool reserve(sinew_pad *pad) {
  const long size = sizeof(struct input_event);
  pthread_mutex_lock(&pad->lock);
  bool fits = pad->unread + size <= most_unread;
  if (fits) pad->unread += size;
  pthread_mutex_unlock(&pad->lock);
  return fits;
}

int sinew_pad_unread(sinew_pad *pad) {
  pthread_mutex_lock(&pad->lock);
  long unread = pad->unread;
  pthread_mutex_unlock(&pad->lock);
  return (int)(unread / (long)sizeof(struct input_event));
}

bool sinew_pad_send(sinew_pad *pad, uint16_t type, uint16_t code, int32_t value) {
  if (!reserve(pad)) return false;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  struct input_event event = {.type = type, .code = code, .value = value};
  event.input_event_sec = now.tv_sec;
  event.input_event_usec = now.tv_nsec / 1000;
  if (write(pad->master, &event, sizeof event) == (ssize_t)sizeof event) return true;
  note_read(pad, sizeof event);
  return false;
}

bool sinew_pad_receive(sinew_pad *pad, struct input_event *event) {
  return read(pad->master, event, sizeof *event) == (ssize_t)sizeof *event;
}

void sinew_pad_hang_up(sinew_pad *pad) {
  // The number stays taken: umockdev closes it later.
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0) return;
  dup2(nothing, pad->master);
  close(nothing);
}

bool sinew_thread_be_nobody(bool nobody) {
  const unsigned wanted = nobody ? 65534 : 0;
  if (nobody) setfsgid(wanted);
  setfsuid(wanted);
  if (!nobody) setfsgid(wanted);
  // The call tells the former id only; asking for an impossible one changes nothing.
  return (unsigned)setfsuid((uid_t)-1) == wanted;
}
