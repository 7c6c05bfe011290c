#include "CSystem.h"
#include <errno.h>
#include <linux/input.h>
#include <sys/ioctl.h>
#include <unistd.h>

int sinew_rumble_store(int descriptor, uint16_t strong, uint16_t weak, uint16_t milliseconds, int16_t *effect) {
  struct ff_effect request = {.type = FF_RUMBLE, .id = *effect};
  request.u.rumble.strong_magnitude = strong;
  request.u.rumble.weak_magnitude = weak;
  request.replay.length = milliseconds;
  if (ioctl(descriptor, EVIOCSFF, &request) < 0) return errno;
  *effect = request.id;
  return 0;
}

int sinew_rumble_play(int descriptor, int16_t effect, bool start) {
  struct input_event event = {.type = EV_FF, .code = (uint16_t)effect, .value = start ? 1 : 0};
  return write(descriptor, &event, sizeof event) == (ssize_t)sizeof event ? 0 : errno;
}

int sinew_rumble_remove(int descriptor, int16_t effect) {
  return ioctl(descriptor, EVIOCRMFF, (long)effect) < 0 ? errno : 0;
}
