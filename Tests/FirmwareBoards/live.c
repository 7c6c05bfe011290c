// An emulated ATmega328P with our firmware, in step with real time, whose UART is a pseudo-terminal or a Unix socket.
// tools/emulated-board builds and runs it, and says how it is used.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "board.h"

// How far the board may be ahead of real time, and how much of its time passes between two looks at the line. A board that
// is more than LATE_US behind is not made up for: its time goes slower then.
enum { STEP_US = 200, LATE_US = 5000, COMMAND = 4096, CHUNK = 64 };

static const char *pty_path, *socket_path, *eeprom_path;
static FILE *trace;
static int line = -1, listener = -1;
static bool is_plugged, resets_on_open, stays;
static uint8_t outgoing[CHUNK * 16];
static size_t outgoing_count;
static uint64_t lost_us;
static double traced_pulse[BOARD_CHANNELS];
static volatile sig_atomic_t is_told_to_end;

static void on_signal(int number) { is_told_to_end = number; }

static void fail(const char *what, const char *about) {
  fprintf(stderr, "emulated-board: %s%s: %s\n", what, about, strerror(errno));
  exit(1);
}

// MARK: What is told

/// A line on standard output and in the trace, with the board's time in front.
__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...) {
  FILE *places[] = {stdout, trace};
  for (size_t i = 0; i < 2; i++) {
    if (!places[i]) continue;
    va_list values;
    va_start(values, format);
    fprintf(places[i], "%llu ", (unsigned long long)board_us());
    vfprintf(places[i], format, values);
    fputc('\n', places[i]);
    va_end(values);
    if (places[i] == stdout) fflush(stdout);
  }
}

static void on_sent(uint8_t byte) {
  if (outgoing_count < sizeof outgoing) outgoing[outgoing_count++] = byte;
}

static void on_rail(bool is_on) { tell("rail %d", is_on); }

static void on_light(bool is_on) {
  if (trace) fprintf(trace, "%llu light %d\n", (unsigned long long)board_us(), is_on);
}

static void on_pulse(int channel, double width_us) {
  traced_pulse[channel] = width_us;
  if (trace) fprintf(trace, "%llu pulse %d %.2f\n", (unsigned long long)board_us(), channel, width_us);
}

static void watch_for_missing_pulses(void) {
  for (int i = 0; i < BOARD_CHANNELS; i++) {
    if (traced_pulse[i] == 0 || board_pulse(i) != 0) continue;
    traced_pulse[i] = 0;
    if (trace) fprintf(trace, "%llu pulse %d off\n", (unsigned long long)board_us(), i);
  }
}

static void tell_pins(bool estop_is_open) {
  char pulses[BOARD_CHANNELS * 12] = "";
  for (int i = 0, at = 0; i < BOARD_CHANNELS; i++) {
    at += snprintf(pulses + at, sizeof pulses - (size_t)at, " %.2f", board_pulse(i));
  }
  tell("pins rail %d light %d estop %s pulses%s", board_rail(), board_light(), estop_is_open ? "open" : "closed", pulses);
}

// MARK: The line

static void plug(void) {
  if (is_plugged) return;
  is_plugged = true;
  if (socket_path) {
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    unlink(socket_path);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1) != 0) {
      fail("cannot listen on ", socket_path);
    }
    tell("ready %s at %u bit/s", socket_path, board_bit_rate());
    return;
  }
  line = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (line < 0 || grantpt(line) != 0 || unlockpt(line) != 0) fail("cannot make a pseudo-terminal", "");
  const char *name = ptsname(line);
  struct termios settings;
  // Raw before anybody opens it, or the kernel would echo the board's first bytes back to it. The settings stay.
  int other_end = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (other_end < 0 || tcgetattr(other_end, &settings) != 0) fail("cannot open ", name);
  cfmakeraw(&settings);
  tcsetattr(other_end, TCSANOW, &settings);
  close(other_end);
  if (pty_path) {
    char old[256];
    // Only what is a link already is replaced: a mistyped path must not cost anybody a file.
    if (readlink(pty_path, old, sizeof old) >= 0) unlink(pty_path);
    if (symlink(name, pty_path) != 0) fail("cannot make the link ", pty_path);
  }
  tell("ready %s at %u bit/s", pty_path ? pty_path : name, board_bit_rate());
}

static void unplug(void) {
  if (!is_plugged) return;
  is_plugged = false;
  if (line >= 0) close(line);
  if (listener >= 0) close(listener);
  line = listener = -1;
  if (socket_path) unlink(socket_path);
  if (pty_path) unlink(pty_path);
}

/// Whether somebody has the other end of the pseudo-terminal open.
static bool is_open(void) {
  struct pollfd state = {.fd = line};
  return line >= 0 && poll(&state, 1, 0) >= 0 && !(state.revents & POLLHUP);
}

static void exchange_bytes(void) {
  static bool was_open;
  if (listener >= 0 && line < 0) {
    line = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (line >= 0) tell("connected");
  }
  bool is_open_now = is_open();
  if (is_open_now != was_open) {
    was_open = is_open_now;
    if (!socket_path) tell(is_open_now ? "opened" : "closed");
    if (is_open_now && resets_on_open) board_reset();
  }
  // What nobody hears is gone, as on a wire.
  if (outgoing_count && is_open_now && send(line, outgoing, outgoing_count, MSG_NOSIGNAL) < 0 && errno == ENOTSOCK) {
    if (write(line, outgoing, outgoing_count) < 0 && errno != EAGAIN && errno != EIO) fail("cannot write", "");
  }
  outgoing_count = 0;
  // The rest waits with whoever sent it, as in the buffers of a serial port.
  if (line < 0 || board_unreceived() >= CHUNK) return;
  uint8_t bytes[CHUNK];
  ssize_t count = read(line, bytes, sizeof bytes);
  if (count > 0) {
    board_receive(bytes, (size_t)count);
    if (trace) fprintf(trace, "%llu heard %zd\n", (unsigned long long)board_us(), count);
  }
  if (socket_path && (count == 0 || (count < 0 && errno != EAGAIN))) {
    close(line);
    line = -1;
    tell("disconnected");
  }
}

// MARK: Commands

static bool obey(const char *command) {
  static bool estop_is_open;
  if (!strcmp(command, "pins")) {
    tell_pins(estop_is_open);
  } else if (!strcmp(command, "estop open") || !strcmp(command, "estop closed")) {
    estop_is_open = !strcmp(command, "estop open");
    board_set_estop(estop_is_open);
    tell("%s", command);
  } else if (!strcmp(command, "reset")) {
    board_reset();
    tell("reset");
  } else if (!strcmp(command, "hang")) {
    board_hang();
    tell("hang");
  } else if (!strcmp(command, "unplug")) {
    unplug();
    tell("unplug");
  } else if (!strcmp(command, "plug")) {
    plug();
  } else if (!strcmp(command, "end")) {
    return false;
  } else {
    tell("unknown command: %s", command);
  }
  return true;
}

/// False: the commands are over.
static bool take_commands(void) {
  static char text[COMMAND];
  static size_t count;
  static bool is_over;
  struct pollfd state = {.fd = STDIN_FILENO, .events = POLLIN};
  while (!is_over && poll(&state, 1, 0) > 0) {
    char byte;
    if (read(STDIN_FILENO, &byte, 1) != 1) {
      is_over = true;
    } else if (byte != '\n') {
      if (count < sizeof text - 1) text[count++] = byte;
    } else {
      text[count] = 0;
      count = 0;
      if (!obey(text)) return false;
    }
  }
  return !is_over || stays;
}

// MARK: Time

static uint64_t real_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/// Lets the board's time follow real time until a signal, `end`, or the end of the commands.
static void follow_time(double seconds) {
  uint64_t began = real_us() - board_us(), end = seconds > 0 ? board_us() + (uint64_t)(seconds * 1e6) : UINT64_MAX;
  while (!is_told_to_end && board_us() < end && take_commands()) {
    uint64_t due = real_us() - began;
    if (due > board_us() + LATE_US) {
      lost_us += due - board_us();
      began += due - board_us();
    } else if (due < board_us()) {
      struct pollfd ends[] = {{.fd = line, .events = POLLIN}, {.fd = stays ? -1 : STDIN_FILENO, .events = POLLIN}};
      struct timespec wait = {.tv_nsec = (long)(board_us() - due) * 1000};
      // A pseudo-terminal that nobody has open is always ready to say so.
      if (!is_open() || board_unreceived() >= CHUNK) ends[0].fd = -1;
      ppoll(ends, 2, &wait, NULL);
    }
    exchange_bytes();
    board_run(STEP_US);
    watch_for_missing_pulses();
  }
}

static void keep_eeprom(const char *mode) {
  uint8_t bytes[EEPROM_BYTES];
  FILE *file = eeprom_path ? fopen(eeprom_path, mode) : NULL;
  if (eeprom_path && !file && (mode[0] == 'w' || errno != ENOENT)) fail("cannot open ", eeprom_path);
  if (!file) return;
  if (mode[0] == 'w') {
    board_read_eeprom(bytes);
    if (fwrite(bytes, sizeof bytes, 1, file) != 1 || fclose(file) != 0) fail("cannot write ", eeprom_path);
  } else {
    if (fread(bytes, sizeof bytes, 1, file) != 1) errno = EINVAL, fail("not 1024 bytes: ", eeprom_path);
    board_write_eeprom(bytes);
    fclose(file);
  }
}

int main(int argc, char **argv) {
  double seconds = 0;
  int option;
  while ((option = getopt(argc, argv, "p:s:t:e:rkn:")) != -1) {
    switch (option) {
      case 'p': pty_path = optarg; break;
      case 's': socket_path = optarg; break;
      case 't': trace = fopen(optarg, "we"); if (!trace) fail("cannot open ", optarg); break;
      case 'e': eeprom_path = optarg; break;
      case 'r': resets_on_open = true; break;
      case 'k': stays = true; break;
      case 'n': seconds = atof(optarg); break;
      default: return 2;
    }
  }
  if (argc != optind + 1 || (pty_path && socket_path)) {
    return fprintf(stderr, "Usage: live [-p LINK | -s SOCKET] [-t TRACE] [-e EEPROM] [-r] [-k] [-n SECONDS] FIRMWARE.elf\n"), 2;
  }
  struct sigaction end = {.sa_handler = on_signal};
  sigaction(SIGINT, &end, NULL);
  sigaction(SIGTERM, &end, NULL);
  sigaction(SIGHUP, &end, NULL);
  signal(SIGPIPE, SIG_IGN);
  if (trace) setvbuf(trace, NULL, _IOLBF, 0);
  board_start(argv[optind], (board_events){on_sent, on_rail, on_light, on_pulse});
  keep_eeprom("r");
  board_run(20000); // through start and debounce of the e-stop input, before anybody can talk to it
  plug();
  follow_time(seconds);
  unplug();
  keep_eeprom("w");
  if (lost_us) fprintf(stderr, "emulated-board: the board's time fell behind by %.1f s in all\n", (double)lost_us / 1e6);
  return 0;
}
