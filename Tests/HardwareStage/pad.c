// A gamepad that the kernel believes in: an input device made by uinput, with the controls and ranges of an Xbox 360 pad as the
// driver xpad gives them. It is plugged in when the program begins and unplugged when it ends.
//
// Commands on standard input, one a line: "CODE VALUE" for a button (1 down, 0 up) or an axis, by its name below; "wait MS";
// "quit". An end of the input ends the program too.
#include <errno.h>
#include <fcntl.h>
#include <linux/uinput.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct control {
  const char *name;
  int type, code, minimum, maximum, fuzz, flat;
};

static const struct control controls[] = {
    {"a", EV_KEY, BTN_SOUTH, 0, 1, 0, 0},
    {"b", EV_KEY, BTN_EAST, 0, 1, 0, 0},
    {"x", EV_KEY, BTN_NORTH, 0, 1, 0, 0},
    {"y", EV_KEY, BTN_WEST, 0, 1, 0, 0},
    {"lb", EV_KEY, BTN_TL, 0, 1, 0, 0},
    {"rb", EV_KEY, BTN_TR, 0, 1, 0, 0},
    {"back", EV_KEY, BTN_SELECT, 0, 1, 0, 0},
    {"start", EV_KEY, BTN_START, 0, 1, 0, 0},
    {"guide", EV_KEY, BTN_MODE, 0, 1, 0, 0},
    {"thumbl", EV_KEY, BTN_THUMBL, 0, 1, 0, 0},
    {"thumbr", EV_KEY, BTN_THUMBR, 0, 1, 0, 0},
    {"leftx", EV_ABS, ABS_X, -32768, 32767, 16, 128},
    {"lefty", EV_ABS, ABS_Y, -32768, 32767, 16, 128},
    {"lefttrigger", EV_ABS, ABS_Z, 0, 255, 0, 0},
    {"rightx", EV_ABS, ABS_RX, -32768, 32767, 16, 128},
    {"righty", EV_ABS, ABS_RY, -32768, 32767, 16, 128},
    {"righttrigger", EV_ABS, ABS_RZ, 0, 255, 0, 0},
    {"hatx", EV_ABS, ABS_HAT0X, -1, 1, 0, 0},
    {"haty", EV_ABS, ABS_HAT0Y, -1, 1, 0, 0},
};
enum { CONTROLS = sizeof controls / sizeof *controls };

static void require(int result, const char *what) {
  if (result >= 0) return;
  fprintf(stderr, "pad: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void send_event(int device, int type, int code, int value) {
  struct input_event event = {.type = (__u16)type, .code = (__u16)code, .value = value};
  require(write(device, &event, sizeof event) == sizeof event ? 0 : -1, "cannot send an event");
}

static int make_device(void) {
  int device = open("/dev/uinput", O_WRONLY | O_CLOEXEC);
  require(device, "cannot open /dev/uinput");
  require(ioctl(device, UI_SET_EVBIT, EV_KEY), "UI_SET_EVBIT");
  require(ioctl(device, UI_SET_EVBIT, EV_ABS), "UI_SET_EVBIT");
  for (int i = 0; i < CONTROLS; i++) {
    const struct control *control = &controls[i];
    if (control->type == EV_KEY) {
      require(ioctl(device, UI_SET_KEYBIT, control->code), control->name);
      continue;
    }
    struct uinput_abs_setup axis = {
        .code = (__u16)control->code,
        .absinfo = {.minimum = control->minimum, .maximum = control->maximum, .fuzz = control->fuzz, .flat = control->flat},
    };
    require(ioctl(device, UI_ABS_SETUP, &axis), control->name);
  }
  struct uinput_setup setup = {.id = {.bustype = BUS_USB, .vendor = 0x045e, .product = 0x028e, .version = 0x0114}};
  strcpy(setup.name, "Microsoft X-Box 360 pad");
  require(ioctl(device, UI_DEV_SETUP, &setup), "UI_DEV_SETUP");
  require(ioctl(device, UI_DEV_CREATE), "UI_DEV_CREATE");
  return device;
}

int main(void) {
  int device = make_device();
  char line[128], name[32];
  while (fgets(line, sizeof line, stdin)) {
    int value = 0;
    int count = sscanf(line, "%31s %d", name, &value);
    if (count == 1 && !strcmp(name, "quit")) break;
    if (count == 2 && !strcmp(name, "wait")) {
      usleep((useconds_t)value * 1000);
      continue;
    }
    int i = 0;
    while (i < CONTROLS && (count != 2 || strcmp(name, controls[i].name))) i++;
    if (i == CONTROLS) {
      fprintf(stderr, "pad: unknown: %s", line);
      return 1;
    }
    send_event(device, controls[i].type, controls[i].code, value);
    send_event(device, EV_SYN, SYN_REPORT, 0);
  }
  require(ioctl(device, UI_DEV_DESTROY), "UI_DEV_DESTROY");
  return 0;
}
