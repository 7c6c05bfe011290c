// Terminal devices with arbitrary speeds: the kernel's termios2, which <termios.h> hides and excludes.
#include "CSystem.h"
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <linux/serial.h>
#include <sys/file.h>

extern int ioctl(int descriptor, unsigned long request, ...);

int sinew_terminal_discard_output(int descriptor) { return ioctl(descriptor, TCFLSH, TCOFLUSH) < 0 ? errno : 0; }

int sinew_terminal_prepare(int descriptor) {
  struct termios2 settings;
  if (ioctl(descriptor, TCGETS2, &settings) < 0) return errno;
  settings.c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON | IXOFF | IXANY);
  settings.c_oflag &= ~OPOST;
  settings.c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  return ioctl(descriptor, TCSETS2, &settings) < 0 ? errno : 0;
}

int sinew_terminal_speed(int descriptor, uint32_t *input, uint32_t *output) {
  struct termios2 settings;
  if (ioctl(descriptor, TCGETS2, &settings) < 0) return errno;
  *input = settings.c_ispeed;
  *output = settings.c_ospeed;
  return 0;
}

int sinew_terminal_set_speed(int descriptor, uint32_t speed) {
  struct termios2 settings;
  if (ioctl(descriptor, TCGETS2, &settings) < 0) return errno;
  settings.c_cflag &= ~(CBAUD | (CBAUD << IBSHIFT));
  // The input's speed bits stay 0: the output's hold for both.
  settings.c_cflag |= BOTHER;
  settings.c_ispeed = settings.c_ospeed = speed;
  return ioctl(descriptor, TCSETS2, &settings) < 0 ? errno : 0;
}

int sinew_terminal_claim(int descriptor) {
  if (flock(descriptor, LOCK_EX | LOCK_NB) < 0) return errno;
  return ioctl(descriptor, TIOCEXCL) < 0 ? errno : 0;
}

int sinew_terminal_low_latency(int descriptor) {
  struct serial_struct settings;
  if (ioctl(descriptor, TIOCGSERIAL, &settings) < 0) return errno;
  settings.flags |= ASYNC_LOW_LATENCY;
  return ioctl(descriptor, TIOCSSERIAL, &settings) < 0 ? errno : 0;
}
