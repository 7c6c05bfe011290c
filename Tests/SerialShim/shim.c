// Makes a pseudo-terminal pass for a serial device, so that libserialport's own code can be tested without one. Loaded
// with LD_PRELOAD into a test program only.
//
// SINEW_SHIM_PORTS  "/dev/ttyHIL0=/dev/pts/7,…": what each made-up device is.
// SINEW_SHIM_SPEED  a driver that says yes to every speed and runs at this one.
// SINEW_SHIM_ROOT   a folder that stands for /sys, /dev/serial, /dev/ttyUSB* and /dev/ttyACM*: plugging and unplugging is
//                   making and removing files there.
// SINEW_SHIM_LOW_LATENCY  a driver that lowers the latency timer in that folder when it is asked to be quick.
#define _GNU_SOURCE
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/serial.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

// <sys/ioctl.h> has these, and an ioctl of its own.
enum { ModemDTR = 0x002, ModemRTS = 0x004, ModemCTS = 0x020, ModemCarrier = 0x040, ModemDSR = 0x100 };

// The device that stands for `path`, or NULL.
static const char *mapped(const char *path, char *target, size_t size) {
  const char *ports = getenv("SINEW_SHIM_PORTS");
  while (path && ports && *ports) {
    const char *end = strchrnul(ports, ',');
    const char *equals = memchr(ports, '=', (size_t)(end - ports));
    if (equals && strlen(path) == (size_t)(equals - ports) && !strncmp(path, ports, (size_t)(equals - ports))) {
      snprintf(target, size, "%.*s", (int)(end - equals - 1), equals + 1);
      return target;
    }
    ports = *end ? end + 1 : end;
  }
  return NULL;
}

// What stands for `path` in the made-up tree, or NULL.
static const char *in_tree(const char *path, char *target, size_t size) {
  static const char *const places[] = {"/sys/", "/dev/serial", "/dev/ttyUSB", "/dev/ttyACM"};
  const char *root = getenv("SINEW_SHIM_ROOT");
  for (size_t i = 0; path && root && i < sizeof places / sizeof *places; i++) {
    if (strncmp(path, places[i], strlen(places[i]))) continue;
    snprintf(target, size, "%s%s", root, path);
    return target;
  }
  return NULL;
}

// The file that is meant by `path`.
static const char *meant(const char *path, char *target, size_t size) {
  const char *other = mapped(path, target, size);
  if (!other) other = in_tree(path, target, size);
  return other ? other : path;
}

// Whether `path` is the sysfs entry of a made-up device.
static int is_made_up_entry(const char *path) {
  char device[PATH_MAX], target[PATH_MAX];
  // A made-up tree has entries of its own.
  if (getenv("SINEW_SHIM_ROOT") || strncmp(path, "/sys/class/tty/", 15)) return 0;
  snprintf(device, sizeof device, "/dev/%s", path + 15);
  return mapped(device, target, sizeof target) != NULL;
}

#define NEXT(name) __typeof__(&name) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int open(const char *path, int flags, ...) {
  NEXT(open);
  char target[PATH_MAX];
  va_list arguments;
  va_start(arguments, flags);
  int mode = va_arg(arguments, int);
  va_end(arguments);
  return next(meant(path, target, sizeof target), flags, mode);
}

int access(const char *path, int mode) {
  NEXT(access);
  char target[PATH_MAX];
  return next(meant(path, target, sizeof target), mode);
}

FILE *fopen(const char *path, const char *mode) {
  NEXT(fopen);
  char target[PATH_MAX];
  return next(meant(path, target, sizeof target), mode);
}

DIR *opendir(const char *path) {
  NEXT(opendir);
  char target[PATH_MAX];
  return next(meant(path, target, sizeof target));
}

int stat(const char *path, struct stat *result) {
  NEXT(stat);
  char target[PATH_MAX];
  int status = next(meant(path, target, sizeof target), result);
  // No longer a pseudo-terminal's numbers.
  if (status == 0 && mapped(path, target, sizeof target)) result->st_rdev = makedev(188, 0);
  return status;
}

static int made_up_link(struct stat *result) {
  memset(result, 0, sizeof *result);
  result->st_mode = S_IFLNK | 0777;
  return 0;
}

int lstat(const char *path, struct stat *result) {
  NEXT(lstat);
  char target[PATH_MAX];
  return is_made_up_entry(path) ? made_up_link(result) : next(meant(path, target, sizeof target), result);
}

// What programs that were built against older C libraries call.
int __lxstat(int version, const char *path, struct stat *result) {
  int (*next)(int, const char *, struct stat *) = (int (*)(int, const char *, struct stat *))dlsym(RTLD_NEXT, "__lxstat");
  char target[PATH_MAX];
  return is_made_up_entry(path) ? made_up_link(result) : next(version, meant(path, target, sizeof target), result);
}

int __open_2(const char *path, int flags) { return open(path, flags); }

ssize_t readlink(const char *path, char *buffer, size_t size) {
  NEXT(readlink);
  const char *link = "../../devices/platform/hil/tty/ttyHIL0";
  char target[PATH_MAX];
  ssize_t length =
      is_made_up_entry(path) ? (ssize_t)strlen(link) : next(meant(path, target, sizeof target), buffer, size);
  const char *ports = getenv("SINEW_SHIM_PORTS");
  const char *equals = ports ? strchr(ports, '=') : NULL;
  if (is_made_up_entry(path)) {
    if ((size_t)length > size) length = (ssize_t)size;
    memcpy(buffer, link, (size_t)length);
  } else if (equals && length == (ssize_t)strlen(equals + 1) && !memcmp(buffer, equals + 1, (size_t)length)) {
    // Another process's open file: the device's name, as the kernel would show it. One device is enough for that.
    length = equals - ports < (ssize_t)size ? equals - ports : (ssize_t)size;
    memcpy(buffer, ports, (size_t)length);
  }
  return length;
}

char *realpath(const char *path, char *resolved) {
  NEXT(realpath);
  char target[PATH_MAX], link[PATH_MAX];
  if (mapped(path, target, sizeof target)) return strdup(path);
  ssize_t length = readlink(path, link, sizeof link - 1);
  if (length > 0 && link[0] == '/') {
    link[length] = 0;
    if (mapped(link, target, sizeof target)) return strdup(link);
  }
  const char *other = in_tree(path, target, sizeof target);
  if (!other) return next(path, resolved);
  char *found = next(other, NULL), *name = NULL;
  const char *root = getenv("SINEW_SHIM_ROOT");
  // Without the tree's place, as the kernel would name it.
  if (found) name = strdup(strncmp(found, root, strlen(root)) ? found : found + strlen(root));
  free(found);
  return name;
}

// The driver lowers the timer of every adaptor that is plugged in.
static void lower_latency(void) {
  DIR *folder = opendir("/sys/bus/usb-serial/devices");
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    char file[PATH_MAX];
    snprintf(file, sizeof file, "/sys/bus/usb-serial/devices/%s/latency_timer", entry->d_name);
    FILE *timer = entry->d_name[0] == '.' ? NULL : fopen(file, "r+");
    if (!timer) continue;
    fputs("1\n", timer);
    fclose(timer);
  }
  if (folder) closedir(folder);
}

int ioctl(int descriptor, unsigned long request, ...) {
  int (*next)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
  va_list arguments;
  va_start(arguments, request);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  int status = next(descriptor, request, argument);
  const char *speed = getenv("SINEW_SHIM_SPEED");
  if (status == 0 && request == TCGETS2 && speed) {
    struct termios2 *settings = argument;
    settings->c_ispeed = settings->c_ospeed = (speed_t)atoi(speed);
  }
  if (status == 0 || (errno != ENOTTY && errno != EINVAL)) return status;
  static int modem = ModemDTR | ModemRTS | ModemCTS | ModemDSR | ModemCarrier;
  switch (request) {
    case TIOCMGET: *(int *)argument = modem; return 0;
    case TIOCMSET: modem = *(int *)argument; return 0;
    case TIOCMBIS: modem |= *(int *)argument; return 0;
    case TIOCMBIC: modem &= ~*(int *)argument; return 0;
    case TIOCSBRK:
    case TIOCCBRK: return 0;
    case TIOCGSERIAL:
      if (!getenv("SINEW_SHIM_LOW_LATENCY")) return status;
      memset(argument, 0, sizeof(struct serial_struct));
      return 0;
    case TIOCSSERIAL:
      if (!getenv("SINEW_SHIM_LOW_LATENCY")) return status;
      if (((struct serial_struct *)argument)->flags & ASYNC_LOW_LATENCY) lower_latency();
      return 0;
    default: return status;
  }
}
