// Made-up input devices for the tests: umockdev shows them to this process, and we answer what is asked of them. The
// library is looked for at run time, so that the tests build, and say why they are skipped, where it is missing.
#pragma once
#include <linux/input.h>
#include <stdbool.h>
#include <stdint.h>

/// Why there can be no made-up devices here; NULL when there can.
const char *_Nullable sinew_testbed_obstacle(void);

/// A world of devices. One at a time: it replaces /dev and /sys of the whole process.
typedef struct sinew_testbed sinew_testbed;
sinew_testbed *_Nullable sinew_testbed_make(void);
void sinew_testbed_destroy(sinew_testbed *_Nonnull bed);
/// The folder that stands for "/"; to be freed.
char *_Nonnull sinew_testbed_root(sinew_testbed *_Nonnull bed);
/// Adds devices in umockdev's notation. Returns false when it cannot be read.
bool sinew_testbed_add(sinew_testbed *_Nonnull bed, const char *_Nonnull description);
/// Removes a device, its file and all.
void sinew_testbed_remove(sinew_testbed *_Nonnull bed, const char *_Nonnull sysfs_path);

/// What a made-up pad answers. Everything may be changed while it is in use, through `sinew_pad_change`.
typedef struct {
  struct input_id id;
  char name[128], phys[128], uniq[128];
  uint8_t event_bits[4];
  uint8_t key_bits[96];
  uint8_t abs_bits[8];
  uint8_t force_bits[16];
  /// What is down, and where the axes are: what the kernel would say when asked.
  uint8_t keys[96];
  struct input_absinfo axes[64];
  /// The error that a grab gets; 0: none.
  int grab_error;
  /// The error that choosing a clock gets; 0: none.
  int clock_error;
  /// The error that every read gets; 0: none.
  int read_error;
} sinew_pad_state;

/// What a pad was asked for.
typedef struct {
  int grabs, clock_choices, rumbles_stored;
  struct ff_effect last_rumble;
} sinew_pad_record;

typedef struct sinew_pad sinew_pad;
/// Answers for the device file `node`, such as /dev/input/event5, which has been added before.
sinew_pad *_Nullable sinew_pad_attach(
    sinew_testbed *_Nonnull bed, const char *_Nonnull node, const sinew_pad_state *_Nonnull state);
void sinew_pad_detach(sinew_pad *_Nonnull pad);
/// Reads, or replaces, what the pad answers.
void sinew_pad_read(sinew_pad *_Nonnull pad, sinew_pad_state *_Nonnull state);
void sinew_pad_change(sinew_pad *_Nonnull pad, const sinew_pad_state *_Nonnull state);
/// What it has been asked for so far.
sinew_pad_record sinew_pad_asked(sinew_pad *_Nonnull pad);
/// Sends an event, stamped now. Returns false when the device takes no more before it is read.
bool sinew_pad_send(sinew_pad *_Nonnull pad, uint16_t type, uint16_t code, int32_t value);
/// How many of the events that were sent have not been read yet: 170 at most, then the device takes no more.
int sinew_pad_unread(sinew_pad *_Nonnull pad);
/// Takes the next event that was written to the pad (rumble); false when there is none.
bool sinew_pad_receive(sinew_pad *_Nonnull pad, struct input_event *_Nonnull event);
/// Hangs up, as a cable that is pulled.
void sinew_pad_hang_up(sinew_pad *_Nonnull pad);

/// Takes, or gives back, the rights of root in file access, for the calling thread alone. Returns false without success.
bool sinew_thread_be_nobody(bool nobody);
