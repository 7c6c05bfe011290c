// Makes a pseudo-terminal pass for a serial device, so that libserialport's own code can be tested without one. Loaded
// with LD_PRELOAD into a test program only.
//
// SINEW_SHIM_PORTS  "/dev/ttyHIL0=/dev/pts/7,…": what each made-up device is.
// SINEW_SHIM_SPEED  a driver that says yes to every speed and runs at this one.
#define _GNU_SOURCE
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

// Whether `path` is the sysfs entry of a made-up device.
static int is_made_up_entry(const char *path) {
  char device[PATH_MAX], target[PATH_MAX];
  if (strncmp(path, "/sys/class/tty/", 15)) return 0;
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
  const char *other = mapped(path, target, sizeof target);
  return next(other ? other : path, flags, mode);
}

int access(const char *path, int mode) {
  NEXT(access);
  char target[PATH_MAX];
  const char *other = mapped(path, target, sizeof target);
  return next(other ? other : path, mode);
}

int stat(const char *path, struct stat *result) {
  NEXT(stat);
  char target[PATH_MAX];
  const char *other = mapped(path, target, sizeof target);
  int status = next(other ? other : path, result);
  // No longer a pseudo-terminal's numbers.
  if (status == 0 && other) result->st_rdev = makedev(188, 0);
  return status;
}

static int made_up_link(struct stat *result) {
  memset(result, 0, sizeof *result);
  result->st_mode = S_IFLNK | 0777;
  return 0;
}

int lstat(const char *path, struct stat *result) {
  NEXT(lstat);
  return is_made_up_entry(path) ? made_up_link(result) : next(path, result);
}

// What programs that were built against older C libraries call.
int __lxstat(int version, const char *path, struct stat *result) {
  int (*next)(int, const char *, struct stat *) = (int (*)(int, const char *, struct stat *))dlsym(RTLD_NEXT, "__lxstat");
  return is_made_up_entry(path) ? made_up_link(result) : next(version, path, result);
}

int __open_2(const char *path, int flags) { return open(path, flags); }

ssize_t readlink(const char *path, char *buffer, size_t size) {
  NEXT(readlink);
  const char *link = "../../devices/platform/hil/tty/ttyHIL0";
  ssize_t length = is_made_up_entry(path) ? (ssize_t)strlen(link) : next(path, buffer, size);
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
  return next(path, resolved);
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
    default: return status;
  }
}
